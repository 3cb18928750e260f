//! A folder of folders, one for each number of environment steps.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::files::{self, TEMPORARY};

/// The folder `checkpoints/` or `state/` of a run, with its folders `step_<t_env>/`. All other names are not its own,
/// except temporary ones.
#[derive(Clone, Debug)]
pub(super) struct StepFolders {
    folder: PathBuf,
}

impl StepFolders {
    /// Returns those in `folder`, which may be missing.
    pub(super) fn of(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the folder that holds them.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the folder of `t_env` steps.
    pub(super) fn path(&self, t_env: u64) -> PathBuf {
        self.folder.join(format!("step_{t_env}"))
    }

    /// Returns the environment steps of all folders, in order.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be read.
    pub(super) fn steps(&self) -> Result<Vec<u64>, TrainError> {
        let names = self.names()?;
        let mut steps: Vec<u64> = names.iter().filter_map(|name| Self::step(name)).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Returns the environment steps in the name of a folder.
    fn step(name: &str) -> Option<u64> {
        let step = name.strip_prefix("step_")?.parse().ok()?;
        (name == format!("step_{step}")).then_some(step)
    }

    /// Returns all names in the folder.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be read.
    pub(super) fn names(&self) -> Result<Vec<String>, TrainError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(TrainError::io("read", &self.folder))?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    /// Removes the folders of all steps for which `is_needed` returns false, and what an interrupted removal left.
    ///
    /// # Errors
    ///
    /// Returns an error if one cannot be removed.
    pub(super) fn retain(&self, is_needed: impl Fn(u64) -> bool) -> Result<(), TrainError> {
        for name in self.names()? {
            let unneeded = Self::step(&name).is_some_and(|step| !is_needed(step));
            if unneeded || name.starts_with(TEMPORARY) {
                let path = self.folder.join(name);
                files::remove(&path).map_err(TrainError::io("remove", path))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_steps_and_temporary_ones_are_its_own() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let folders = StepFolders::of(run.path().join("state"));
        assert!(folders.steps().expect("a missing folder is empty").is_empty());
        let all = ["step_20", "step_3", "step_007", "step_+5", "step_", "steps", "tmp-step_9"];
        for name in all {
            fs::create_dir_all(folders.folder().join(name)).expect("created");
        }
        assert_eq!(folders.steps().expect("read"), [3, 20]);
        folders.retain(|step| step == 20).expect("removed");
        let mut left = folders.names().expect("read");
        left.sort_unstable();
        assert_eq!(left, ["step_", "step_+5", "step_007", "step_20", "steps"]);
    }
}
