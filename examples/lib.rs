//! Small programs, one per thing a user wants to do. Run one with
//! `cargo run --release --example train_a_team`.
//!
//! What several of them need stands here: [`grid`] trains many runs and skips those that are
//! finished, [`curves`] reads and draws them, [`page`] puts tables into pages.

pub mod curves;
pub mod grid;
pub mod page;
