//! The saved training state of an unfinished run, from which it can be resumed exactly.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::directory;
use crate::algorithms::NamedFile;
use crate::error::TrainError;

/// The folder `state/` of a run, which holds the latest state as `step_<t_env>/`. The old state is
/// removed only after the new one is complete.
#[derive(Clone, Debug)]
pub struct RunState {
    folder: PathBuf,
}

impl RunState {
    /// Returns the state of the run in the folder `run`.
    pub fn of(run: &Path) -> Self {
        Self { folder: run.join("state") }
    }

    /// Writes the state after `t_env` steps, and replaces the previous one.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written. The previous state is then kept.
    pub fn save(&self, t_env: u64, files: &[NamedFile]) -> Result<(), TrainError> {
        let path = self.path(t_env);
        directory::write(&path, files)?;
        debug!(target: "phalanx::checkpoint", t_env, "saved the training state");
        for old in self.steps()? {
            if old != t_env {
                let old = self.path(old);
                fs::remove_dir_all(&old).map_err(TrainError::io("remove", &old))?;
            }
        }
        Ok(())
    }

    /// Loads the latest undamaged state. Returns `None` if there is no state.
    ///
    /// # Errors
    ///
    /// Returns the error of the latest state if all states are damaged.
    pub fn load(&self) -> Result<Option<Vec<NamedFile>>, TrainError> {
        let mut first = None;
        for t_env in self.steps()?.into_iter().rev() {
            match directory::read(&self.path(t_env)) {
                Ok(files) => return Ok(Some(files)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(None), Err)
    }

    /// Removes the state of a finished run.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be removed.
    pub fn remove(&self) -> Result<(), TrainError> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(TrainError::io("remove", &self.folder))?;
        }
        Ok(())
    }

    /// Returns the environment steps of all states, in order.
    fn steps(&self) -> Result<Vec<u64>, TrainError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(TrainError::io("read", &self.folder))?;
        let mut steps: Vec<u64> = entries
            .filter_map(|entry| {
                entry.ok()?.file_name().to_str()?.strip_prefix("step_")?.parse().ok()
            })
            .collect();
        steps.sort_unstable();
        Ok(steps)
    }

    fn path(&self, t_env: u64) -> PathBuf {
        self.folder.join(format!("step_{t_env}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_undamaged_state_is_loaded() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let state = RunState::of(run.path());
        assert_eq!(state.load().expect("a missing state is no error"), None);
        let files = |t: u64| vec![NamedFile::new("t", t.to_le_bytes().to_vec())];
        state.save(9, &files(9)).expect("saved");
        state.save(10, &files(10)).expect("saved");
        assert_eq!(state.load().expect("the file is complete"), Some(files(10)));
        assert_eq!(state.steps().expect("read"), [10]);
        // A crash before the old state was removed, and a damaged new one.
        directory::write(&state.path(9), &files(9)).expect("written");
        fs::write(state.path(10).join("t"), b"damaged").expect("written");
        assert_eq!(state.load().expect("the old file is complete"), Some(files(9)));
        fs::write(state.path(9).join("t"), b"damaged").expect("written");
        assert!(state.load().is_err());
        state.remove().expect("removed");
        assert_eq!(state.load().expect("a missing state is no error"), None);
    }
}
