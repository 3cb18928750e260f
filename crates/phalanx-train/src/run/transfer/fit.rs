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

/// The networks for which a policy is loaded, and the entities of their environment.
pub(in crate::run) struct Place<'a> {
    pub(in crate::run) inputs: InputLayout,
    pub(in crate::run) encoder: Option<&'a ObservationEncoder>,
    pub(in crate::run) entities: Option<&'a EntityLayout>,
}

/// Returns the error of weights that do not fit, for networks with the inputs `theirs` there. Errors that
/// have nothing to do with shapes stay what they are.
pub(in crate::run) fn weights_error(
    error: WeightsError,
    theirs: InputLayout,
    here: &Place<'_>,
) -> TrainError {
    let remedy = remedy(theirs, here);
    let transfer = match error {
        WeightsError::Shape { name: parameter, expected: ours, found: theirs } => {
            TransferError::Shape { parameter, theirs, ours, remedy }
        }
        WeightsError::Missing { name: parameter } => {
            TransferError::Parameter { parameter, theirs: false, remedy }
        }
        WeightsError::Unexpected { name: parameter } => {
            TransferError::Parameter { parameter, theirs: true, remedy }
        }
        error => return error.into(),
    };
    transfer.into()
}

/// Returns what would remove the differences between two networks, as the end of a message.
fn remedy(theirs: InputLayout, here: &Place<'_>) -> String {
    let ours = here.inputs;
    let reads_entities = here.encoder.is_some_and(|it| it.encoder().reads_entities());
    let heads = here.encoder.is_some_and(|it| !it.head_actions().is_empty());
    let targeted = here.entities.is_some_and(|layout| !layout.actions().is_empty());
    let ids = |inputs: InputLayout| if inputs.agent_id { inputs.n_agents } else { 0 };
    let last = |inputs: InputLayout| if inputs.last_action { inputs.n_actions } else { 0 };
    let other_view = theirs.view_dim() != ours.view_dim();
    let other_actions = theirs.n_actions != ours.n_actions;
    let sees_entities = reads_entities || !other_view;
    let mut keys = Vec::new();
    if !sees_entities && here.entities.is_some() {
        keys.push(
            "an encoder that reads entities (encoder=gcn, or another of `phalanx list encoders`)",
        );
    } else if reads_entities && other_actions && targeted && !heads {
        keys.push("encoder_args.entity_heads=true");
    }
    if ids(theirs) != ids(ours) {
        keys.push("obs_agent_id=false");
    }
    if last(theirs) != last(ours) {
        keys.push("obs_last_action=false");
    }
    if !keys.is_empty() {
        return format!("train both with {}", keys.join(", "));
    }
    let words = match other_view || other_actions {
        true => "the environments differ in their observations or actions",
        false => "the settings of the networks differ: compare the two runs' config.toml",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::{Entity, EntityType};

    use super::*;

    fn layout(enemy: &[&str], kind: &str) -> EntityLayout {
        EntityLayout {
            types: vec![
                EntityType::new("self", ["health"]),
                EntityType::new(kind, enemy.iter().copied()),
            ],
            entities: vec![Entity::agent(vec![0])],
            position_scale: [1.0; 2],
            hidden_targets: false,
        }
    }

    #[test]
    fn entities_of_other_types_or_features_are_named() {
        let here = layout(&["x", "y"], "enemy");
        assert_eq!(check_entities(&here, &here), Ok(()));
        for (there, text) in [
            (layout(&["x", "y"], "ally"), "self, ally there and self, enemy here"),
            (layout(&["x", "y", "shield"], "enemy"), "`enemy` differ: `shield` exists only there"),
            (layout(&["x"], "enemy"), "`enemy` differ: `y` exists only here"),
            (layout(&["y", "x"], "enemy"), "`enemy` differ: their order is another one"),
        ] {
            let error = check_entities(&there, &here).expect_err(text).to_string();
            assert!(error.contains(text), "{error} lacks {text}");
        }
    }
}
