//! What encoders of graphs have in common: the settings of a graph.

use phalanx_kernels::Graph;
use serde::{Deserialize, Serialize};

use crate::settings::Check;

/// Which of the entities that are present are neighbours. Every entity is its own neighbour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphKind {
    /// All of them.
    #[default]
    Complete,
    /// Two entities of which one is among the nearest of the other, `knn` in a configuration.
    #[serde(rename = "knn")]
    Nearest,
    /// Entities within a distance.
    Radius,
}

impl GraphKind {
    /// Returns the graph with this number of nearest entities or this distance, in the environment's unit
    /// of length.
    pub(super) fn with(self, neighbours: usize, radius: f64) -> Graph {
        match self {
            Self::Complete => Graph::Complete,
            Self::Nearest => Graph::Nearest(neighbours),
            Self::Radius => Graph::Radius(radius as f32),
        }
    }
}

/// Tests the settings of a graph, which all encoders of graphs have.
pub(super) fn check_graph(check: &mut Check, neighbours: usize, radius: f64) {
    check.at_least_one(&[("neighbours", neighbours)]);
    check.positive(&[("radius", radius)]);
}

/// Tests that tokens can be divided among heads.
pub(super) fn check_heads(check: &mut Check, width: usize, heads: usize) {
    check.that(heads != 0 && width.is_multiple_of(heads), "heads", "must divide the width");
}
