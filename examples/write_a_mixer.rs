//! A mixer of one's own in one file: its network, its loss, and the algorithm made of it.
//!
//! ```sh
//! cargo run --release --example write_a_mixer
//! ```
//!
//! The joint action value is a sum of the utilities whose weights, positive and one on average,
//! depend on the state. It learns the two-step game of the QMIX paper, as far as a sum can.

#![allow(clippy::print_stdout)]

use burn::module::Module;
use burn::tensor::{Tensor, activation::softmax};
use phalanx::env::EnvSpec;
use phalanx::nn::{Activation, AgentNetworks, Device, Linear};
use phalanx::prelude::*;
use phalanx::train::algorithms::{
    Algorithm, EpisodeTensors, Learner, LearnerContext, Loss, Plan, ReplayLearner, Targets,
    ValueFactorisation, number,
};
use phalanx::train::config::InvalidSetting;
use toml::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `Q_tot = sum_i n softmax_i(w(s)) Q_i + v(s)` with linear `w` and `v`.
#[derive(Module, Debug)]
struct WeightedSum {
    agents: AgentNetworks,
    weights: Linear,
    value: Linear,
}

impl WeightedSum {
    /// Utilities `[row, agent]` and states `[row, state_dim]` to `[row, 1]`.
    fn mix(&self, q: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let agents = q.dims()[1] as f32;
        let weights = softmax(self.weights.forward(state.clone(), Activation::Identity), 1);
        (q * weights * agents).sum_dim(1) + self.value.forward(state, Activation::Identity)
    }
}

struct Mix;

impl ValueFactorisation for Mix {
    type Networks = WeightedSum;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> WeightedSum {
        let EnvSpec { n_actions, state_dim, .. } = plan.spec;
        WeightedSum {
            agents: plan.agents(n_actions, rng, device),
            weights: Linear::new(state_dim, plan.spec.n_agents(), rng, device),
            value: Linear::new(state_dim, 1, rng, device),
        }
    }

    fn acting<'a>(&self, networks: &'a WeightedSum) -> &'a AgentNetworks {
        &networks.agents
    }

    fn joint(&self, networks: &WeightedSum, batch: &Experience) -> Tensor<2> {
        let utilities = batch.run(&networks.agents).output;
        networks.mix(batch.pick(utilities, batch.taken.clone()), batch.state.clone())
    }

    fn loss(
        &self,
        online: &WeightedSum,
        target: &WeightedSum,
        batch: &EpisodeTensors,
        learning: &QLearningSettings,
    ) -> Loss {
        // What the target networks expect of the actions that the online networks prefer.
        let tracked = batch.tracked();
        let utilities = tracked.run(&online.agents).output;
        let best = batch.greedy(utilities.clone().inner());
        let behind = batch.pick(batch.run(&target.agents).output, best);
        let behind = target.mix(behind, batch.state.clone());
        let targets = Targets::new(learning, batch, behind, None);

        let chosen = tracked.pick(utilities, tracked.taken.clone());
        let joint = online.mix(chosen, tracked.state.clone());
        let error = targets.error(learning, batch, joint);
        let means = vec![("loss_td", number(&error.loss)), ("q_taken_mean", error.mean)];
        Loss { total: error.loss, means, errors: error.errors }
    }
}

/// The algorithm: the settings, and the learner made from them.
struct MyMixer {
    learning: QLearningSettings,
}

impl Algorithm for MyMixer {
    fn id(&self) -> &'static str {
        "my_mixer"
    }

    fn table(&self) -> Table {
        Table::try_from(&self.learning).expect("settings are plain values")
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.learning.validate()
    }

    fn learner(&self, setup: &LearnerContext) -> Box<dyn Learner> {
        Box::new(ReplayLearner::new(Mix, &self.learning, setup))
    }
}

fn main() -> anyhow::Result<()> {
    let learning = QLearningSettings {
        batch_size: 64,
        td_lambda: 0.0,
        epsilon_finish: 1.0,
        ..QLearningSettings::default()
    };
    let game = phalanx::envs::registry::factory("two_step", &Default::default())?;
    let mut trainer = Trainer::new(MyMixer { learning }, game).seed(1);
    while trainer.iterate()?.t_env < 20_000 {}
    println!("the team gets {:.0} of 8", trainer.evaluate()?.return_mean());
    Ok(())
}
