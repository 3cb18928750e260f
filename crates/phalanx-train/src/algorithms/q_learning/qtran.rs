//! QTRAN.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{AgentNetworks, Device, QtranConfig, QtranJoint, QtranValue};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::experience::Experience;
use super::factorisation::{Factorisation, Loss, Plan, number};
use super::learner::ReplayLearner;
use super::settings::QLearning;
use super::targets::Targets;
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::InvalidSetting;

/// QTRAN-base: an unrestricted joint action value, and utilities whose sum has the same best joint
/// action by two further losses (Son et al. 2019, arXiv 1905.05408).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qtran {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The width of the joint action value network and of the state value network.
    pub mixing_embed_dim: usize,
    /// The size of both networks.
    pub network_size: NetworkSize,
    /// The weight of the loss at the best joint action.
    pub opt_loss: f64,
    /// The weight of the loss at the joint action taken.
    pub nopt_min_loss: f64,
}

/// PyMARL's `network_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkSize {
    /// Two hidden layers.
    Small,
    /// Three hidden layers.
    Big,
}

impl Default for Qtran {
    fn default() -> Self {
        Self {
            learning: QLearning::default(),
            mixing_embed_dim: 64,
            network_size: NetworkSize::Small,
            opt_loss: 1.0,
            nopt_min_loss: 0.1,
        }
    }
}

impl Algorithm for Qtran {
    fn id(&self) -> &'static str {
        "qtran"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = self.learning.validate();
        let mut check =
            |holds, key, reason| InvalidSetting::check(&mut invalid, holds, key, reason);
        check(self.mixing_embed_dim > 0, "mixing_embed_dim", "must be at least 1");
        check(self.opt_loss >= 0.0, "opt_loss", "must not be negative");
        check(self.nopt_min_loss >= 0.0, "nopt_min_loss", "must not be negative");
        invalid
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.learning.validate_for(spec, true)
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let size = match self.network_size {
            NetworkSize::Small => QtranConfig::SMALL,
            NetworkSize::Big => QtranConfig::BIG,
        };
        let factorisation = Transformed {
            networks: QtranConfig { embed_dim: self.mixing_embed_dim, ..size },
            opt_loss: self.opt_loss as f32,
            nopt_min_loss: self.nopt_min_loss as f32,
        };
        Box::new(ReplayLearner::new(factorisation, &self.learning, setup))
    }
}

/// With `Q_jt` the joint action value, which reads the agents' features, `V` the state value, `u*`
/// the greedy available actions of the online utilities and `sg` no gradient:
///
/// ```text
/// y      = targets of Q_jt^-(s', u*)
/// L_td   = mean (Q_jt(s, u) - y)^2
/// L_opt  = mean (sum_i Q_i(u*_i) - sg Q_jt(s, u*) + V(s))^2
/// L_nopt = mean min(sum_i Q_i(u_i) - sg Q_jt(s, u) + V(s), 0)^2
/// L      = L_td + opt_loss L_opt + nopt_min_loss L_nopt
/// ```
///
/// all means scaled by `td_loss_scale`.
struct Transformed {
    networks: QtranConfig,
    opt_loss: f32,
    nopt_min_loss: f32,
}

#[derive(Module, Debug)]
struct QtranNetworks {
    agents: AgentNetworks,
    joint: QtranJoint,
    value: QtranValue,
}

impl Factorisation for Transformed {
    type Networks = QtranNetworks;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> QtranNetworks {
        let features = plan.learning.rnn_hidden_dim;
        QtranNetworks {
            agents: plan.agents(plan.spec.n_actions, rng, device),
            joint: self.networks.init_joint(plan.sizes(), features, rng, device),
            value: self.networks.init_value(plan.spec.state_dim, rng, device),
        }
    }

    fn acting<'a>(&self, networks: &'a QtranNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn joint(&self, networks: &QtranNetworks, batch: &Experience) -> Tensor<2> {
        let features = batch.run(&networks.agents).features;
        let [_, _, width] = features.dims();
        let (rows, agents) = (batch.rows(), batch.agents);
        let actions = batch.taken.clone().reshape([rows, agents]);
        networks.joint.forward(
            features.reshape([rows, agents, width]),
            actions,
            batch.state.clone(),
        )
    }

    fn loss(
        &self,
        online: &QtranNetworks,
        target: &QtranNetworks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss {
        let shape = [batch.rows(), batch.agents];
        let features = |x: Tensor<3>| {
            let [_, _, width] = x.dims();
            x.reshape([batch.rows(), batch.agents, width])
        };
        let tracked = batch.tracked();
        let out = tracked.run(&online.agents);
        let behind = batch.run(&target.agents);
        let judge = if learning.double_q { out.output.clone().inner() } else { behind.output };
        let behind = features(behind.features);
        let value = |actions: Tensor<3, Int>| {
            let actions = actions.reshape(shape);
            target.joint.forward(behind.clone(), actions, batch.state.clone())
        };
        let best = value(batch.greedy(judge));
        let taken = learning.q_lambda.then(|| value(batch.taken.clone()));
        let targets = Targets::new(learning, batch, best, taken);

        let own = features(out.features);
        let joint = |actions: Tensor<3, Int>| {
            online.joint.forward(own.clone(), actions.reshape(shape), tracked.state.clone())
        };
        let state_value = online.value.forward(tracked.state.clone());
        let sum = |actions| tracked.pick(out.output.clone(), actions).sum_dim(1);

        let of_taken = joint(tracked.taken.clone());
        let td = targets.error(learning, batch, of_taken.clone());
        let greedy = tracked.greedy(out.output.clone());
        let of_greedy = joint(greedy.clone()).detach();
        let opt = sum(greedy) - of_greedy + state_value.clone();
        let opt = targets.squares(learning, batch, opt) * self.opt_loss;
        let nopt = sum(tracked.taken.clone()) - of_taken.detach() + state_value;
        let nopt = targets.squares(learning, batch, nopt.clamp_max(0.0));
        let nopt = nopt * self.nopt_min_loss;
        Loss {
            means: vec![
                ("loss_td", number(&td.loss)),
                ("loss_opt", number(&opt)),
                ("loss_nopt", number(&nopt)),
                ("q_taken_mean", td.mean),
                ("target_mean", targets.mean(batch)),
            ],
            total: td.loss + opt + nopt,
            errors: td.errors,
        }
    }
}
