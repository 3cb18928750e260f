//! A policy: everything that is needed to act.

use phalanx_core::nn::{Actor, Convolution, HiddenActivation, Normalisation, RnnKind};

use super::inputs::InputLayout;

/// The agents' networks and the layout of their input.
///
/// The outputs are per-agent Q-values (Q-learning) or logits (policy gradients). In both cases the
/// greedy action is the available one with the largest output.
#[derive(Clone)]
pub struct Policy {
    /// The networks, with plain weights.
    pub actor: Actor,
    /// The layout of their input.
    pub inputs: InputLayout,
    /// The recurrent cell, if any.
    pub recurrent: Option<RnnKind>,
    /// The convolution before the first layer, if any.
    pub convolution: Option<Convolution>,
    /// Which layers are normalised.
    pub normalisation: Normalisation,
    /// The activation of the hidden layers.
    pub activation: HiddenActivation,
    /// The index of each agent's network.
    pub owners: Vec<usize>,
}
