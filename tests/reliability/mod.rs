//! Harnesses that try the program on real trouble: hostile inputs, kills, damage.
//!
//! Each is a subcommand of one program:
//!
//! ```sh
//! cargo run --release --example reliability -- hostile --count 10000
//! ```

pub mod hostile;
