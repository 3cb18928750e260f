//! The parts of the program `phalanx` that other crates use.

pub mod bench_workloads;
