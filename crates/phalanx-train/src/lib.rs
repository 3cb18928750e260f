//! Training, evaluation and checkpoints for cooperative multi-agent reinforcement learning.
//!
//! [`Trainer`] runs one algorithm on one environment. Its parts are public:
//!
//! - [`config`] reads and checks configurations,
//! - [`rollout`] collects rollouts, [`replay`] stores episodes,
//! - [`algorithms`] holds the algorithms, [`Encoders`] the encoders of observations by name,
//! - [`run`] holds the training loop, evaluation, checkpoints and logs,
//! - [`Player`] acts with a trained policy in a loop of your own,
//! - [`trace`] records episodes.

pub mod algorithms;
pub mod config;
mod device;
mod encoders;
mod error;
mod files;
pub mod memory;
mod player;
pub mod replay;
pub mod rollout;
pub mod run;
pub mod trace;

pub use device::{BenchBudget, update_seconds};
pub use encoders::{EncoderEntry, Encoders};
pub use error::{TrainError, shell_word};
pub use files::OutputFile;
pub use phalanx_core::terminal::note;
pub use player::{Player, PlayerError};
pub use run::{Ended, Observer, Progress, ProgressDisplay, Report, RunSummary, Trainer};
