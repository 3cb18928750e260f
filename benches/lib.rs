//! Criterion benches. Run one with `cargo bench --bench updates`.
