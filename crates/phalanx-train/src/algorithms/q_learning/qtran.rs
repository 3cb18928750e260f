//! QTRAN.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{AgentNetworks, Device, QtranJoint, QtranValue};
use phalanx_core::rng::Rng;
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};

use super::batch::EpisodeTensors;
use super::factorisation::{LossOutput, ModelContext, ValueFactorisation};
use super::settings::QLearningSettings;
use super::targets::Targets;
use super::td_loss::weighted_mse;

/// QTRAN-base: trains an unrestricted joint action value `Q_jt`, and utilities whose sum has the
/// same greedy joint action through two further losses (Son et al. 2019, arXiv 1905.05408).
///
/// With `V` the state value, `u*` the greedy available actions of the online utilities and `sg` a
/// stopped gradient:
///
/// ```text
/// y      = targets of Q_jt^-(s', u*)
/// L_td   = mean (Q_jt(s, u) - y)^2
/// L_opt  = mean (sum_i Q_i(u*_i) - sg Q_jt(s, u*) + V(s))^2
/// L_nopt = mean min(sum_i Q_i(u_i) - sg Q_jt(s, u) + V(s), 0)^2
/// L      = L_td + opt_loss L_opt + nopt_min_loss L_nopt
/// ```
///
/// `Q_jt` reads the features of the agents' networks. All means are scaled by `td_loss_scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Qtran {
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The width of the joint action value network and of the state value network.
    pub mixing_embed_dim: usize,
    /// The depth of both networks: `small` or `big`.
    pub network_size: NetworkSize,
    /// The weight of `L_opt`, the loss at the greedy joint action.
    pub opt_loss: f64,
    /// The weight of `L_nopt`, the loss at the joint action taken.
    pub nopt_min_loss: f64,
}

/// Depth of QTRAN's networks (PyMARL's `network_size`).
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
            learning: QLearningSettings::default(),
            mixing_embed_dim: 64,
            network_size: NetworkSize::Small,
            opt_loss: 1.0,
            nopt_min_loss: 0.1,
        }
    }
}

/// The networks of [`Qtran`].
#[derive(Module, Debug)]
pub struct QtranNetworks {
    agents: AgentNetworks,
    joint: QtranJoint,
    value: QtranValue,
}

/// Reshapes features, `[times, episode * agent, width]`, to `[row, agent, width]`.
fn per_row(batch: &EpisodeTensors, features: Tensor<3>) -> Tensor<3> {
    let [_, _, width] = features.dims();
    features.reshape([batch.rows(), batch.agents, width])
}

impl ValueFactorisation for Qtran {
    const ID: &str = "qtran";
    const SUMMARY: &str =
        "QTRAN-base: unrestricted joint value, factorised into a sum of utilities";
    type Networks = QtranNetworks;

    fn learning(&self) -> &QLearningSettings {
        &self.learning
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self: mixing_embed_dim));
        check.not_negative(fields!(self: opt_loss, nopt_min_loss));

        check.finish()
    }

    fn networks(&self, context: &ModelContext, rng: &mut Rng, device: &Device) -> QtranNetworks {
        let hidden_layers = match self.network_size {
            NetworkSize::Small => 2,
            NetworkSize::Big => 3,
        };
        let hidden = vec![self.mixing_embed_dim; hidden_layers];
        let features = self.learning.rnn_hidden_dim;
        QtranNetworks {
            agents: context.agents(context.spec.n_actions, rng, device),
            joint: QtranJoint::new(context.mixer_sizes(), features, &hidden, rng, device),
            value: QtranValue::new(context.spec.state_dim, &hidden, rng, device),
        }
    }

    fn agent_networks<'a>(&self, networks: &'a QtranNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn q_tot(&self, networks: &QtranNetworks, batch: &EpisodeTensors) -> Tensor<2> {
        let features = per_row(batch, batch.forward(&networks.agents).features);
        let actions = batch.actions.clone().reshape([batch.rows(), batch.agents]);
        networks.joint.forward(features, actions, batch.state.clone())
    }

    fn loss(
        &self,
        online: &QtranNetworks,
        target: &QtranNetworks,
        batch: &EpisodeTensors,
    ) -> LossOutput {
        let learning = &self.learning;
        let shape = [batch.rows(), batch.agents];
        let tracked = batch.with_gradients();
        let out = tracked.forward(&online.agents);
        let target_out = batch.forward(&target.agents);
        let features = per_row(batch, out.features);
        let target_features = per_row(batch, target_out.features);
        let joint = |actions: Tensor<3, Int>| {
            online.joint.forward(features.clone(), actions.reshape(shape), tracked.state.clone())
        };
        let target_value = |actions: Tensor<3, Int>| {
            let actions = actions.reshape(shape);
            target.joint.forward(target_features.clone(), actions, batch.state.clone())
        };

        let rule = learning.bootstrap_rule();
        let best = rule.joint_action(batch, out.output.clone().inner(), target_out.output);
        let online_value = |actions| joint(Tensor::from_inner(actions)).inner();
        let bootstrap = rule.value(best, target_value, online_value);
        let q_taken = learning.q_lambda.then(|| target_value(batch.actions.clone()));
        let targets = Targets::new(learning, batch, bootstrap, q_taken);

        let state_value = online.value.forward(tracked.state.clone());
        let sum = |actions| tracked.gather(out.output.clone(), actions).sum_dim(1);
        let q_taken = joint(tracked.actions.clone());
        let td = targets.td_loss(learning, batch, q_taken.clone());
        let greedy = tracked.argmax_available(out.output.clone());
        let q_greedy = joint(greedy.clone()).detach();
        let opt = sum(greedy) - q_greedy + state_value.clone();
        let opt = weighted_mse(learning, batch, opt, None) * self.opt_loss as f32;
        let nopt = sum(tracked.actions.clone()) - q_taken.detach() + state_value;
        let nopt = weighted_mse(learning, batch, nopt.clamp_max(0.0), None);
        let nopt = nopt * self.nopt_min_loss as f32;
        LossOutput::new(td, targets.mean(batch)).plus("loss_opt", opt).plus("loss_nopt", nopt)
    }
}
