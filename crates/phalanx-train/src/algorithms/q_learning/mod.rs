//! Q-learning from replayed episodes: per-agent utilities, trained through the joint action value.
//!
//! [`QLearning`] turns any [`Mixer`] into an algorithm: IQL, VDN, QMIX, QPLEX, Qatten and the
//! unrestricted mixer. Algorithms with a loss of their own implement [`ValueFactorisation`], one
//! file each: QTRAN, weighted QMIX, ResQ and ConcaveQ. [`QLearningSettings`] holds the settings
//! that all of them share, and [`ReplayLearner`] collects episodes, replays them and makes the
//! updates.
//!
//! [`QLearning::loss`] computes the loss of an update from top to bottom. Its parts are:
//!
//! - `batch.rs`: the batch of episodes, [`EpisodeTensors`];
//! - `bootstrap.rs`: the joint action that targets bootstrap from, and its value
//!   ([`BootstrapRule`]);
//! - `targets.rs`: the targets, from rewards and bootstrap values ([`Targets`]);
//! - `td_loss.rs`: the loss between values and targets ([`TdLoss`]).

mod batch;
mod bootstrap;
mod central_critic;
mod concave_loss;
mod concaveq;
mod factorisation;
mod learner;
mod linear_targets;
mod pipelined;
mod qtran;
mod resq;
mod settings;
mod targets;
mod td_loss;
mod train_state;
mod wqmix;

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use phalanx_core::nn::{
    AgentNetworks, Device, IqlMixer, Mixer, QattenMixer, QmixMixer, QplexMixer, UnrestrictedMixer,
    VdnMixer,
};
use phalanx_core::rng::Rng;
use phalanx_core::settings::{Check, InvalidSetting};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::to_table;

pub use batch::EpisodeTensors;
pub(in crate::algorithms) use batch::MASKED_LOGIT;
pub use bootstrap::BootstrapRule;
pub use concaveq::{Acting, ConcaveQ, Estimator, PolicyLoss};
pub use factorisation::{LossOutput, ModelContext, ValueFactorisation, detach};
pub use learner::ReplayLearner;
pub(in crate::algorithms) use linear_targets::LinearTargets;
pub use qtran::{NetworkSize, Qtran};
pub use resq::ResQ;
pub use settings::{Overlap, QLearningSettings, TargetUpdate};
pub use targets::Targets;
pub use td_loss::{TdLoss, weighted_mse};
pub use wqmix::{CwQmix, OwQmix, WeightedSettings};

/// Q-learning with a mixer: trains the agents' utilities `Q_i` end to end through `Q_tot =
/// mixer(Q_1, …, Q_n; s)`.
///
/// ```text
/// L = 1/2 sum_t filled_t (Q_tot(s_t, u_t) - G_t)^2 / sum_t filled_t
/// ```
///
/// where `G` are the [`Targets`] and 1/2 is `td_loss_scale`. As in PyMARL, dead agents are
/// included, with their only available action.
///
/// IQL uses PyMARL2's settings for independent learners by default
/// ([`QLearningSettings::independent`]), all other algorithms [`QLearningSettings::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
pub struct QLearning<M> {
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The mixer and its settings.
    #[serde(flatten)]
    pub mixer: M,
}

/// IQL: every agent learns its own action value (Tan 1993).
pub type Iql = QLearning<IqlMixer>;
/// VDN (Sunehag et al. 2018, arXiv 1706.05296).
pub type Vdn = QLearning<VdnMixer>;
/// QMIX (Rashid et al. 2018, arXiv 1803.11485).
pub type Qmix = QLearning<QmixMixer>;
/// QPLEX (Wang et al. 2021, arXiv 2008.01062).
pub type Qplex = QLearning<QplexMixer>;
/// Qatten (Yang et al. 2020, arXiv 2002.03939).
pub type Qatten = QLearning<QattenMixer>;
/// Unrestricted mixing, a baseline without any restriction on the mixer. Agents still choose the
/// action with the largest utility of their own, which need not be part of the best joint action.
pub type Unrestricted = QLearning<UnrestrictedMixer>;

impl<M: Mixer> QLearning<M> {
    /// Creates the algorithm with these settings of Q-learning and the default settings of the
    /// mixer.
    pub fn new(learning: QLearningSettings) -> Self {
        Self { learning, mixer: M::default() }
    }
}

impl<M: Mixer> Default for QLearning<M> {
    fn default() -> Self {
        let learning =
            if M::MIXES { QLearningSettings::default() } else { QLearningSettings::independent() };
        Self { learning, mixer: M::default() }
    }
}

/// The agents' networks and the mixing network, which are trained together.
#[derive(Module, Debug)]
pub struct MixedNetworks<N: Module + ModuleDisplay + Debug> {
    agents: AgentNetworks,
    mixer: N,
}

impl<M: Mixer> ValueFactorisation for QLearning<M> {
    const ID: &str = M::ID;
    const SUMMARY: &str = M::SUMMARY;
    const MIXES: bool = M::MIXES;
    type Networks = MixedNetworks<M::Network>;

    fn learning(&self) -> &QLearningSettings {
        &self.learning
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.all(self.mixer.validate());
        let shared = to_table(&self.learning);
        for key in to_table(&self.mixer).keys() {
            let reason = "is already a key of Q-learning; rename the mixer's setting";
            check.that(!shared.contains_key(key), key, reason);
        }
        check.finish()
    }

    fn networks(
        &self,
        context: &ModelContext,
        rng: &mut Rng,
        device: &Device,
    ) -> MixedNetworks<M::Network> {
        MixedNetworks {
            agents: context.agents(context.spec.n_actions, rng, device),
            mixer: self.mixer.init(context.mixer_sizes(), rng, device),
        }
    }

    fn agent_networks<'a>(&self, networks: &'a Self::Networks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn q_tot(&self, networks: &Self::Networks, batch: &EpisodeTensors) -> Tensor<2> {
        let utilities = batch.forward_outputs(&networks.agents);
        self.mixer.forward(&networks.mixer, batch.mixer_input(utilities, batch.actions.clone()))
    }

    fn loss(
        &self,
        online: &Self::Networks,
        target: &Self::Networks,
        batch: &EpisodeTensors,
    ) -> LossOutput {
        let (mixer, learning) = (&self.mixer, &self.learning);
        let tracked = batch.with_gradients();
        let utilities = tracked.forward_outputs(&online.agents);
        let target_utilities = batch.forward_outputs(&target.agents);

        let rule = learning.bootstrap_rule();
        let best = rule.joint_action(batch, utilities.clone().inner(), target_utilities.clone());
        let target_value = |actions| {
            mixer.forward(&target.mixer, batch.mixer_input(target_utilities.clone(), actions))
        };
        let online_value = |actions| {
            let actions = Tensor::from_inner(actions);
            let input = tracked.mixer_input(utilities.clone().detach(), actions);
            mixer.forward(&online.mixer, input).inner()
        };
        let bootstrap = rule.value(best, target_value, online_value);
        let q_taken = learning.q_lambda.then(|| target_value(batch.actions.clone()));
        let targets = Targets::new(learning, batch, bootstrap, q_taken);

        let input = tracked.mixer_input(utilities, tracked.actions.clone());
        let td = targets.td_loss(learning, batch, mixer.forward(&online.mixer, input));
        LossOutput::new(td, targets.mean(batch))
    }
}
