//! The folder of a run and everything written into it while training.

mod machine;
mod marl_eval;
mod run_folder;
mod run_log;
mod tensorboard;

pub use machine::Machine;
pub use marl_eval::MarlEval;
pub use run_folder::{RunFolder, RunInfo};
pub use run_log::{LogCursor, RunLog, TIME_FIELDS};
pub use tensorboard::TensorBoard;
