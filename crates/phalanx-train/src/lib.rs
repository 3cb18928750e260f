//! Training, evaluation and checkpoints for cooperative multi-agent reinforcement learning.
//!
//! [`Trainer`] runs one algorithm on one environment. Its parts are open:
//!
//! - [`config`] reads and checks configurations,
//! - [`rollout`] plays rollouts, [`replay`] keeps them,
//! - [`algorithms`] holds the algorithms, one file each,
//! - [`evaluate`] plays greedy episodes,
//! - [`checkpoint`] writes and reads weights so that a crash loses nothing,
//! - [`log`] writes a run's folder,
//! - [`presets`] are fixed work to measure.

pub mod algorithms;
pub mod checkpoint;
pub mod config;
mod error;
pub mod evaluate;
mod fastest_device;
pub mod log;
mod observer;
pub mod presets;
pub mod replay;
pub mod rollout;
mod run;
mod trainer;
mod update_time;

pub use error::TrainError;
pub use observer::{Observer, Progress, Report};
pub use run::Outcome;
pub use trainer::Trainer;
pub use update_time::{Effort, update_seconds};
