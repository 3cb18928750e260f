//! The first weights of a run, from the policy of another run.

use std::fmt;
use std::path::{Path, PathBuf};

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};

use super::error::TransferError;
use super::fit::{Place, check_entities, weights_error};
use crate::algorithms::{Learner, LoadedParts};
use crate::error::TrainError;
use crate::run::RunFolder;
use crate::run::checkpoint::{CheckpointId, EncoderFile, PolicyFile, RunCheckpoints};

/// The weights with which a run began, if they came from another run. They stand in `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialWeights {
    /// The folder of the other run.
    pub run: PathBuf,
    /// The environment steps of its checkpoint.
    pub checkpoint: u64,
    /// The parts that were loaded, such as `agents` and `mixer`.
    pub loaded: Vec<String>,
    /// The parts that keep their random weights, because their shapes differ or the other run has none.
    pub not_loaded: Vec<String>,
}

impl fmt::Display for InitialWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (run, step) = (self.run.display(), self.checkpoint);
        let loaded = self.loaded.join(", ");
        write!(f, "initial weights from {run} after {step} environment steps: {loaded}")?;
        match self.not_loaded.join(", ") {
            none if none.is_empty() => Ok(()),
            others => write!(f, "; random weights: {others}"),
        }
    }
}

/// Loads the weights of the best checkpoint of the run in the folder `run` into a new learner.
///
/// # Errors
///
/// Returns [`TrainError::InitFrom`] if there is no such run, or if its policy does not fit.
pub(in crate::run) fn load_initial(
    learner: &mut dyn Learner,
    spec: &EnvSpec,
    run: &Path,
) -> Result<InitialWeights, TrainError> {
    let mut load = || {
        let loaded = RunCheckpoints::of(run).load(CheckpointId::Best);
        // A folder that is no run has no checkpoints either.
        let (checkpoint, files) =
            loaded.map_err(|error| RunFolder::open(run).err().unwrap_or(error))?;
        let (theirs, policy) = (PolicyFile::read(&files)?, learner.policy());
        check_same_computation(&theirs, &PolicyFile::of(&policy))?;
        let LoadedParts { loaded, not_loaded } =
            learner.init_from(&files).map_err(|error| match error {
                TrainError::Weights(error) => {
                    let encoder = policy.actor.observation_encoder();
                    let entities = spec.entities.as_ref();
                    let here = Place { inputs: policy.inputs, encoder, entities };
                    weights_error(error, theirs.inputs, &here)
                }
                error => error,
            })?;
        let names = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
        let (loaded, not_loaded) = (names(loaded), names(not_loaded));
        Ok(InitialWeights { run: run.to_owned(), checkpoint, loaded, not_loaded })
    };
    load().map_err(|cause: TrainError| TrainError::InitFrom {
        run: run.to_owned(),
        cause: Box::new(cause),
    })
}

/// Checks what the shapes of weights do not show: that networks with the same weights compute the same.
///
/// # Errors
///
/// Returns the first difference.
fn check_same_computation(theirs: &PolicyFile, ours: &PolicyFile) -> Result<(), TransferError> {
    let kind = |encoder: &Option<EncoderFile>| {
        encoder.as_ref().map_or("encoder=none".to_owned(), ToString::to_string)
    };
    let (their_encoder, our_encoder) = (kind(&theirs.encoder), kind(&ours.encoder));
    if their_encoder != our_encoder {
        return Err(TransferError::Encoder { theirs: their_encoder, ours: our_encoder });
    }
    let layout = |file: &'_ PolicyFile| file.encoder.as_ref()?.sizes.entities.clone();
    if let (Some(theirs), Some(ours)) = (layout(theirs), layout(ours)) {
        check_entities(&theirs, &ours)?;
    }
    let same = |key, theirs: String, ours: String| match theirs == ours {
        true => Ok(()),
        false => Err(TransferError::Setting { key, theirs, ours }),
    };
    let activation = |file: &PolicyFile| format!("{:?}", file.activation).to_lowercase();
    same("activation", activation(theirs), activation(ours))?;
    let normalises = |file: &PolicyFile| file.input_norm.is_some().to_string();
    same("normalise_input", normalises(theirs), normalises(ours))?;
    let (their_agents, our_agents) = (theirs.owners.len(), ours.owners.len());
    if their_agents != our_agents && sharing(&ours.owners) == sharing(&theirs.owners) {
        return match sharing(&theirs.owners) {
            "all" => Ok(()),
            _ => Err(TransferError::Agents { theirs: their_agents, ours: our_agents }),
        };
    }
    same("parameter_sharing", sharing(&theirs.owners).into(), sharing(&ours.owners).into())
}

/// Returns the value of `parameter_sharing` that gives each agent the network in `owners`.
fn sharing(owners: &[usize]) -> &'static str {
    match owners.iter().max() {
        None | Some(0) => "all",
        Some(&last) if last + 1 == owners.len() => "none",
        _ => "group",
    }
}
