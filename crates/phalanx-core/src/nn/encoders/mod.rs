//! Encoders: networks that turn an agent's observation into features, one file each.
//!
//! A file holds everything about its encoder: the settings, which implement [`Encoder`], the network
//! that learns, and the formula. It is named like the encoder's word on the command line. A new one is
//! a file, its `mod` line and its line in [`visit_encoders`], which makes it available to every
//! algorithm as `encoder="…"`.
//!
//! [`AnyEncoder`] is an encoder whose type is chosen at run time, and [`ObservationEncoder`] the same
//! for observations of a given shape, as [`AgentConfig`](crate::nn::AgentConfig) holds it.

mod any_encoder;
mod deep_sets;
mod dyn_visitor;
mod encoder_network;
mod entities;
mod entity_attention;
mod entity_heads;
mod gat;
mod gcn;
mod graph;
mod hpn;
mod mlp;
mod plain;
mod relational_attention;
mod sizes;
mod transformer;

use std::fmt::Debug;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::any_encoder::{AnyEncoder, ObservationEncoder};
pub use self::deep_sets::{DeepSets, DeepSetsNetwork};
pub use self::encoder_network::EncoderNetwork;
pub use self::entities::Readout;
pub use self::entity_attention::EntityAttentionEncoder;
pub use self::gat::{Gat, GatNetwork};
pub use self::gcn::{Gcn, GcnNetwork};
pub use self::graph::GraphKind;
pub use self::hpn::{Hpn, HpnNetwork};
pub use self::mlp::MlpEncoder;
pub use self::plain::{PlainEncoder, PlainLinear};
pub use self::relational_attention::RelationalAttention;
pub use self::sizes::EncoderSizes;
pub use self::transformer::TransformerNetwork;
use crate::nn::layers::Linear;
use crate::rng::Rng;
use crate::settings::InvalidSetting;

/// Calls `visitor` for every encoder of this crate.
pub fn visit_encoders(visitor: &mut impl EncoderVisitor) {
    visitor.visit::<MlpEncoder>();
    visitor.visit::<DeepSets>();
    visitor.visit::<Gcn>();
    visitor.visit::<Gat>();
    visitor.visit::<EntityAttentionEncoder>();
    visitor.visit::<RelationalAttention>();
    visitor.visit::<Hpn>();
}

/// A generic operation on every encoder type.
pub trait EncoderVisitor {
    /// Visits the encoder `E`.
    fn visit<E: Encoder>(&mut self);
}

/// An encoder: the first layers of every agent's network, which turn its observation into features.
///
/// ```text
/// observations (frames × obs_dim) ──► encoder ──► features ─┐
/// last action, agent ID ────────────────────────────────────┴─► linear ──► GRU, LSTM or linear ──► head
/// ```
///
/// The implementing type holds the encoder's settings, whose names are keys of the table
/// `encoder_args`; optional ones must be `None` by default, since TOML has no word for it. Every algorithm
/// learns it together with the rest of the agent's network; so do critics with the input of the agents.
/// Agents that share a network share its encoder.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use phalanx_core::nn::{Activation, Encoder, EncoderSizes, Linear};
/// use phalanx_core::rng::Rng;
/// use serde::{Deserialize, Serialize};
///
/// /// `relu(W o + b)`, where `o` is the observation.
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct OneLayer {
///     width: usize,
/// }
///
/// impl Default for OneLayer {
///     fn default() -> Self {
///         Self { width: 32 }
///     }
/// }
///
/// impl Encoder for OneLayer {
///     const ID: &str = "one_layer";
///     const SUMMARY: &str = "one linear layer with ReLU";
///     type Network = Linear;
///
///     fn output_dim(&self, _: &EncoderSizes) -> usize {
///         self.width
///     }
///
///     fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> Linear {
///         Linear::new(sizes.view_dim(), self.width, rng, device)
///     }
///
///     fn forward(&self, layer: &Linear, obs: Tensor<2>) -> Tensor<2> {
///         layer.forward(obs, Activation::Relu)
///     }
/// }
/// ```
pub trait Encoder:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The word on the command line, such as `mlp`; it stands in checkpoints, too.
    const ID: &str;

    /// What the encoder does, in one line.
    const SUMMARY: &str;

    /// The network that learns, whose field names are those of saved weights. Only its
    /// floating-point parameters (of up to six dimensions) are learned and saved; everything else must
    /// follow from the settings and the sizes.
    type Network: Module + Sync + 'static;

    /// Returns the settings that are out of bounds.
    fn validate(&self) -> Vec<InvalidSetting> {
        Vec::new()
    }

    /// Returns the settings that do not suit observations of this shape.
    fn validate_for(&self, sizes: &EncoderSizes) -> Vec<InvalidSetting> {
        let _ = sizes;
        Vec::new()
    }

    /// Returns whether the encoder reads the entities of an observation ([`EncoderSizes::entities`]).
    ///
    /// Such an encoder is refused in an environment that describes no entities, so `init` may rely on
    /// them. Its observations are those of the environment: normalisation of the input, which would
    /// hide which entities are absent, leaves them out.
    fn reads_entities(&self) -> bool {
        false
    }

    /// Returns whether the encoder computes, for each action that targets an entity
    /// ([`EncoderSizes::entity_actions`]), the weights of this action's output: its *head*. The heads
    /// are then equivariant: permuting entities permutes their actions.
    ///
    /// With heads, a row of [`Encoder::forward`] has [`Encoder::output_dim`] features, followed by
    /// [`EncoderSizes::weights_per_action`] numbers for each of these actions, in the order of the
    /// actions: `head_dim` weights `w` and a bias `b`. With the input `h` of the network's last layer,
    /// the output of the action is
    ///
    /// ```text
    /// out[action] = w · h + b
    /// ```
    ///
    /// The last layer computes the outputs of the other actions. Initial weights are to be multiplied by
    /// [`EncoderSizes::head_gain`]. Networks without one output per action, such as critics, have no
    /// heads: for them, `entity_actions` is empty.
    fn action_weights(&self, sizes: &EncoderSizes) -> bool {
        let _ = sizes;
        false
    }

    /// Returns the layer that computes heads from tokens, for an encoder whose heads are a linear function
    /// of a token of the target: `(w, b) = t U + d`, with `U` of shape `[token, head_dim + 1]`.
    ///
    /// A row of [`Encoder::forward`] then holds the token of each target in place of its head. The network
    /// computes `w · h + b` without the weights, as `t · v + s` with `v` and `s` that all actions have in
    /// common, which costs a fraction.
    fn head_layer<'a>(&self, network: &'a Self::Network) -> Option<&'a Linear> {
        let _ = network;
        None
    }

    /// Returns the number of features of an observation, without the weights of heads.
    fn output_dim(&self, sizes: &EncoderSizes) -> usize;

    /// Makes a network with initial weights drawn from `rng`.
    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> Self::Network;

    /// Computes the features `[row, output_dim]` of the observations `obs`, `[row, view_dim]`, followed by
    /// the weights of heads, if there are any ([`Encoder::action_weights`]), or by tokens in their place
    /// ([`Encoder::head_layer`]). A row is one agent in one time step; its features must not depend on the
    /// other rows.
    fn forward(&self, network: &Self::Network, obs: Tensor<2>) -> Tensor<2>;

    /// Returns the same computation on plain slices, for acting. `network` is on the CPU.
    ///
    /// Without it, acting calls [`Encoder::forward`] for one row at a time, which gives a row the same
    /// bits whatever the number of rows and threads, at some microseconds per operation. Implement it
    /// where acting takes a large share of the time; [`PlainLinear`] is a linear layer for it.
    fn plain(&self, network: &Self::Network) -> Option<Box<dyn PlainEncoder>> {
        let _ = network;
        None
    }
}
