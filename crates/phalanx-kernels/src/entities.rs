//! The entities in rows of observations, and ways to combine them.

/// The largest number of entities in a row.
pub const MAX_ENTITIES: usize = 256;

/// Indices of present entities.
pub(crate) type List = [u16; MAX_ENTITIES];

/// How rows of observations consist of entities: the columns that hold their features, presence and
/// positions. Entity 0 is the agent itself.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityIndices {
    /// The length of a row.
    pub view_dim: usize,
    /// The types; the entities of one follow those of the one before.
    pub groups: Vec<EntityGroup>,
    /// For each entity, columns of which one is not zero if the entity is present. Without any, the
    /// entity is always present.
    pub presence: Vec<Vec<usize>>,
    /// For each entity, the columns of its position; `None` is the origin.
    pub positions: Vec<Option<[usize; 2]>>,
    /// Multiplies positions.
    pub position_scale: [f32; 2],
}

/// Entities of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityGroup {
    /// The number of features of an entity.
    pub features: usize,
    /// The columns of the features, `[entity, feature]`.
    pub columns: Vec<usize>,
}

impl EntityGroup {
    /// Returns the number of entities.
    #[inline]
    pub fn number(&self) -> usize {
        self.columns.len() / self.features.max(1)
    }
}

impl EntityIndices {
    /// Returns the number of entities.
    #[inline]
    pub fn number(&self) -> usize {
        self.presence.len()
    }

    /// Returns the number of features of all types together.
    pub fn features(&self) -> usize {
        self.groups.iter().map(|group| group.features).sum()
    }

    /// Returns the first entity, the agent itself, alone.
    #[must_use]
    pub fn own(&self) -> Self {
        let features = self.groups[0].features;
        let columns = self.groups[0].columns[..features].to_vec();
        Self {
            groups: vec![EntityGroup { features, columns }],
            presence: self.presence[..1].to_vec(),
            positions: self.positions[..1].to_vec(),
            ..*self
        }
    }

    /// Returns the same without the first entity, the agent itself.
    #[must_use]
    pub fn others(&self) -> Self {
        let mut others = self.clone();
        let first = &mut others.groups[0];
        first.columns.drain(..first.features);
        others.groups.retain(|group| group.number() > 0);
        others.presence.remove(0);
        others.positions.remove(0);
        others
    }

    /// Iterates over the types with the index of the first entity of each.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (usize, &EntityGroup)> {
        self.groups.iter().scan(0, |next, group| {
            let first = *next;
            *next += group.number();
            Some((first, group))
        })
    }

    /// Returns whether an entity is present in the row `obs`.
    #[inline(always)]
    pub fn is_present(&self, obs: &[f32], entity: usize) -> bool {
        let columns = &self.presence[entity];
        columns.is_empty() || columns.iter().any(|&column| obs[column] != 0.0)
    }

    /// Writes the indices of the entities that are present in the row `obs` to `list` and returns
    /// them.
    #[inline(always)]
    pub(crate) fn present<'a>(&self, obs: &[f32], list: &'a mut List) -> &'a [u16] {
        let mut n = 0;
        for entity in 0..self.number() {
            list[n] = entity as u16;
            n += usize::from(self.is_present(obs, entity));
        }
        &list[..n]
    }

    /// Returns the position of an entity in the row `obs`.
    #[inline(always)]
    pub(crate) fn position(&self, obs: &[f32], entity: usize) -> [f32; 2] {
        let [x, y] = self.position_scale;
        self.positions[entity].map_or([0.0; 2], |[at_x, at_y]| [x * obs[at_x], y * obs[at_y]])
    }
}

/// The neighbours of an entity among those that are present. Every entity is its own neighbour, and
/// the relation is symmetric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Graph {
    /// All entities.
    Complete,
    /// Two entities of which one is among the `k` nearest of the other.
    Nearest(usize),
    /// Entities within a distance.
    Radius(f32),
}

/// A summary of the tokens of the entities that are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The token of entity 0, present or not.
    Own,
    /// The mean; zero if there is none.
    Mean,
    /// The sum.
    Sum,
    /// The largest value of each entry; zero if there is none.
    Max,
}

/// Summaries of the tokens of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// The summaries, one after the other.
    pub parts: &'static [Pool],
    /// Whether mean, sum and maximum leave out entity 0.
    pub of_others: bool,
}

/// The constants of [`mix_graph`](crate::mix_graph).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GraphMix {
    /// The neighbours over which tokens are mixed.
    pub graph: Graph,
    /// Whether the result begins with the token of the entity itself.
    pub keep_own: bool,
    /// The number of entities, the first ones, that have a result.
    pub queries: usize,
}

/// The constants of [`gat`](crate::gat).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GraphAttention {
    /// The number of heads, which divides the width of tokens.
    pub heads: usize,
    /// The neighbours that an entity attends to.
    pub graph: Graph,
    /// The number of entities, the first ones, that have a result.
    pub queries: usize,
}

/// The slope of the leaky ReLU in [`gat`](crate::gat) below zero.
pub(crate) const LEAK: f32 = 0.2;

/// The constants of [`gcn`](crate::gcn).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GcnSettings {
    /// The neighbours over which tokens are mixed.
    pub graph: Graph,
    /// Whether a layer has a weight of its own for the entity itself.
    pub root: bool,
    /// The number of entities, the first ones, whose tokens are needed after the last layer.
    pub queries: usize,
    /// The summaries of tokens of which the features consist.
    pub pooling: Pooling,
}

/// The constants of [`transformer`](crate::transformer).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntityAttention {
    /// The number of heads, which divides the width of tokens.
    pub heads: usize,
    /// The distance of the last knot of the bias for relative positions.
    pub reach: f32,
    /// The number of entities, the first ones, that have a result.
    pub queries: usize,
}

/// The constants of [`transformer`](crate::transformer).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerSettings {
    /// The number of attention heads, which divides the width of tokens.
    pub heads: usize,
    /// The distance of the last knot of the bias for relative positions.
    pub reach: f32,
    /// The number of entities, the first ones, whose tokens are needed after the last block.
    pub queries: usize,
    /// What is added to variances.
    pub eps: f32,
    /// The summaries of tokens of which the features consist.
    pub pooling: Pooling,
}

/// The number of functions per knot of the bias for relative positions: a constant and two
/// directions.
pub const PER_KNOT: usize = 3;

/// Returns how many of the present entities of `list` are among the first `queries` entities.
#[inline(always)]
pub(crate) fn queried(list: &[u16], queries: usize) -> usize {
    list.partition_point(|&entity| usize::from(entity) < queries)
}
