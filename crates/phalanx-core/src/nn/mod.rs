//! Agent networks, mixers and optimizers, on top of the operations of [`phalanx_kernels`].
//!
//! Training runs on burn tensors on any [`Device`]; acting runs on plain slices of weights on the
//! CPU. Nothing here is generic over a backend: the device is a value, chosen at run time
//! ([`device()`]).
//!
//! - [`AgentNetwork`] computes utilities or logits from observations, or values from states;
//!   [`Actor`] is an agent network on plain weights, for rollouts.
//! - [`Encoder`] computes features from observations, before the other layers of an agent's network.
//! - [`Mixer`] combines the utilities of all agents into the joint action value.
//! - [`ConcaveMixer`] is ConcaveQ's mixer, and [`JointActionSearch`] the iterative action selection
//!   that it needs.
//! - [`Optimizer`] clips the global gradient norm and applies Adam or RMSprop with PyTorch's
//!   semantics.
//! - [`to_safetensors`] and [`from_safetensors`] save and load weights by name.
//!
//! All initial weights are drawn from [`Rng`](crate::rng::Rng), so that a seed gives the same
//! networks on every device.

#[cfg(not(any(feature = "flex", feature = "ndarray", feature = "wgpu")))]
compile_error!("networks need a device: choose the feature `flex`, `ndarray` or `wgpu`");

mod agent;
mod device;
mod encoders;
mod joint_action_search;
mod layers;
mod losses;
mod mixers;
mod optim;
mod weights;

pub use agent::{
    Actor, AgentConfig, AgentNetwork, AgentNetworks, AgentOutput, Init, Scratch, Sharing,
};
pub use device::{
    Adapter, Device, DeviceError, Transfers, adapters, available, catch_device_failure, device,
    download, is_cpu, upload,
};
pub use encoders::*;
pub use joint_action_search::{
    ConcaveWeightsCpu, JointActionSearch, Objective, SearchInput, SearchMethod, SearchResult,
};
pub use layers::{
    FrameConvolution, Gru, HiddenActivation, InputNorm, LayerNorm, Linear, Lstm, Mlp,
    Normalisation, RnnKind,
};
pub use losses::{Categorical, PolicyTargets, ValueTargets, categorical, ppo_loss, value_loss};
pub use mixers::*;
pub use optim::{
    Optimizer, OptimizerConfig, OptimizerKind, ParameterGradients, Step, gradients_in_shards,
    in_shards, padding_multiple, shard_count, soft_update,
};
pub use phalanx_kernels::{
    Activation, ConcaveWeights, Convex, Convolution, Positive, count_multiply_adds,
    peak_fma_per_second,
};
pub use weights::{
    WeightsError, from_safetensors, part_from_safetensors, to_safetensors, with_weights,
};
