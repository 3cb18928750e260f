//! The choice of a device: measures how long updates take, and picks the fastest device.

mod fastest_device;
mod update_time;

pub(crate) use fastest_device::{AUTO, fastest_device};
pub use update_time::{BenchBudget, update_seconds};
