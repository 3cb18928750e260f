//! Consistency of an entity layout with a specification.

use std::collections::HashSet;

use super::{EntityLayout, EntityType, Presence};
use crate::env::EnvSpec;

/// Why an [`EntityLayout`] is invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EntityError {
    /// There is no entity.
    #[error("there is no entity; the first must be the agent itself")]
    Empty,
    /// The agent itself is not alone in the first type, or may be absent.
    #[error("entity 0 must be the agent itself: the only one of type 0, and always present")]
    NoAgent,
    /// A type has no name, or the name of another type.
    #[error("type {kind} has no name of its own")]
    TypeName {
        /// The type.
        kind: usize,
    },
    /// A type has no features or no entities.
    #[error("type `{name}` has no {what}")]
    EmptyType {
        /// The name of the type.
        name: String,
        /// `features` or `entities`.
        what: &'static str,
    },
    /// An entity has a type that does not exist.
    #[error("entity {entity} has type {kind}, but there are {types} types")]
    UnknownType {
        /// The entity.
        entity: usize,
        /// Its type.
        kind: usize,
        /// The number of types.
        types: usize,
    },
    /// The entities are not sorted by type.
    #[error("entity {entity} stands after an entity of a later type; entities are sorted by type")]
    Unsorted {
        /// The entity.
        entity: usize,
    },
    /// An entity has more or fewer columns than its type has features.
    #[error("entity {entity} has {found} columns, but its type has {expected} features")]
    Columns {
        /// The entity.
        entity: usize,
        /// The number of columns.
        found: usize,
        /// The number of features.
        expected: usize,
    },
    /// A column is not in the observation.
    #[error("entity {entity} has column {column}, beyond the {obs_dim} of an observation")]
    ColumnOutOfRange {
        /// The entity.
        entity: usize,
        /// The column.
        column: usize,
        /// The length of an observation.
        obs_dim: usize,
    },
    /// Two entities share a column, so that permuting them has no meaning.
    #[error("column {column} belongs to the entities {first} and {second}")]
    SharedColumn {
        /// The column.
        column: usize,
        /// An entity with it.
        first: usize,
        /// Another entity with it, or the same if it has the column twice.
        second: usize,
    },
    /// An entity's presence or position is read from a column that is not one of its features.
    #[error("entity {entity} reads its {what} from column {column}, which is not one of its own")]
    ForeignColumn {
        /// The entity.
        entity: usize,
        /// `presence` or `position`.
        what: &'static str,
        /// The column.
        column: usize,
    },
    /// The entities of a type differ in how presence, position or action are given.
    #[error("entity {entity} differs from others of its type in its {what}")]
    Unlike {
        /// The entity.
        entity: usize,
        /// `presence`, `position` or `action`.
        what: &'static str,
    },
    /// The actions that target entities are not distinct and contiguous.
    #[error("the actions that target entities must be distinct and contiguous: {actions:?}")]
    Actions {
        /// The actions, in the order of the entities.
        actions: Vec<usize>,
    },
    /// An action does not exist.
    #[error("action {action} targets an entity, but there are {n_actions} actions")]
    ActionOutOfRange {
        /// The action.
        action: usize,
        /// The number of actions.
        n_actions: usize,
    },
    /// Every action targets an entity.
    #[error("every action targets an entity; at least one must not")]
    OnlyTargets,
    /// The length of a position's unit is not a positive number.
    #[error("the position scale must be positive and finite: {scale:?}")]
    Scale {
        /// The scale.
        scale: [f32; 2],
    },
}

impl EntityLayout {
    /// Tests that the layout is consistent and fits a specification.
    ///
    /// # Errors
    ///
    /// Returns the first violation.
    pub fn check(&self, spec: &EnvSpec) -> Result<(), EntityError> {
        self.check_types()?;
        self.check_columns(spec)?;
        self.check_alike()?;
        self.check_actions(spec)?;
        if self.position_scale.iter().all(|scale| scale.is_finite() && *scale > 0.0) {
            Ok(())
        } else {
            Err(EntityError::Scale { scale: self.position_scale })
        }
    }

    fn check_types(&self) -> Result<(), EntityError> {
        let first = self.entities.first().ok_or(EntityError::Empty)?;
        for (i, entity) in self.entities.iter().enumerate() {
            let (kind, types) = (entity.kind, self.types.len());
            if kind >= types {
                return Err(EntityError::UnknownType { entity: i, kind, types });
            }
            if i > 0 && kind < self.entities[i - 1].kind {
                return Err(EntityError::Unsorted { entity: i });
            }
        }
        let mut names = HashSet::new();
        for (kind, EntityType { name, features }) in self.types.iter().enumerate() {
            if !names.insert(name) || name.trim().is_empty() {
                return Err(EntityError::TypeName { kind });
            }
            let what = if features.is_empty() { "features" } else { "entities" };
            if features.is_empty() || self.of_type(kind).is_empty() {
                return Err(EntityError::EmptyType { name: name.clone(), what });
            }
        }
        let alone = first.kind == 0 && self.entities.get(1).is_none_or(|entity| entity.kind > 0);
        let fixed = first.presence == Presence::Always && first.position.is_none();
        if alone && fixed { Ok(()) } else { Err(EntityError::NoAgent) }
    }

    fn check_columns(&self, spec: &EnvSpec) -> Result<(), EntityError> {
        let mut owners = vec![None; spec.obs_dim];
        for (i, entity) in self.entities.iter().enumerate() {
            let (found, expected) = (entity.columns.len(), self.types[entity.kind].features.len());
            if found != expected {
                return Err(EntityError::Columns { entity: i, found, expected });
            }
            for &column in &entity.columns {
                let Some(owner) = owners.get_mut(column) else {
                    let obs_dim = spec.obs_dim;
                    return Err(EntityError::ColumnOutOfRange { entity: i, column, obs_dim });
                };
                if let Some(first) = owner.replace(i) {
                    return Err(EntityError::SharedColumn { column, first, second: i });
                }
            }
            let foreign = |column: &usize| !entity.columns.contains(column);
            let presence = entity.presence_columns().into_iter().find(foreign);
            let position = entity.position.into_iter().flatten().find(foreign);
            let presence = presence.map(|column| ("presence", column));
            if let Some((what, column)) = presence.or(position.map(|column| ("position", column))) {
                return Err(EntityError::ForeignColumn { entity: i, what, column });
            }
        }
        Ok(())
    }

    /// Tests that the same features hold presence and position of all entities of a type, and that an
    /// action targets all of them or none.
    fn check_alike(&self) -> Result<(), EntityError> {
        let feature = |i: usize, column: usize| {
            self.entities[i].columns.iter().position(|&other| other == column)
        };
        let presence = |i: usize| match self.entities[i].presence {
            Presence::Always => (0, None),
            Presence::NonZero(column) => (1, feature(i, column)),
            Presence::AnyNonZero => (2, None),
        };
        let position = |i: usize| {
            self.entities[i].position.map(|columns| columns.map(|column| feature(i, column)))
        };
        for kind in 0..self.types.len() {
            let mut of_type = self.of_type(kind);
            let Some(first) = of_type.next() else { continue };
            for i in of_type {
                let targeted = |i: usize| self.entities[i].action.is_some();
                let what = match () {
                    () if presence(i) != presence(first) => "presence",
                    () if position(i) != position(first) => "position",
                    () if targeted(i) != targeted(first) => "action",
                    () => continue,
                };
                return Err(EntityError::Unlike { entity: i, what });
            }
        }
        Ok(())
    }

    fn check_actions(&self, spec: &EnvSpec) -> Result<(), EntityError> {
        let actions = || self.entities.iter().filter_map(|entity| entity.action);
        let n_actions = spec.n_actions;
        if let Some(action) = actions().find(|&action| action >= n_actions) {
            return Err(EntityError::ActionOutOfRange { action, n_actions });
        }
        let mut sorted: Vec<usize> = actions().collect();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(self.actions()) {
            return Err(EntityError::Actions { actions: actions().collect() });
        }
        if sorted.len() == n_actions { Err(EntityError::OnlyTargets) } else { Ok(()) }
    }
}
