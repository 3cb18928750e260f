//! Criterion benches. Run one with `cargo bench -p phalanx-benches --bench updates`.
