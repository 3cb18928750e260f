//! Example programs, one per task. Run one with `cargo run --release --example train_a_team`.
//!
//! Shared modules: [`grid`] trains many runs and skips finished ones, [`curves`] reads and draws them,
//! [`kept_runs`] keeps the curves of runs whose folders are gone, [`page`] inserts tables into Markdown pages.

pub mod curves;
pub mod grid;
pub mod kept_runs;
pub mod page;
