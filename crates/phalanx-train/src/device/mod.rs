//! Selection of the fastest device, from measured updates.

mod fastest_device;
mod update_time;

pub(crate) use fastest_device::{AUTO, fastest_device};
pub use update_time::{BenchBudget, update_seconds};
