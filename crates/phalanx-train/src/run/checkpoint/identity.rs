//! What a saved state or a checkpoint belongs to.

use serde::{Deserialize, Serialize};

use crate::algorithms::NamedFile;
use crate::config::RunConfig;
use crate::run::{InitialWeights, RunInfo};

/// The run that a saved state belongs to, and its whole configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::run) struct StateIdentity {
    /// The identifier in the run's `run.json`.
    pub(in crate::run) run: String,
    /// The contents of its `config.toml`.
    pub(in crate::run) config: String,
    /// The weights with which the run began, if they came from another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) initial_weights: Option<InitialWeights>,
}

/// The file of a checkpoint that holds the configuration of its training.
const CHECKPOINT: &str = "config.toml";

impl StateIdentity {
    /// The file of a saved state that holds it.
    pub(super) const NAME: &str = "run.json";

    /// Returns the identity as a file of a saved state.
    pub(in crate::run) fn file(&self) -> NamedFile {
        let bytes = serde_json::to_vec_pretty(self).expect("two texts are plain data");
        NamedFile::new(Self::NAME, bytes)
    }

    /// Reads the identity from the files of a saved state. States of earlier versions have none.
    pub(in crate::run) fn read(files: &[NamedFile]) -> Option<Self> {
        let file = files.iter().find(|file| file.name == Self::NAME)?;
        serde_json::from_slice(&file.bytes).ok()
    }
}

/// Returns the configuration of a run as a file of its checkpoints, without the keys that may change when it is
/// resumed, so that a resumed run writes the same checkpoints.
pub(in crate::run) fn configuration_file(info: &RunInfo) -> NamedFile {
    let mut info = info.clone();
    info.config.retain(|key, _| !RunConfig::CHANGEABLE_ON_RESUME.contains(&key));
    NamedFile::new(CHECKPOINT, info.to_toml().into_bytes())
}

/// Returns the configuration with which the policy in the files of a checkpoint was trained. Checkpoints of earlier
/// versions, and those that no run has written, hold none.
pub fn trained_with(files: &[NamedFile]) -> Option<RunInfo> {
    let file = files.iter().find(|file| file.name == CHECKPOINT)?;
    RunInfo::from_toml(std::str::from_utf8(&file.bytes).ok()?).ok()
}
