//! Measures our football the way `tests/football/record_engine.py` measured the original engine, and
//! compares the two.
//!
//! - `golden` reads the recorded files, `stage` plays scenes, `statistics` has means, quantiles and intervals.
//! - `comparison` is a row of the report: a quantity on both sides, and whether they agree.
//! - `traces` writes what happens in single episodes.
//! - Each other module measures what the golden file of its name holds.
#![allow(clippy::disallowed_methods, reason = "deviations are measured, not simulated")]
#![allow(dead_code, unreachable_pub)]

pub mod ball;
pub mod carrying;
pub mod comparison;
pub mod duels;
pub mod episodes;
pub mod golden;
pub mod keeper;
pub mod kicks;
pub mod movement;
pub mod stage;
pub mod starts;
pub mod statistics;
pub mod traces;
