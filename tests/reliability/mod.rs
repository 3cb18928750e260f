//! Harnesses that try the program on real trouble: hostile inputs, kills, damage, failing disks.
//!
//! Each is a subcommand of one program:
//!
//! ```sh
//! cargo run --release --example reliability -- hostile --count 10000
//! cargo run --release --example reliability -- kills --count 1000
//! ```

pub mod calls;
pub mod case;
pub mod damage;
pub mod findings;
pub mod hostile;
pub mod kills;
pub mod outcome;
pub mod shared_work;
pub mod surroundings;
pub mod threads;
