//! The checkpoints of a run: the best, the latest, and those at intervals.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tracing::debug;

use super::directory;
use crate::algorithms::NamedFile;
use crate::error::TrainError;

/// The folder `checkpoints/` of a run: `step_<t_env>/` for every checkpoint, and `index.json`.
#[derive(Clone, Debug)]
pub struct RunCheckpoints {
    folder: PathBuf,
}

/// The checkpoints of a run, by their environment steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointIndex {
    /// The one with the best greedy evaluation so far.
    pub best: Option<u64>,
    /// The latest one.
    pub last: Option<u64>,
    /// Those that are never removed.
    pub kept: Vec<u64>,
    /// The best one in the state of a finished run, if it was kept. It is the best again when the run is
    /// resumed, because its last evaluation is not part of a longer run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_of_state: Option<u64>,
}

/// A checkpoint, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointId {
    /// The one with the best greedy evaluation.
    Best,
    /// The latest one.
    Last,
    /// The one after this many environment steps.
    Step(u64),
}

impl FromStr for CheckpointId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "best" => Ok(Self::Best),
            "last" => Ok(Self::Last),
            _ => text.parse().map(Self::Step).map_err(|_| {
                format!("`{text}` is neither `best`, `last` nor a number of environment steps")
            }),
        }
    }
}

impl RunCheckpoints {
    /// Returns the checkpoints of the run in the folder `run`.
    pub fn of(run: &Path) -> Self {
        Self { folder: run.join("checkpoints") }
    }

    /// Saves a checkpoint after `t_env` steps. `best` marks it as the best, `keep` protects it from
    /// removal. The previous best and latest ones are removed unless they are still needed.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written. The previous checkpoints are then kept.
    pub fn save(
        &self,
        t_env: u64,
        files: &[NamedFile],
        best: bool,
        keep: bool,
    ) -> Result<(), TrainError> {
        let mut index = self.index()?;
        directory::write(&self.path(t_env), files)?;
        debug!(target: "phalanx::checkpoint", t_env, best, keep, "saved the policy");
        let former = [index.best, index.last];
        index.last = Some(t_env);
        if best {
            index.best = Some(t_env);
        }
        if keep {
            index.kept.push(t_env);
        }
        self.write_index(&index)?;
        self.remove_unneeded(&index, former)
    }

    /// Protects the checkpoint after `t_env` steps, the best one in the state of a finished run, until
    /// [`RunCheckpoints::restore_best`].
    pub(in crate::run) fn protect_best(&self, t_env: u64) -> Result<(), TrainError> {
        let index = CheckpointIndex { best_of_state: Some(t_env), ..self.index()? };
        self.write_index(&index)
    }

    /// Makes the checkpoint after `t_env` steps, the best one in a saved state, the best one again, if it
    /// still exists, and ends its protection.
    pub(in crate::run) fn restore_best(&self, t_env: u64) -> Result<(), TrainError> {
        let mut index = self.index()?;
        let former = [index.best, index.best_of_state.take()];
        if self.path(t_env).is_dir() {
            index.best = Some(t_env);
        }
        self.write_index(&index)?;
        self.remove_unneeded(&index, former)
    }

    fn write_index(&self, index: &CheckpointIndex) -> Result<(), TrainError> {
        let text = serde_json::to_vec_pretty(index).expect("an index is plain data");
        let (path, temporary) =
            (self.folder.join("index.json"), self.folder.join("tmp-index.json"));
        fs::write(&temporary, text).map_err(TrainError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(TrainError::io("write", &path))
    }

    /// Removes those of the checkpoints `former` that `index` does not need.
    fn remove_unneeded(
        &self,
        index: &CheckpointIndex,
        former: [Option<u64>; 2],
    ) -> Result<(), TrainError> {
        for old in former.into_iter().flatten() {
            let named = [index.best, index.last, index.best_of_state].contains(&Some(old));
            let path = self.path(old);
            if !named && !index.kept.contains(&old) && path.exists() {
                fs::remove_dir_all(&path).map_err(TrainError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Loads the files of a checkpoint; also returns its environment steps.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such checkpoint or it is damaged.
    pub fn load(&self, id: CheckpointId) -> Result<(u64, Vec<NamedFile>), TrainError> {
        let index = self.index()?;
        let step = match id {
            CheckpointId::Best => index.best.or(index.last),
            CheckpointId::Last => index.last,
            CheckpointId::Step(step) => Some(step),
        };
        let Some(step) = step.filter(|&step| self.path(step).is_dir()) else {
            let mut known: Vec<u64> = [index.best, index.last].into_iter().flatten().collect();
            known.extend(&index.kept);
            known.sort_unstable();
            known.dedup();
            let reason = match id {
                _ if known.is_empty() => "it has no checkpoints yet".to_owned(),
                _ => format!("there is no such checkpoint; it has those after {known:?} steps"),
            };
            return Err(TrainError::NotARun { path: self.folder.clone(), reason });
        };
        let files = directory::read(&self.path(step))?;
        debug!(target: "phalanx::checkpoint", step, "loaded the policy");
        Ok((step, files))
    }

    /// Returns the list of checkpoints.
    ///
    /// # Errors
    ///
    /// Returns an error if `index.json` is damaged.
    pub fn index(&self) -> Result<CheckpointIndex, TrainError> {
        let path = self.folder.join("index.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| TrainError::NotARun { path, reason: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(CheckpointIndex::default())
            }
            Err(cause) => Err(TrainError::Io { action: "read", path, cause }),
        }
    }

    fn path(&self, t_env: u64) -> PathBuf {
        self.folder.join(format!("step_{t_env}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_the_last_and_the_kept_checkpoints_are_not_deleted() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let checkpoints = RunCheckpoints::of(run.path());
        let files = |t: u64| vec![NamedFile::new("t", t.to_le_bytes().to_vec())];
        for (t, best, keep) in [
            (0, true, false),
            (10, true, false),
            (20, false, true),
            (30, false, false),
            (40, false, false),
        ] {
            checkpoints.save(t, &files(t), best, keep).expect("saved");
        }
        assert_eq!(checkpoints.load(CheckpointId::Best).expect("best"), (10, files(10)));
        assert_eq!(checkpoints.load(CheckpointId::Last).expect("last"), (40, files(40)));
        assert_eq!(checkpoints.load(CheckpointId::Step(20)).expect("kept"), (20, files(20)));
        for gone in [0, 30] {
            let error =
                checkpoints.load(CheckpointId::Step(gone)).expect_err("removed").to_string();
            assert!(error.contains("[10, 20, 40]"), "{error}");
        }
    }
}
