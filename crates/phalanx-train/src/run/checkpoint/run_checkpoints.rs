//! The checkpoints of a run: the best, the latest, and those at intervals.

use std::path::Path;
use std::str::FromStr;

use tracing::{debug, warn};

use super::checkpoint_index::{CheckpointIndex, SavedAs};
use super::directory;
use super::step_folders::StepFolders;
use crate::algorithms::NamedFile;
use crate::error::TrainError;
use crate::files;

/// The folder `checkpoints/` of a run: `step_<t_env>/` for every checkpoint, and `index.json`.
#[derive(Clone, Debug)]
pub struct RunCheckpoints {
    folders: StepFolders,
}

/// Two states are kept.
const STATES: usize = 2;

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
        Self { folders: StepFolders::of(run.join("checkpoints")) }
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
        let (mut index, _) = self.index_or_rebuilt()?;
        let files = files.iter().cloned().chain([SavedAs { best, kept: keep }.file()]);
        directory::write(&self.folders.path(t_env), &files.collect::<Vec<_>>())?;
        debug!(target: "phalanx::checkpoint", t_env, best, keep, "saved the policy");
        index.last = Some(t_env);
        if best {
            index.best = Some(t_env);
        }
        if keep && !index.kept.contains(&t_env) {
            index.kept.push(t_env);
        }
        self.write_index(&index)
    }

    /// Protects the checkpoint after `t_env` steps, the best one in a state that is about to be saved.
    pub(in crate::run) fn protect_best(&self, t_env: u64) -> Result<(), TrainError> {
        let (mut index, _) = self.index_or_rebuilt()?;
        index.best_of_states.push(t_env);
        let surplus = index.best_of_states.len().saturating_sub(STATES);
        index.best_of_states.drain(..surplus);
        self.write_index(&index)
    }

    /// Ends the protection of the best checkpoints of all saved states, or of all but the latest one. Completes the
    /// removal of checkpoints if it was interrupted.
    pub(in crate::run) fn end_protection(&self, but_of_latest: bool) -> Result<(), TrainError> {
        let (mut index, _) = self.index_or_rebuilt()?;
        let kept = usize::from(but_of_latest);
        let surplus = index.best_of_states.len().saturating_sub(kept);
        if surplus == 0 {
            return self.remove_unneeded(&index);
        }
        index.best_of_states.drain(..surplus);
        self.write_index(&index)
    }

    /// Returns to the checkpoints of a state after `t_env` steps, in which the one after `best` steps was the best:
    /// later ones are removed, because the resumed run writes them again. If the evaluation after `t_env` steps is
    /// `pending`, its checkpoint is neither the best nor a kept one yet. Returns messages if the index or a
    /// checkpoint is damaged, or the best one is missing.
    pub(in crate::run) fn return_to(
        &self,
        t_env: u64,
        best: u64,
        pending: bool,
    ) -> Result<Vec<String>, TrainError> {
        let (mut index, message) = self.index_or_rebuilt()?;
        let mut messages: Vec<String> = message.into_iter().collect();
        if pending {
            self.save_as_latest_only(t_env)?;
        }
        let there: Vec<u64> =
            self.folders.steps()?.into_iter().filter(|&step| step <= t_env).collect();
        index.kept.retain(|step| there.contains(step) && !(pending && *step == t_env));
        index.kept.sort_unstable();
        index.kept.dedup();
        index.best_of_states.retain(|step| there.contains(step));
        let was_best =
            |step: &u64| SavedAs::read(&self.folders, *step).is_some_and(|saved_as| saved_as.best);
        index.best = match there.contains(&best) {
            true => Some(best),
            false => there.iter().copied().rfind(was_best),
        };
        // A run that was stopped in its first evaluation has none.
        if index.best != Some(best) && !there.is_empty() {
            messages.push(format!(
                "{} is missing, the best checkpoint so far; {}",
                self.folders.path(best).display(),
                index.best.map_or_else(
                    || "until the next better one, the latest one counts as the best".to_owned(),
                    |best| format!("until the next better one, step_{best} counts as the best")
                )
            ));
        }
        let damaged = there.iter().filter_map(|&step| {
            let error = directory::read(&self.folders.path(step)).err()?;
            Some(format!("{error}; this checkpoint cannot be used"))
        });
        messages.extend(damaged);
        index.last = there.last().copied();
        if index != CheckpointIndex::default() || CheckpointIndex::exists(&self.folders) {
            self.write_index(&index)?;
        }
        Ok(messages)
    }

    /// Saves the checkpoint after `t_env` steps again as neither the best nor a kept one, if there is one. A damaged one is
    /// removed; the pending evaluation writes it again.
    fn save_as_latest_only(&self, t_env: u64) -> Result<(), TrainError> {
        let path = self.folders.path(t_env);
        let Some(SavedAs { best, kept }) = SavedAs::read(&self.folders, t_env) else {
            return Ok(());
        };
        if !best && !kept {
            return Ok(());
        }
        let Ok(mut files) = directory::read(&path) else {
            return files::remove(&path).map_err(TrainError::io("remove", path));
        };
        files.retain(|file| file.name != SavedAs::NAME);
        files.push(SavedAs::default().file());
        directory::write(&path, &files)
    }

    /// Writes the index, and then removes what it does not need.
    fn write_index(&self, index: &CheckpointIndex) -> Result<(), TrainError> {
        index.write(&self.folders)?;
        self.remove_unneeded(index)
    }

    /// Removes the checkpoints that the index does not need, and what an interrupted removal left.
    fn remove_unneeded(&self, index: &CheckpointIndex) -> Result<(), TrainError> {
        self.folders.retain(|step| index.needs(step))
    }

    /// Loads the files of a checkpoint; also returns its environment steps.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such checkpoint or it is damaged.
    pub fn load(&self, id: CheckpointId) -> Result<(u64, Vec<NamedFile>), TrainError> {
        let (index, message) = self.index_or_rebuilt()?;
        if let Some(message) = message {
            warn!(target: "phalanx::checkpoint", "{message}");
        }
        let step = match id {
            CheckpointId::Best => index.best.or(index.last),
            CheckpointId::Last => index.last,
            CheckpointId::Step(step) => Some(step),
        };
        let Some(step) = step.filter(|&step| self.folders.path(step).is_dir()) else {
            let mut known: Vec<u64> = [index.best, index.last].into_iter().flatten().collect();
            known.extend(&index.kept);
            known.sort_unstable();
            known.dedup();
            let reason = match id {
                _ if known.is_empty() => "it has no checkpoints yet".to_owned(),
                _ => format!("there is no such checkpoint; it has those after {known:?} steps"),
            };
            return Err(TrainError::NotARun { path: self.folders.folder().to_owned(), reason });
        };
        let mut files = directory::read(&self.folders.path(step))?;
        files.retain(|file| file.name != SavedAs::NAME);
        debug!(target: "phalanx::checkpoint", step, "loaded the policy");
        Ok((step, files))
    }

    /// Returns the list of checkpoints.
    ///
    /// # Errors
    ///
    /// Returns an error if `index.json` is damaged.
    pub fn index(&self) -> Result<CheckpointIndex, TrainError> {
        CheckpointIndex::read(&self.folders)
    }

    /// Returns the list of checkpoints. If `index.json` is missing or damaged, or contradicts the checkpoints, it is
    /// rebuilt from the folders of the checkpoints, and a message is returned as well.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be read.
    pub fn index_or_rebuilt(&self) -> Result<(CheckpointIndex, Option<String>), TrainError> {
        CheckpointIndex::read_or_rebuild(&self.folders)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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

    fn checkpoints(run: &Path) -> RunCheckpoints {
        let checkpoints = RunCheckpoints::of(run);
        let files = [NamedFile::new("t", vec![1])];
        for (t, best, keep) in
            [(10, true, false), (20, false, true), (30, true, false), (40, false, true)]
        {
            checkpoints.save(t, &files, best, keep).expect("saved");
        }
        checkpoints
    }

    #[test]
    fn a_damaged_or_missing_index_is_rebuilt_from_the_folders() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let checkpoints = checkpoints(run.path());
        let path = run.path().join("checkpoints/index.json");
        let text = fs::read_to_string(&path).expect("it was written");
        let expected = checkpoints.index().expect("it is intact");
        for damaged in [&text.replacen("30", "20", 1), &text[..text.len() / 2], ""] {
            fs::write(&path, damaged).expect("written");
            assert!(checkpoints.index().is_err(), "{damaged}");
            let (index, message) = checkpoints.index_or_rebuilt().expect("the folders are whole");
            assert!(message.expect("a message").contains("rebuilt"));
            assert_eq!((index.best, index.last), (expected.best, expected.last));
            assert_eq!(index.kept, expected.kept);
        }
        fs::remove_file(&path).expect("removed");
        assert_eq!(checkpoints.load(CheckpointId::Best).expect("it is rebuilt").0, 30);
    }

    #[test]
    fn an_index_of_another_run_or_of_an_earlier_time_is_rebuilt() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let ours = checkpoints(folders[0].path());
        let expected = ours.index().expect("it is intact");
        let other = RunCheckpoints::of(folders[1].path());
        let files = [NamedFile::new("t", vec![2])];
        let path = |folder: &tempfile::TempDir| folder.path().join("checkpoints/index.json");
        for (t, best, keep) in
            [(10, true, true), (20, true, true), (30, false, true), (40, true, false)]
        {
            other.save(t, &files, best, keep).expect("saved");
            fs::copy(path(&folders[1]), path(&folders[0])).expect("copied");
            assert!(ours.index().is_ok(), "its checksum is right");
            let (index, message) = ours.index_or_rebuilt().expect("the folders are whole");
            assert!(message.expect("a message").contains("as it was saved"), "{t}");
            assert_eq!((index.best, index.last, index.kept), {
                let expected = expected.clone();
                (expected.best, expected.last, expected.kept)
            });
        }
    }

    #[test]
    fn a_resumed_run_returns_to_the_checkpoints_of_its_state() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let checkpoints = checkpoints(run.path());
        fs::create_dir(run.path().join("checkpoints/tmp-old-step_5")).expect("created");
        let mut names = vec!["index.json", "step_20", "step_30"];
        let none: [&str; 0] = [];
        assert_eq!(checkpoints.return_to(30, 30, false).expect("returned"), none);
        let index = checkpoints.index().expect("it is intact");
        assert_eq!((index.best, index.last, index.kept), (Some(30), Some(30), vec![20]));
        let mut there = checkpoints.folders.names().expect("a folder");
        there.sort_unstable();
        assert_eq!(there, names);
        // The evaluation after 20 steps is played again, and keeps its checkpoint again.
        let messages = checkpoints.return_to(20, 10, true).expect("returned");
        assert!(messages[0].contains("step_10 is missing, the best checkpoint"), "{messages:?}");
        let (index, message) = checkpoints.index_or_rebuilt().expect("it is intact");
        assert_eq!(message, None);
        assert_eq!((index.best, index.last, index.kept), (None, Some(20), vec![]));
        names.pop();
        let mut there = checkpoints.folders.names().expect("a folder");
        there.sort_unstable();
        assert_eq!(there, names);
    }
}
