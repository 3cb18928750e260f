//! Runs: the training loop, and everything that it writes into the folder of a run.
//!
//! - [`Trainer`] trains one algorithm on one environment, as a whole run or step by step,
//! - [`Observer`] receives progress, metrics and warnings; [`ProgressDisplay`] prints them,
//! - [`evaluate`] plays greedy episodes,
//! - [`TransferError`] explains why a policy does not fit another environment or run,
//! - [`checkpoint`] writes and reads weights and training states atomically,
//! - [`log`] writes the metrics.

mod api;
pub mod checkpoint;
mod ended;
pub mod evaluate;
mod folder;
mod host_info;
pub mod log;
mod loop_state;
mod metric;
mod observer;
mod options;
mod progress_display;
mod run_info;
mod run_json;
mod startup;
mod state;
mod step;
mod trainer;
mod training_loop;
mod transfer;

pub use ended::{Ended, RunSummary};
pub use folder::RunFolder;
pub use host_info::HostInfo;
pub use observer::{Observer, Progress, Report};
pub use progress_display::ProgressDisplay;
pub use run_info::RunInfo;
pub(crate) use trainer::TEST_ENVS;
pub use trainer::Trainer;
pub use transfer::{InitialWeights, TransferError};
