//! A custom mixer in one file, with the whole command line of `phalanx`.
//!
//! ```sh
//! cargo run --release --example write_a_mixer -- train weighted_sum two_step t_max=20000
//! cargo run --release --example write_a_mixer -- list algs
//! ```
//!
//! The joint action value is a sum of the utilities with positive, state-dependent weights that are
//! one on average. Every setting of Q-learning applies to it: double Q-learning, TD(lambda),
//! Q(lambda), prioritised replay, … Its own setting, `weight_hidden_dim`, is a key of the
//! configuration.

use std::process::ExitCode;

use burn::module::Module;
use burn::tensor::{Tensor, activation::softmax};
use phalanx::nn::{Activation, Device, Mixer, MixerInput, MixerSizes, Mlp};
use phalanx::rng::Rng;
use phalanx::settings::{Check, InvalidSetting};
use phalanx::train::algorithms::QLearning;
use phalanx_cli::Program;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `Q_tot = sum_i n softmax_i(w(s)) Q_i + v(s)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WeightedSum {
    /// Width of the hidden layers of `w` and `v`.
    weight_hidden_dim: usize,
}

impl Default for WeightedSum {
    fn default() -> Self {
        Self { weight_hidden_dim: 32 }
    }
}

/// The network of [`WeightedSum`].
#[derive(Module, Debug)]
struct WeightedSumNetwork {
    weights: Mlp,
    value: Mlp,
}

impl Mixer for WeightedSum {
    const ID: &str = "weighted_sum";
    const SUMMARY: &str = "sum of the utilities with weights that depend on the state";
    type Network = WeightedSumNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(&[("weight_hidden_dim", self.weight_hidden_dim)]);
        check.finish()
    }

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> WeightedSumNetwork {
        let hidden = [self.weight_hidden_dim];
        WeightedSumNetwork {
            weights: Mlp::new(sizes.state_dim, &hidden, sizes.n_agents, rng, device),
            value: Mlp::new(sizes.state_dim, &hidden, 1, rng, device),
        }
    }

    fn forward(&self, network: &WeightedSumNetwork, input: MixerInput) -> Tensor<2> {
        let MixerInput { q_chosen, state, .. } = input;
        let n_agents = q_chosen.dims()[1] as f32;
        let weights = network.weights.forward(state.clone(), Activation::Identity);
        let weights = softmax(weights, 1) * n_agents;
        (q_chosen * weights).sum_dim(1) + network.value.forward(state, Activation::Identity)
    }
}

fn main() -> ExitCode {
    Program::builtin().algorithm::<QLearning<WeightedSum>>().main()
}
