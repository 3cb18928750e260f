//! The list of a run's checkpoints, and what it is verified with and rebuilt from.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::directory;
use super::step_folders::StepFolders;
use crate::algorithms::NamedFile;
use crate::error::TrainError;
use crate::files;

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

/// What a checkpoint was saved as. A damaged index is rebuilt from it, and an index that contradicts it is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedAs {
    pub(super) best: bool,
    pub(super) kept: bool,
}

const INDEX: &str = "index.json";
/// How often an index that contradicts the folders is read before it counts as damaged, and the time in between.
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(30);

impl SavedAs {
    /// The file of a checkpoint that holds it.
    pub(super) const NAME: &str = "saved_as.json";

    /// Returns it as a file of a checkpoint.
    pub(super) fn file(self) -> NamedFile {
        let bytes = serde_json::to_vec(&self).expect("two flags are plain data");
        NamedFile::new(Self::NAME, bytes)
    }

    /// Reads what the checkpoint after `t_env` steps was saved as. Earlier versions did not record it.
    pub(super) fn read(folders: &StepFolders, t_env: u64) -> Option<Self> {
        let file = directory::read_file(&folders.path(t_env), Self::NAME).ok()??;
        serde_json::from_slice(&file.bytes).ok()
    }
}

impl CheckpointIndex {
    fn checksum(&self) -> String {
        let text = serde_json::to_vec(self).expect("an index is plain data");
        format!("{:032x}", xxh3_128(text.as_slice()))
    }

    fn path(folders: &StepFolders) -> PathBuf {
        folders.folder().join(INDEX)
    }

    /// Returns whether the checkpoint after `t_env` steps is needed.
    pub(super) fn needs(&self, t_env: u64) -> bool {
        [self.best, self.last].contains(&Some(t_env))
            || self.kept.contains(&t_env)
            || self.best_of_states.contains(&t_env)
    }

    /// Returns whether there is an index, undamaged or not.
    pub(super) fn exists(folders: &StepFolders) -> bool {
        files::is_there(&Self::path(folders))
    }

    /// Reads the index. Without any checkpoint, it may be missing.
    ///
    /// # Errors
    ///
    /// Returns an error if it is damaged.
    pub(super) fn read(folders: &StepFolders) -> Result<Self, TrainError> {
        let path = Self::path(folders);
        let damaged = |reason: String| TrainError::NotARun { path: path.clone(), reason };
        match fs::read(&path) {
            Ok(bytes) => {
                let file: IndexFile =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                let intact = file.xxh3.is_none_or(|checksum| checksum == file.index.checksum());
                if !intact {
                    return Err(damaged("its contents do not match its checksum".to_owned()));
                }
                Ok(file.index)
            }
            Err(error) if error.kind() == ErrorKind::NotFound && folders.steps()?.is_empty() => {
                Ok(Self::default())
            }
            Err(cause) => Err(TrainError::Io { action: "read", path, cause }),
        }
    }

    /// Reads the index. If it is missing or damaged, or contradicts the folders, it is rebuilt from them, and a message
    /// is returned as well.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be read.
    pub(super) fn read_or_rebuild(
        folders: &StepFolders,
    ) -> Result<(Self, Option<String>), TrainError> {
        let read = || -> Result<Result<Self, TrainError>, TrainError> {
            Ok(match Self::read(folders) {
                Ok(index) => match index.contradiction(folders)? {
                    None => Ok(index),
                    Some(reason) => Err(TrainError::NotARun { path: Self::path(folders), reason }),
                },
                damaged => damaged,
            })
        };
        let mut found = read()?;
        for _ in 1..ATTEMPTS {
            if found.is_ok() {
                break;
            }
            // A running process may have saved a checkpoint, and now writes the index.
            thread::sleep(PAUSE);
            found = read()?;
        }
        match found {
            Ok(index) => Ok((index, None)),
            Err(error) => {
                let message =
                    format!("{error}; the list of checkpoints is rebuilt from their folders");
                Ok((Self::rebuild(folders)?, Some(message)))
            }
        }
    }

    /// Rebuilds the index from the folders of the checkpoints.
    fn rebuild(folders: &StepFolders) -> Result<Self, TrainError> {
        let mut index = Self::default();
        for step in folders.steps()? {
            if directory::read_file(&folders.path(step), SavedAs::NAME).is_err() {
                continue;
            }
            let saved_as = SavedAs::read(folders, step).unwrap_or_default();
            // Of two that were the best, the later one was better.
            index.best = if saved_as.best { Some(step) } else { index.best };
            index.last = Some(step);
            if saved_as.kept {
                index.kept.push(step);
            }
            // Which of them the saved states need is not known.
            index.best_of_states.push(step);
        }
        Ok(index)
    }

    /// Returns how the folders of the checkpoints contradict this index, if they do: it is that of another run or of an
    /// earlier time.
    fn contradiction(&self, folders: &StepFolders) -> Result<Option<String>, TrainError> {
        for step in folders.steps()? {
            let Some(saved_as) = SavedAs::read(folders, step) else { continue };
            let agrees = self.last.is_some_and(|last| last >= step)
                && (!saved_as.best || self.best.is_some_and(|best| best >= step))
                && (saved_as.best || self.best != Some(step))
                && saved_as.kept == self.kept.contains(&step);
            if !agrees {
                return Ok(Some(format!("it does not list step_{step} as it was saved")));
            }
        }
        Ok(None)
    }

    /// Writes the index.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written.
    pub(super) fn write(&self, folders: &StepFolders) -> Result<(), TrainError> {
        let file = IndexFile { index: self.clone(), xxh3: Some(self.checksum()) };
        let text = serde_json::to_vec_pretty(&file).expect("an index is plain data");
        let (path, folder) = (Self::path(folders), folders.folder());
        files::create_own_folder(folder).map_err(TrainError::io("create", folder))?;
        files::replace(&path, &text).map_err(TrainError::io("write", &path))
    }
}
