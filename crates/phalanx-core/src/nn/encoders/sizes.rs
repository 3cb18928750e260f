//! The sizes for which the network of an encoder is made.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::env::{Entity, EntityLayout, EnvSpec};

/// The shape of the observations that an encoder reads, and of the network that it belongs to. It is
/// saved with a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EncoderSizes {
    /// The length of an observation.
    pub obs_dim: usize,
    /// The number of observations in a row, oldest first; 1 without frame stacking.
    pub frames: usize,
    /// The entities of an observation, if the environment describes them.
    #[serde(default)]
    pub entities: Option<EntityLayout>,
    /// The number of actions; 0 for a network without one output per action.
    #[serde(default)]
    pub n_actions: usize,
    /// The width of the input of the network's last layer; 0 until the network is made.
    #[serde(default)]
    pub head_dim: usize,
    /// Multiplies the initial weights and biases of heads, as the initialisation of the network multiplies
    /// those of the last layer ([`Init`](crate::nn::Init)); small ones let a policy begin almost uniform.
    #[serde(default = "one")]
    pub head_gain: f32,
}

fn one() -> f32 {
    1.0
}

impl EncoderSizes {
    /// Describes rows of `frames` observations of length `obs_dim`, without entities and actions.
    pub fn new(obs_dim: usize, frames: usize) -> Self {
        Self { obs_dim, frames, entities: None, n_actions: 0, head_dim: 0, head_gain: 1.0 }
    }

    /// Describes rows of `frames` observations of an environment, with its entities and actions.
    pub fn of(spec: &EnvSpec, frames: usize) -> Self {
        Self {
            entities: spec.entities.clone(),
            n_actions: spec.n_actions,
            ..Self::new(spec.obs_dim, frames)
        }
    }

    /// Returns the length of a row: `frames * obs_dim`.
    pub fn view_dim(&self) -> usize {
        self.frames * self.obs_dim
    }

    /// Returns the actions that target entities, for which an encoder may compute heads. Empty without
    /// entities and in networks without one output per action.
    pub fn entity_actions(&self) -> Range<usize> {
        match &self.entities {
            Some(layout) if self.n_actions > 0 => layout.actions(),
            _ => 0..0,
        }
    }

    /// Returns the length of one action's head: `head_dim` weights and a bias.
    pub fn weights_per_action(&self) -> usize {
        self.head_dim + 1
    }

    /// Returns the entries of a row, `[view_dim]`, that hold the features of an entity: its columns in each
    /// of the stacked observations, oldest first.
    pub fn feature_columns(&self, entity: &Entity) -> Vec<usize> {
        self.in_every_frame(&entity.columns)
    }

    /// Returns the entries of a row of which at least one is not zero if the entity is present. Without
    /// such entries it is always present.
    ///
    /// In a stack, an entity is present if the agent saw it in any of the observations: in the others its
    /// features are zero.
    pub fn presence_columns(&self, entity: &Entity) -> Vec<usize> {
        self.in_every_frame(&entity.presence_columns())
    }

    /// Returns the entries of a row that hold the entity's position relative to the agent in the newest
    /// observation; `None` stands for the place of the agent.
    pub fn position_columns(&self, entity: &Entity) -> Option<[usize; 2]> {
        let newest = (self.frames - 1) * self.obs_dim;
        entity.position.map(|columns| columns.map(|column| newest + column))
    }

    fn in_every_frame(&self, columns: &[usize]) -> Vec<usize> {
        let in_frame = |frame: usize| columns.iter().map(move |&at| frame * self.obs_dim + at);
        (0..self.frames).flat_map(in_frame).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Presence;

    #[test]
    fn columns_of_an_entity_are_found_in_every_stacked_observation() {
        let sizes = EncoderSizes::new(10, 3);
        let enemy = Entity {
            kind: 1,
            columns: vec![4, 2, 7],
            presence: Presence::NonZero(4),
            position: Some([2, 7]),
            action: None,
        };
        assert_eq!(sizes.feature_columns(&enemy), [4, 2, 7, 14, 12, 17, 24, 22, 27]);
        assert_eq!(sizes.presence_columns(&enemy), [4, 14, 24]);
        assert_eq!(sizes.position_columns(&enemy), Some([22, 27]));
        assert!(sizes.presence_columns(&Entity::agent(vec![0])).is_empty());
    }

    #[test]
    fn sizes_of_older_policies_have_neither_entities_nor_heads() {
        let sizes: EncoderSizes =
            serde_json::from_str(r#"{"obs_dim": 30, "frames": 2}"#).expect("both are there");
        assert_eq!(sizes, EncoderSizes::new(30, 2));
        assert!(sizes.entity_actions().is_empty());
    }
}
