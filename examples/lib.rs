//! Small programs, one per thing a user wants to do. Run one with
//! `cargo run --release --example train_a_team`.
