//! Whether a policy fits, and the settings that would make it fit.

use phalanx_core::env::EntityLayout;
use phalanx_core::nn::{ObservationEncoder, WeightsError};

use super::error::TransferError;
use crate::error::TrainError;
use crate::rollout::InputLayout;

/// Checks that two environments describe the same types of entities with the same features.
///
/// # Errors
///
/// Returns [`TransferError::Types`] or [`TransferError::Features`].
pub(in crate::run) fn check_entities(
    theirs: &EntityLayout,
    ours: &EntityLayout,
) -> Result<(), TransferError> {
    let names = |layout: &EntityLayout| -> Vec<String> {
        layout.types.iter().map(|kind| kind.name.clone()).collect()
    };
    let (their_types, our_types) = (names(theirs), names(ours));
    if their_types != our_types {
        return Err(TransferError::Types { theirs: their_types, ours: our_types });
    }
    let differs = theirs.types.iter().zip(&ours.types).find(|(a, b)| a.features != b.features);
    differs.map_or(Ok(()), |(theirs, ours)| {
        Err(TransferError::Features {
            kind: theirs.name.clone(),
            theirs: theirs.features.clone(),
            ours: ours.features.clone(),
        })
    })
}

/// The inputs and the encoder of networks, from which the reason of other shapes follows.
pub(in crate::run) struct Shapes<'a> {
    pub(in crate::run) inputs: InputLayout,
    pub(in crate::run) encoder: Option<&'a ObservationEncoder>,
}

/// Returns the error of weights that do not fit. Errors that have nothing to do with shapes stay what
/// they are.
pub(in crate::run) fn weights_error(
    error: WeightsError,
    theirs: InputLayout,
    ours: &Shapes<'_>,
) -> TrainError {
    let keys = keys(theirs, ours);
    match error {
        WeightsError::Shape { name: parameter, expected: ours, found: theirs } => {
            TransferError::Shape { parameter, theirs, ours, keys }.into()
        }
        WeightsError::Missing { name: parameter } => {
            TransferError::Parameter { parameter, theirs: false, keys }.into()
        }
        WeightsError::Unexpected { name: parameter } => {
            TransferError::Parameter { parameter, theirs: true, keys }.into()
        }
        error => error.into(),
    }
}

/// Returns the settings that would remove differences in the inputs and outputs of two networks.
fn keys(theirs: InputLayout, ours: &Shapes<'_>) -> Vec<String> {
    let here = ours.inputs;
    let (mut heads, mut entities) = (false, false);
    if let Some(encoder) = ours.encoder {
        heads = !encoder.head_actions().is_empty();
        entities = encoder.encoder().reads_entities();
    }
    let ids = |inputs: InputLayout| if inputs.agent_id { inputs.n_agents } else { 0 };
    let last = |inputs: InputLayout| if inputs.last_action { inputs.n_actions } else { 0 };
    let mut keys = Vec::new();
    if theirs.n_actions != here.n_actions && !heads {
        keys.push("an encoder with a head for every entity (encoder=entity_attention or hpn)");
    } else if theirs.view_dim() != here.view_dim() && !entities {
        keys.push("an encoder that reads entities (`phalanx list encoders`)");
    }
    if ids(theirs) != ids(here) {
        keys.push("obs_agent_id=false");
    }
    if last(theirs) != last(here) {
        keys.push("obs_last_action=false");
    }
    keys.into_iter().map(str::to_owned).collect()
}
