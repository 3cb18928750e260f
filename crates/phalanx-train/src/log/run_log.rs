//! Writes the metrics of a run as they come.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::marl_eval::MarlEval;
use super::run_folder::{RunFolder, RunInfo};
use super::tensorboard::TensorBoard;
use crate::error::TrainError;
use crate::observer::{Observer, Report};

/// The fields of a line of `metrics.jsonl` that depend on the clock. All others depend on the
/// configuration alone.
pub const TIME_FIELDS: [&str; 3] = ["seconds", "steps_per_second", "updates_per_second"];

/// `metrics.jsonl`, `log.txt`, `tb/` and `marl_eval.json` of a run's folder.
pub struct RunLog {
    folder: RunFolder,
    metrics: File,
    text: File,
    board: TensorBoard,
    marl_eval: MarlEval,
}

impl RunLog {
    /// Opens the files.
    ///
    /// # Errors
    ///
    /// When one cannot be created.
    pub fn create(folder: RunFolder, info: &RunInfo, seed: u64) -> Result<Self, TrainError> {
        let path = |name: &str| folder.path().join(name);
        let open = |path: PathBuf| File::create(&path).map_err(TrainError::io("create", path));
        let board = path("tb");
        Ok(Self {
            metrics: open(path("metrics.jsonl"))?,
            text: open(path("log.txt"))?,
            board: TensorBoard::create(&board).map_err(TrainError::io("create", board))?,
            marl_eval: MarlEval::new(&info.alg, &info.env, seed),
            folder,
        })
    }

    /// Writes a line of `log.txt`.
    fn say(&mut self, line: &str) -> Result<(), TrainError> {
        let path = self.folder.path().join("log.txt");
        self.text.write_all(format!("{line}\n").as_bytes()).map_err(TrainError::io("write", path))
    }
}

impl Observer for RunLog {
    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        let failed = |name: &str| TrainError::io("write", self.folder.path().join(name));
        let mut line = serde_json::to_string(&report.line()).expect("numbers and names are plain");
        line.push('\n');
        self.metrics.write_all(line.as_bytes()).map_err(failed("metrics.jsonl"))?;
        let scalars = report.metrics.iter().map(|(name, &value)| (name.as_str(), value));
        self.board.scalars(report.t_env, scalars).map_err(failed("tb"))?;
        if let Some(evaluation) = &report.evaluation {
            self.marl_eval.add(report.t_env, report.seconds, evaluation);
            let json = serde_json::to_vec(&self.marl_eval.json()).expect("numbers and names");
            self.folder.write("marl_eval.json", &json)?;
        }
        self.say(&report.to_string())
    }

    fn notice(&mut self, message: &str) -> Result<(), TrainError> {
        self.say(message)
    }

    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        self.say(&format!("warning: {message}"))
    }
}
