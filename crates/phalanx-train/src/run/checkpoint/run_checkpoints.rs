//! The checkpoints of a run: the best, the latest, and those at intervals.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tracing::{debug, warn};
use xxhash_rust::xxh3::xxh3_128;

use super::directory;
use crate::algorithms::NamedFile;
use crate::error::TrainError;
use crate::files::{self, TEMPORARY};

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
    /// The best ones in the saved states. One of them is the best again when the run is resumed from its state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub best_of_states: Vec<u64>,
}

/// The contents of `index.json`.
#[derive(Serialize, Deserialize)]
struct IndexFile {
    #[serde(flatten)]
    index: CheckpointIndex,
    /// The 128-bit XXH3 of the index as compact JSON, in hexadecimal. Earlier versions wrote none.
    #[serde(default)]
    xxh3: Option<String>,
}

/// What a checkpoint was saved as, from which a damaged index is rebuilt.
#[derive(Serialize, Deserialize)]
struct SavedAs {
    best: bool,
    kept: bool,
}

const INDEX: &str = "index.json";
/// The file of a checkpoint that holds its [`SavedAs`].
const SAVED_AS: &str = "saved_as.json";
/// Two states are kept.
const STATES: usize = 2;

impl CheckpointIndex {
    fn checksum(&self) -> String {
        let text = serde_json::to_vec(self).expect("an index is plain data");
        format!("{:032x}", xxh3_128(&text))
    }

    /// Returns whether the checkpoint after `t_env` steps is needed.
    fn needs(&self, t_env: u64) -> bool {
        [self.best, self.last].contains(&Some(t_env))
            || self.kept.contains(&t_env)
            || self.best_of_states.contains(&t_env)
    }
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
        let (mut index, _) = self.index_or_rebuilt()?;
        let saved_as = SavedAs { best, kept: keep };
        let saved_as = serde_json::to_vec(&saved_as).expect("two flags are plain data");
        let files = files.iter().cloned().chain([NamedFile::new(SAVED_AS, saved_as)]);
        directory::write(&self.path(t_env), &files.collect::<Vec<_>>())?;
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
    /// `pending`, its checkpoint is no kept one yet. Returns a message if the index was damaged.
    pub(in crate::run) fn return_to(
        &self,
        t_env: u64,
        best: u64,
        pending: bool,
    ) -> Result<Option<String>, TrainError> {
        let (mut index, message) = self.index_or_rebuilt()?;
        let there: Vec<u64> = self.steps()?.into_iter().filter(|&step| step <= t_env).collect();
        index.kept.retain(|step| there.contains(step) && !(pending && *step == t_env));
        index.kept.sort_unstable();
        index.kept.dedup();
        index.best_of_states.retain(|step| there.contains(step));
        index.best = there.contains(&best).then_some(best);
        index.last = there.last().copied();
        if index != CheckpointIndex::default() || files::is_there(&self.folder.join(INDEX)) {
            self.write_index(&index)?;
        }
        Ok(message)
    }

    /// Writes the index, and then removes what it does not need.
    fn write_index(&self, index: &CheckpointIndex) -> Result<(), TrainError> {
        let file = IndexFile { index: index.clone(), xxh3: Some(index.checksum()) };
        let text = serde_json::to_vec_pretty(&file).expect("an index is plain data");
        let path = self.folder.join(INDEX);
        files::create_own_folder(&self.folder).map_err(TrainError::io("create", &self.folder))?;
        files::replace(&path, &text).map_err(TrainError::io("write", &path))?;
        self.remove_unneeded(index)
    }

    /// Removes the checkpoints that the index does not need, and what an interrupted removal left.
    fn remove_unneeded(&self, index: &CheckpointIndex) -> Result<(), TrainError> {
        let unneeded = self.steps()?.into_iter().filter(|&step| !index.needs(step));
        let left = self.names()?.into_iter().filter(|name| name.starts_with(TEMPORARY));
        let left = left.map(|name| self.folder.join(name));
        let mut paths = unneeded.map(|step| self.path(step)).chain(left);
        paths.try_for_each(|path| files::remove(&path).map_err(TrainError::io("remove", path)))
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
        let mut files = directory::read(&self.path(step))?;
        files.retain(|file| file.name != SAVED_AS);
        debug!(target: "phalanx::checkpoint", step, "loaded the policy");
        Ok((step, files))
    }

    /// Returns the list of checkpoints.
    ///
    /// # Errors
    ///
    /// Returns an error if `index.json` is damaged.
    pub fn index(&self) -> Result<CheckpointIndex, TrainError> {
        let path = self.folder.join(INDEX);
        let damaged =
            |reason: &str| TrainError::NotARun { path: path.clone(), reason: reason.to_owned() };
        match fs::read(&path) {
            Ok(bytes) => {
                let file: IndexFile =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(&error.to_string()))?;
                let intact = file.xxh3.is_none_or(|checksum| checksum == file.index.checksum());
                if !intact {
                    return Err(damaged("its contents do not match its checksum"));
                }
                Ok(file.index)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && self.steps()?.is_empty() => {
                Ok(CheckpointIndex::default())
            }
            Err(cause) => Err(TrainError::Io { action: "read", path, cause }),
        }
    }

    /// Returns the list of checkpoints. If `index.json` is missing or damaged, it is rebuilt from the folders of the
    /// checkpoints, and a message is returned as well.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be read.
    pub fn index_or_rebuilt(&self) -> Result<(CheckpointIndex, Option<String>), TrainError> {
        let error = match self.index() {
            Ok(index) => return Ok((index, None)),
            Err(error) => error,
        };
        let mut index = CheckpointIndex::default();
        for step in self.steps()? {
            let Ok(file) = directory::read_file(&self.path(step), SAVED_AS) else { continue };
            let saved_as = file.and_then(|file| serde_json::from_slice(&file.bytes).ok());
            let saved_as: SavedAs = saved_as.unwrap_or(SavedAs { best: false, kept: false });
            // Of two that were the best, the later one was better.
            index.best = if saved_as.best { Some(step) } else { index.best };
            index.last = Some(step);
            if saved_as.kept {
                index.kept.push(step);
            }
            // Which of them the saved states need is not known.
            index.best_of_states.push(step);
        }
        let message = format!("{error}; the list of checkpoints is rebuilt from their folders");
        Ok((index, Some(message)))
    }

    /// Returns the environment steps of all checkpoints in the folder, in order.
    fn steps(&self) -> Result<Vec<u64>, TrainError> {
        let steps = self.names()?.into_iter();
        let mut steps: Vec<u64> =
            steps.filter_map(|name| name.strip_prefix("step_")?.parse().ok()).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    fn names(&self) -> Result<Vec<String>, TrainError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder).map_err(TrainError::io("read", &self.folder))?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
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
    fn a_resumed_run_returns_to_the_checkpoints_of_its_state() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let checkpoints = checkpoints(run.path());
        fs::create_dir(run.path().join("checkpoints/tmp-old-step_5")).expect("created");
        let mut names = vec!["index.json", "step_20", "step_30"];
        assert_eq!(checkpoints.return_to(30, 30, false).expect("returned"), None);
        let index = checkpoints.index().expect("it is intact");
        assert_eq!((index.best, index.last, index.kept), (Some(30), Some(30), vec![20]));
        let mut there = checkpoints.names().expect("a folder");
        there.sort_unstable();
        assert_eq!(there, names);
        // The evaluation after 20 steps is played again, and keeps its checkpoint again.
        checkpoints.return_to(20, 10, true).expect("returned");
        let index = checkpoints.index().expect("it is intact");
        assert_eq!((index.best, index.last, index.kept), (None, Some(20), vec![]));
        names.pop();
        let mut there = checkpoints.names().expect("a folder");
        there.sort_unstable();
        assert_eq!(there, names);
    }
}
