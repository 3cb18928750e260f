//! The critic: a state or observation in, its value out.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::agent::{AgentConfig, AgentNetwork};
use crate::rng::Rng;

/// The sizes of a [`Critic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticConfig {
    /// The length of the input: an agent's observation, or the state for a centralised critic.
    pub input_dim: usize,
    /// The width of the hidden layers and of the hidden state.
    pub hidden_dim: usize,
    /// Whether the middle layer is a GRU or a linear layer.
    pub recurrent: bool,
}

impl CriticConfig {
    /// A critic with initial weights drawn from `rng`, as PyTorch initialises them.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> Critic {
        let config = AgentConfig {
            input_dim: self.input_dim,
            hidden_dim: self.hidden_dim,
            output_dim: 1,
            recurrent: self.recurrent,
            head_scale: 1.0,
        };
        Critic { network: config.init(rng, device) }
    }
}

/// The layers of an [`AgentNetwork`] with a single output, the value.
#[derive(Module, Debug)]
pub struct Critic {
    network: AgentNetwork,
}

/// What a [`Critic`] computes from a sequence.
#[derive(Clone, Debug)]
pub struct CriticOutput {
    /// The value of every step, `[time, row]`.
    pub value: Tensor<2>,
    /// The hidden state after the last step, `[row, hidden_dim]`.
    pub hidden: Tensor<2>,
}

impl Critic {
    /// Computes a whole sequence at once; the arguments are those of [`AgentNetwork::forward`].
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> CriticOutput {
        let [time, row, _] = input.dims();
        let out = self.network.forward(input, hidden, keep);
        CriticOutput { value: out.output.reshape([time, row]), hidden: out.hidden }
    }
}
