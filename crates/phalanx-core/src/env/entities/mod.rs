//! Entities: how the flat observation of an agent consists of units, cells or other things.

mod check;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::check::EntityError;

/// The entities in an observation, for encoders that read sets or graphs of them.
///
/// The observation stays one flat vector; the layout names the entries that belong to each entity. It is
/// the same for all agents and never changes: an entity that an agent does not see is *absent*
/// ([`Presence`]), and all of its features are zero. Entity 0 is the agent itself. The entities of a type
/// stand together and have the same features in the same order, so that a network can treat them alike.
///
/// ```
/// use phalanx_core::env::{Entity, EntityLayout, EntityType, EnvSpec, Presence};
///
/// // own health | visible, x, y of enemy 0 | visible, x, y of enemy 1
/// let enemy = |i: usize| {
///     let first = 1 + 3 * i;
///     Entity {
///         kind: 1,
///         columns: vec![first, first + 1, first + 2],
///         presence: Presence::NonZero(first),
///         position: Some([first + 1, first + 2]),
///         action: Some(1 + i),
///     }
/// };
/// let layout = EntityLayout {
///     types: vec![
///         EntityType::new("self", ["health"]),
///         EntityType::new("enemy", ["visible", "relative x", "relative y"]),
///     ],
///     entities: vec![Entity::agent(vec![0]), enemy(0), enemy(1)],
///     position_scale: [9.0, 9.0],
///     hidden_targets: false,
/// };
/// let spec = EnvSpec { obs_dim: 7, n_actions: 3, ..EnvSpec::new("duel", 1) };
/// layout.check(&spec)?;
/// assert_eq!(layout.of_type(1), 1..3);
/// assert_eq!(layout.actions(), 1..3);
/// # Ok::<(), phalanx_core::env::EntityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityLayout {
    /// The types of entities; the first is that of the agent itself.
    pub types: Vec<EntityType>,
    /// The entities, sorted by type; the first is the agent itself.
    pub entities: Vec<Entity>,
    /// The length of one unit of the position columns, along x and y. Positions multiplied by it are in
    /// the same unit of length in both directions.
    pub position_scale: [f32; 2],
    /// Whether an action may be available although the entity that it targets is absent. Otherwise
    /// [`check_env`](crate::env::check_env) tests that it is not.
    #[serde(default)]
    pub hidden_targets: bool,
}

/// A type of entities: `self`, `ally`, `enemy`, `cell`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityType {
    /// The name.
    pub name: String,
    /// The names of the features, such as `health`.
    pub features: Vec<String>,
}

/// One entity of an observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// The type, as an index into [`EntityLayout::types`].
    pub kind: usize,
    /// The entries of the observation that are its features, in the order of the type's.
    pub columns: Vec<usize>,
    /// How to recognise whether the agent sees it.
    pub presence: Presence,
    /// The entries of the observation that hold its position relative to the agent, x and y; `None`
    /// stands for the place of the agent.
    pub position: Option<[usize; 2]>,
    /// The action that targets it, such as the attack on this enemy.
    pub action: Option<usize>,
}

/// How to recognise whether an agent sees an entity. All features of an absent entity are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is always present.
    Always,
    /// It is present if this entry of the observation is not zero.
    NonZero(usize),
    /// It is present if any of its features is not zero.
    AnyNonZero,
}

impl EntityType {
    /// Creates a type with these features.
    pub fn new<'a>(name: &str, features: impl IntoIterator<Item = &'a str>) -> Self {
        let features = features.into_iter().map(str::to_owned).collect();
        Self { name: name.to_owned(), features }
    }
}

impl Entity {
    /// Creates entity 0, the agent itself, with these entries of the observation.
    pub fn agent(columns: Vec<usize>) -> Self {
        Self { kind: 0, columns, presence: Presence::Always, position: None, action: None }
    }

    /// Returns the entries of the observation of which at least one is not zero if the entity is
    /// present; an entity without such entries is always present.
    pub fn presence_columns(&self) -> Vec<usize> {
        match self.presence {
            Presence::Always => Vec::new(),
            Presence::NonZero(column) => vec![column],
            Presence::AnyNonZero => self.columns.clone(),
        }
    }
}

impl EntityLayout {
    /// Returns the number of entities, including the agent itself.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Returns whether there are no entities. [`EntityLayout::check`] refuses such a layout.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Returns the indices of the entities of a type.
    pub fn of_type(&self, kind: usize) -> Range<usize> {
        let first = self.entities.partition_point(|entity| entity.kind < kind);
        first..self.entities.partition_point(|entity| entity.kind <= kind)
    }

    /// Returns the actions that target an entity; they are contiguous.
    pub fn actions(&self) -> Range<usize> {
        let actions = || self.entities.iter().filter_map(|entity| entity.action);
        let first = actions().min().unwrap_or(0);
        first..first + actions().count()
    }

    /// Returns the entity that each of [`EntityLayout::actions`] targets, in the order of the actions.
    pub fn targets(&self) -> Vec<usize> {
        let mut targets: Vec<usize> =
            (0..self.len()).filter(|&i| self.entities[i].action.is_some()).collect();
        targets.sort_by_key(|&i| self.entities[i].action);
        targets
    }

    /// Returns whether an agent sees each entity, from its observation `[obs_dim]`.
    pub fn present<'a>(&'a self, obs: &'a [f32]) -> impl Iterator<Item = bool> + 'a {
        self.entities.iter().map(|entity| match entity.presence {
            Presence::Always => true,
            Presence::NonZero(column) => obs[column] != 0.0,
            Presence::AnyNonZero => entity.columns.iter().any(|&column| obs[column] != 0.0),
        })
    }
}
