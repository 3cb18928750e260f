//! The saved training states of an unfinished run, from which it can be resumed exactly.

use std::fs;
use std::path::{Path, PathBuf};

use tracing::debug;

use super::directory;
use super::identity::StateIdentity;
use super::step_folders::StepFolders;
use crate::algorithms::NamedFile;
use crate::error::TrainError;

/// The folder `state/` of a run, which holds the two latest states as `step_<t_env>/`. Should the weights of the
/// latest one already have diverged, the one before is still there.
#[derive(Clone, Debug)]
pub struct RunState {
    states: StepFolders,
}

/// The latest undamaged state.
#[derive(Debug)]
pub(in crate::run) struct LatestState {
    pub(in crate::run) files: Vec<NamedFile>,
    /// Why later states could not be loaded.
    pub(in crate::run) skipped: Vec<TrainError>,
}

impl RunState {
    /// Returns the states of the run in the folder `run`.
    pub fn of(run: &Path) -> Self {
        Self { states: StepFolders::of(run.join("state")) }
    }

    /// Writes the state after `t_env` steps, and removes all others but the one before it.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written. The previous states are then kept.
    pub fn save(&self, t_env: u64, files: &[NamedFile]) -> Result<(), TrainError> {
        directory::write(&self.states.path(t_env), files)?;
        debug!(target: "phalanx::checkpoint", t_env, "saved the training state");
        let steps = self.states.steps()?;
        let before = steps.into_iter().rfind(|&step| step < t_env);
        self.states.retain(|step| step == t_env || before == Some(step))
    }

    /// Loads the latest undamaged state. Returns `None` if there is no state.
    ///
    /// # Errors
    ///
    /// Returns the error of the latest state if all states are damaged.
    pub fn load(&self) -> Result<Option<Vec<NamedFile>>, TrainError> {
        Ok(self.load_latest()?.map(|state| state.files))
    }

    /// Loads the latest undamaged state, with the reasons why later ones are damaged.
    pub(in crate::run) fn load_latest(&self) -> Result<Option<LatestState>, TrainError> {
        let mut skipped = Vec::new();
        for t_env in self.states.steps()?.into_iter().rev() {
            match directory::read(&self.states.path(t_env)) {
                Ok(files) => return Ok(Some(LatestState { files, skipped })),
                Err(error) => skipped.push(error),
            }
        }
        skipped.into_iter().next().map_or(Ok(None), Err)
    }

    /// Returns what the latest state belongs to whose description is undamaged.
    pub(in crate::run) fn identity(&self) -> Option<StateIdentity> {
        let steps = self.states.steps().ok()?;
        steps.into_iter().rev().find_map(|t_env| {
            let file =
                directory::read_file(&self.states.path(t_env), StateIdentity::NAME).ok()??;
            StateIdentity::read(&[file])
        })
    }

    /// Returns whether there is a state, undamaged or not.
    pub(in crate::run) fn exists(&self) -> bool {
        self.states.steps().is_ok_and(|steps| !steps.is_empty())
    }

    /// Returns the folders of all states, the latest last.
    pub(in crate::run) fn folders(&self) -> Vec<PathBuf> {
        self.states
            .steps()
            .unwrap_or_default()
            .into_iter()
            .map(|step| self.states.path(step))
            .collect()
    }

    /// Removes all states but the one after `t_env` steps.
    pub(in crate::run) fn keep_only(&self, t_env: u64) -> Result<(), TrainError> {
        self.states.retain(|step| step == t_env)
    }

    /// Removes the states of a finished run.
    ///
    /// # Errors
    ///
    /// Returns an error if they cannot be removed.
    pub fn remove(&self) -> Result<(), TrainError> {
        self.states.retain(|_| false)?;
        // It stays if files of the user's are left in it.
        let _ = fs::remove_dir(self.states.folder());
        Ok(())
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
        for t_env in [8, 9, 10] {
            state.save(t_env, &files(t_env)).expect("saved");
        }
        assert_eq!(state.load().expect("the file is complete"), Some(files(10)));
        assert_eq!(state.states.steps().expect("read"), [9, 10]);
        fs::write(state.states.path(10).join("t"), b"damaged").expect("written");
        let latest = state.load_latest().expect("the old file is complete").expect("a state");
        assert_eq!((latest.files, latest.skipped.len()), (files(9), 1));
        fs::write(state.states.path(9).join("t"), b"damaged").expect("written");
        assert!(state.load().is_err());
        state.remove().expect("removed");
        assert_eq!(state.load().expect("a missing state is no error"), None);
        assert!(!run.path().join("state").exists());
    }

    #[test]
    fn a_removal_that_was_interrupted_leaves_no_state_and_is_finished_later() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let state = RunState::of(run.path());
        let files = [NamedFile::new("t", vec![1])];
        state.save(9, &files).expect("saved");
        let half_removed = run.path().join("state/tmp-old-step_8");
        fs::create_dir(&half_removed).expect("created");
        fs::write(run.path().join("state/notes.txt"), "mine").expect("written");
        assert_eq!(state.states.steps().expect("read"), [9]);
        state.save(10, &files).expect("saved");
        assert!(!half_removed.exists());
        state.remove().expect("removed");
        let left = fs::read(run.path().join("state/notes.txt"));
        assert_eq!(left.expect("a file of the user's stays"), b"mine");
    }
}
