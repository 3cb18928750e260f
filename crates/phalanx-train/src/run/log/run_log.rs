//! The log files of a run.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::marl_eval::{MarlEval, TimedEvaluation};
use super::tensorboard::{Damage, TensorBoard};
use crate::error::TrainError;
use crate::files;
use crate::run::evaluate::Evaluation;
use crate::run::run_json::checksum;
use crate::run::{Observer, Report};
use crate::run::{RunFolder, RunInfo};

/// The fields of `metrics.jsonl` that depend on the clock. All others depend only on the
/// configuration.
pub const TIME_FIELDS: [&str; 3] = ["seconds", "steps_per_second", "updates_per_second"];

const MARL_EVAL: &str = "marl_eval.json";

/// Writes the `marl_eval.json` of a finished run: its evaluations, and the absolute metrics, which are the means of its
/// best policy.
///
/// # Errors
///
/// Returns an error if it cannot be written.
pub(in crate::run) fn write_absolute_metrics(
    path: &Path,
    info: &RunInfo,
    seed: u64,
    evaluations: &[TimedEvaluation],
    absolute: &Evaluation,
) -> Result<(), TrainError> {
    let mut marl_eval = MarlEval::of(info, seed, evaluations);
    marl_eval.set_absolute(absolute);
    RunFolder::at(path).write(MARL_EVAL, marl_eval.json().as_bytes())
}

/// Returns the evaluations before a saved state as `marl_eval.json` has them, which is written again in today's form.
/// States of earlier versions hold none. Also returns a warning if the file is missing or damaged.
///
/// # Errors
///
/// Returns an error if it cannot be written.
pub(in crate::run) fn evaluations_on_disk(
    folder: &RunFolder,
    info: &RunInfo,
    seed: u64,
    cursor: &LogCursor,
    pending: bool,
) -> Result<(Vec<TimedEvaluation>, Option<String>), TrainError> {
    let path = folder.path().join(MARL_EVAL);
    let text = std::fs::read(&path).ok();
    let Some(document) = text.and_then(|text| serde_json::from_slice(&text).ok()) else {
        let what = "is missing or damaged, and with it the evaluations so far";
        // Before the first evaluation there is none.
        let lost = cursor.metrics > 0;
        let warning = format!("{} {what}; the run continues all the same", path.display());
        return Ok((Vec::new(), lost.then_some(warning)));
    };
    let empty = MarlEval::new(&info.alg, &info.env, seed);
    let evaluations = empty.read(&document, cursor.t_env, pending);
    folder.write(MARL_EVAL, MarlEval::of(info, seed, &evaluations).json().as_bytes())?;
    Ok((evaluations, None))
}

/// Writes `metrics.jsonl`, `log.txt`, `tb/` and `marl_eval.json` of a run.
pub struct RunLog {
    folder: RunFolder,
    metrics: File,
    text: File,
    board: TensorBoard,
    marl_eval: MarlEval,
}

impl RunLog {
    /// Creates the files.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be created.
    pub fn create(folder: RunFolder, info: &RunInfo, seed: u64) -> Result<Self, TrainError> {
        let path = |name: &str| folder.path().join(name);
        let open = |path: PathBuf| {
            let new = File::options().write(true).create_new(true).open(&path);
            new.map_err(TrainError::io("create", path))
        };
        let board = path("tb");
        Ok(Self {
            metrics: open(path("metrics.jsonl"))?,
            text: open(path("log.txt"))?,
            board: TensorBoard::create(&board).map_err(TrainError::io("create", board))?,
            marl_eval: MarlEval::new(&info.alg, &info.env, seed),
            folder,
        })
    }

    /// Reopens the files of a run and truncates them at `cursor`. A damaged file that is shorter keeps its complete
    /// lines, and a missing one begins anew; `marl_eval.json` is written again if it differs from `evaluations`, those
    /// so far. Each is named in a warning.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be opened.
    pub fn reopen(
        folder: RunFolder,
        info: &RunInfo,
        seed: u64,
        cursor: &LogCursor,
        evaluations: &[TimedEvaluation],
    ) -> Result<(Self, Vec<String>), TrainError> {
        let mut warnings = Vec::new();
        let mut warn = |name: &str, what: &str| {
            let path = folder.path().join(name);
            warnings.push(format!("{} {what}; the run continues all the same", path.display()));
        };
        let short = "lacks lines that were written before the state was saved";
        let changed = "was changed after the state was saved";
        let mut open = |name: &str, length: u64, xxh3: &Option<String>| {
            let path = folder.path().join(name);
            let mut file = || -> std::io::Result<File> {
                if !files::is_there(&path) {
                    warn(name, "is missing");
                    return File::options().write(true).create_new(true).open(&path);
                }
                let mut file = files::open_own(&path)?;
                let text = std::fs::read(&path)?;
                let complete = length <= text.len() as u64;
                if !complete {
                    warn(name, short);
                } else if xxh3.as_ref().is_some_and(|it| *it != checksum(&text[..length as usize]))
                {
                    warn(name, changed);
                }
                file.set_len(if complete { length } else { complete_lines_len(&text) })?;
                file.seek(SeekFrom::End(0))?;
                Ok(file)
            };
            file().map_err(TrainError::io("open", &path))
        };
        let (metrics, text) = (
            open("metrics.jsonl", cursor.metrics, &cursor.metrics_xxh3)?,
            open("log.txt", cursor.text, &cursor.text_xxh3)?,
        );
        let board = folder.path().join("tb");
        let reopened = TensorBoard::reopen(&board, cursor.board, cursor.board_xxh3.as_deref());
        let (board, damage) = reopened.map_err(TrainError::io("open", board))?;
        match damage {
            Some(Damage::Short) => warn("tb", short),
            Some(Damage::Changed) => warn("tb", changed),
            None => {}
        }
        let marl_eval = MarlEval::of(info, seed, evaluations);
        if !evaluations.is_empty() {
            let path = folder.path().join(MARL_EVAL);
            if !std::fs::read(&path).is_ok_and(|text| marl_eval.is_beginning_of(&text)) {
                warnings.push(format!(
                    "{} is missing or was changed after the state was saved; it is written again from the state",
                    path.display()
                ));
            }
            folder.write(MARL_EVAL, marl_eval.json().as_bytes())?;
        }
        Ok((Self { metrics, text, board, marl_eval, folder }, warnings))
    }

    /// Writes a line of `log.txt`.
    fn write_text(&mut self, line: &str) -> Result<(), TrainError> {
        let path = self.folder.path().join("log.txt");
        self.text.write_all(format!("{line}\n").as_bytes()).map_err(TrainError::io("write", path))
    }
}

/// Flushes a file to the disk and returns its length and its checksum.
pub(super) fn flushed(path: &Path) -> std::io::Result<(u64, String)> {
    // Some systems flush only files that are open for writing.
    File::options().append(true).open(path)?.sync_all()?;
    let text = std::fs::read(path)?;
    Ok((text.len() as u64, checksum(&text)))
}

/// Returns the length of the complete lines of a text.
fn complete_lines_len(text: &[u8]) -> u64 {
    text.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last as u64 + 1)
}

/// The lengths and checksums of the log files when the state of the run was saved. Earlier versions wrote fewer
/// checksums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor {
    t_env: u64,
    metrics: u64,
    #[serde(default)]
    metrics_xxh3: Option<String>,
    text: u64,
    #[serde(default)]
    text_xxh3: Option<String>,
    board: u64,
    #[serde(default)]
    board_xxh3: Option<String>,
}

impl LogCursor {
    /// Returns the environment steps of the saved state.
    pub fn t_env(&self) -> u64 {
        self.t_env
    }

    /// Returns the current lengths of the log files of the run at `path`, after `t_env` environment steps.
    /// Flushes them to the disk, so that they survive a crash of the machine like the saved state.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is missing.
    pub fn here(path: &Path, t_env: u64) -> Result<Self, TrainError> {
        let flushed = |name: &str| {
            let path = path.join(name);
            flushed(&path).map_err(TrainError::io("write", &path))
        };
        let board = path.join("tb");
        let (metrics, metrics_xxh3) = flushed("metrics.jsonl")?;
        let (text, text_xxh3) = flushed("log.txt")?;
        let (board, board_xxh3) =
            TensorBoard::flush(&board).map_err(TrainError::io("write", board))?;
        Ok(Self {
            t_env,
            metrics,
            metrics_xxh3: Some(metrics_xxh3),
            text,
            text_xxh3: Some(text_xxh3),
            board,
            board_xxh3: Some(board_xxh3),
        })
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
            self.folder.write(MARL_EVAL, self.marl_eval.json().as_bytes())?;
        }
        self.write_text(&report.to_string())
    }

    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        self.write_text(message)
    }

    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        self.write_text(&format!("warning: {message}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_file_keeps_its_complete_lines() {
        assert_eq!(complete_lines_len(b"one\ntwo\nthr"), 8);
        assert_eq!(complete_lines_len(b"one\n"), 4);
        assert_eq!(complete_lines_len(b"on"), 0);
    }
}
