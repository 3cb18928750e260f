//! Agent networks, mixers and optimizers; the operations they run on are those of [`phalanx_kernels`].
//!
//! Learning runs on burn tensors on any [`Device`]; acting runs on plain slices of weights, on the
//! CPU. Nothing here is generic over a backend: the device is a value, chosen when the program
//! runs ([`device()`]).
//!
//! - [`AgentNetwork`] turns observations into utilities or logits, or a state into its value;
//!   [`Actor`] is an agent network on plain weights, for rollouts.
//! - [`Encoder`] turns an observation into features, before the other layers of an agent's network.
//! - [`Mixer`] turns the utilities of all agents into the joint action value.
//! - [`ConcaveMixer`] is the mixer of ConcaveQ, and [`JointActionSearch`] the iterative action selection
//!   that it needs.
//! - [`Optimizer`] clips the global gradient norm and applies Adam or RMSprop with PyTorch's
//!   semantics.
//! - [`to_safetensors`] and [`from_safetensors`] exchange weights by name.
//!
//! Every initial weight is drawn from our own [`Rng`](crate::rng::Rng), so that a seed gives the
//! same networks on every device.

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
pub use weights::{WeightsError, from_safetensors, to_safetensors, with_weights};
