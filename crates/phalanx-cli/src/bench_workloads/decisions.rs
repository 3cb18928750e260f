//! Action selection: the preset `infer`.

use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetwork, AnyEncoder, EncoderSizes, HiddenActivation, Init,
    Normalisation, RnnKind, Scratch, count_multiply_adds, device, with_weights,
};
use phalanx_core::rng::{Purpose, Rng};

use super::sizes::{ACTIONS, AGENTS, HIDDEN, OBS};
use super::{agent_weights, numbers};

/// Action selection of five recurrent agents per environment: observations of 80 numbers, 64 hidden
/// units, 14 actions.
pub struct Decisions {
    actor: Actor,
    input: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
    scratch: Scratch,
}

impl Decisions {
    /// Creates the agents of `n_envs` environments, before their first step.
    pub fn new(n_envs: usize) -> Self {
        let network = with_weights(network(None), |name, shape| {
            agent_weights(name, shape)
                .unwrap_or_else(|| panic!("`{name}` must be a parameter of an agent"))
        });
        Self::of(&network, n_envs)
    }

    /// Creates the same with an encoder of the entities in the observations and random weights.
    pub fn with_encoder(n_envs: usize, encoder: &AnyEncoder) -> Self {
        Self::of(&network(Some(encoder)), n_envs)
    }

    fn of(network: &AgentNetwork, n_envs: usize) -> Self {
        let rows = n_envs * AGENTS;
        Self {
            actor: network.to_actor(),
            input: numbers(rows * OBS, 100, 1.0),
            hidden: vec![0.0; rows * HIDDEN],
            output: vec![0.0; rows * ACTIONS],
            scratch: Scratch::default(),
        }
    }

    /// Computes one step of all agents. Returns their outputs, `[env * agent, action]`.
    pub fn step(&mut self) -> &[f32] {
        self.actor.step(&self.input, &mut self.hidden, &mut self.output, &mut self.scratch);
        &self.output
    }

    /// Returns the multiply-adds of a step's matrix products.
    pub fn multiply_adds(&mut self) -> f64 {
        let (_, counted) = count_multiply_adds(|| self.step()[0]);
        counted as f64
    }
}

/// Creates the network of an agent with random weights.
fn network(encoder: Option<&AnyEncoder>) -> AgentNetwork {
    let cpu = device("cpu").expect("the CPU is always available");
    let sizes = EncoderSizes::of(&super::spec("preset", AGENTS, 1), 1);
    let config = AgentConfig {
        input_dim: OBS,
        hidden_dim: HIDDEN,
        output_dim: ACTIONS,
        recurrent: Some(RnnKind::Gru),
        second_hidden_dim: None,
        convolution: None,
        observation_encoder: encoder.map(|encoder| encoder.sized(sizes)),
        normalisation: Normalisation::None,
        activation: HiddenActivation::Relu,
        init: Init::default(),
    };
    config.init(&mut Rng::stream(1, Purpose::Weights, 0), &cpu)
}
