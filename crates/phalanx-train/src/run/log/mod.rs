//! Writes the metrics of a run: `metrics.jsonl`, `log.txt`, TensorBoard events and `marl_eval.json`.

mod marl_eval;
mod run_log;
mod tensorboard;

pub use marl_eval::{MarlEval, TimedEvaluation};
pub use run_log::{LogCursor, RunLog, TIME_FIELDS};
pub(super) use run_log::{evaluations_on_disk, write_absolute_metrics};
pub use tensorboard::{Damage, TensorBoard};
