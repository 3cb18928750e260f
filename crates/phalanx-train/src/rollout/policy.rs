//! A policy: everything needed to act.

use phalanx_core::nn::{Actor, Convolution, HiddenActivation, Normalisation, RnnKind};

use super::inputs::InputLayout;

/// The agents' network and the layout of its input.
///
/// The outputs are per-agent Q-values (Q-learning) or logits (policy gradients). The greedy action is
/// the available one with the largest output in both cases.
#[derive(Clone)]
pub struct Policy {
    /// The network, on plain weights.
    pub actor: Actor,
    /// The layout of its input.
    pub inputs: InputLayout,
    /// The recurrent cell, if any.
    pub recurrent: Option<RnnKind>,
    /// The convolution before the first layer, if any.
    pub convolution: Option<Convolution>,
    /// Which layers are normalised.
    pub normalisation: Normalisation,
    /// The activation of its hidden layers.
    pub activation: HiddenActivation,
    /// The index of each agent's network among those of the actor.
    pub owners: Vec<usize>,
}
