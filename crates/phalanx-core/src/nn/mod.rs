//! Agent networks, mixers, optimizers and the kernels they run on.
//!
//! Learning runs on burn tensors on any [`Device`]; acting runs on plain slices of weights, on the
//! CPU. Nothing here is generic over a backend: the device is a value, chosen when the program
//! runs ([`device()`]).
//!
//! - [`AgentNetwork`] turns observations into utilities or logits, or a state into its value;
//!   [`Actor`] is an agent network on plain weights, for rollouts.
//! - [`Mixer`] turns the utilities of all agents into the joint action value.
//! - [`ConcaveMixer`] is the mixer of ConcaveQ, and [`Selection`] the iterative action selection
//!   that it needs.
//! - [`Optimizer`] clips the global gradient norm and applies Adam or RMSprop with PyTorch's
//!   semantics.
//! - [`to_safetensors`] and [`from_safetensors`] exchange weights by name.
//!
//! Every initial weight is drawn from our own [`Rng`](crate::rng::Rng), so that a seed gives the
//! same networks on every device.

#[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu")))]
compile_error!("networks need a device: choose the feature `flex`, `ndarray` or `wgpu`");

mod actor;
mod actor_network;
mod adapters;
mod agent;
mod agents;
mod categorical;
mod convolution;
mod device;
mod device_failure;
mod gru;
mod input_norm;
mod kernels;
mod layer_norm;
mod linear;
mod lstm;
mod mixers;
mod mlp;
mod optim;
mod recurrent;
mod selection;
mod shards;
mod soft_update;
mod surrogate;
mod transfer;
mod weights;

pub use actor::{Actor, Scratch};
pub use adapters::{Adapter, adapters};
pub use agent::{AgentConfig, AgentNetwork, AgentOutput, Init};
pub use agents::{AgentNetworks, Sharing};
pub use categorical::{Categorical, categorical};
pub use convolution::{Convolution, FrameConvolution};
pub use device::{Device, DeviceError, available, device};
pub use device_failure::watched;
pub use gru::Gru;
pub use input_norm::InputNorm;
pub use kernels::{count_multiply_adds, multiply_adds_per_second, on_host};
pub use layer_norm::{LayerNorm, Normalisation};
pub use linear::{Activation, HiddenActivation, Linear};
pub use lstm::Lstm;
pub use mixers::{
    ConcaveMixer, ConcaveNetwork, ConcaveWeights, Convex, FirstLayer, HostWeights, IqlMixer, Mixer,
    MixerInput, MixerSizes, Positive, QattenMixer, QattenNetwork, QmixMixer, QmixNetwork,
    QplexMixer, QplexNetwork, QtranConfig, QtranJoint, QtranValue, Residual, ResidualConfig,
    UnrestrictedMixer, UnrestrictedNetwork, VdnMixer,
};
pub use mlp::Mlp;
pub use optim::{Optimizer, OptimizerConfig, Step};
pub use recurrent::RecurrentUnit;
pub use selection::{Objective, Search, Selected, Selection, SelectionInput};
pub use shards::{ParameterGradients, gradients_in_shards, in_shards, shard_count, time_multiple};
pub use soft_update::soft_update;
pub use surrogate::{Taken, Valued, surrogate, value_loss};
pub use transfer::{Transfers, download, upload};
pub use weights::{WeightsError, from_safetensors, to_safetensors, with_weights};
