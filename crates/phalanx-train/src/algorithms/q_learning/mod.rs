//! Q-learning from replayed episodes: utilities of the agents, learned through the joint action
//! value.
//!
//! [`QLearning`] makes an algorithm of any [`Mixer`]: IQL, VDN, QMIX, QPLEX, Qatten and the
//! unrestricted mixer. Algorithms that need a loss of their own implement [`ValueFactorisation`]:
//! QTRAN, weighted QMIX, ResQ and ConcaveQ, one file each. [`QLearningSettings`] holds the settings
//! that all of them share, and [`ReplayLearner`] collects, replays and updates for all of them.
//!
//! An update reads from top to bottom in [`QLearning::loss`]. Its parts are
//!
//! - `batch.rs`: the batch of episodes, [`EpisodeTensors`];
//! - `bootstrap.rs`: which joint action targets bootstrap from, and its value ([`BootstrapRule`]);
//! - `targets.rs`: the targets made of rewards and bootstrap values, [`Targets`];
//! - `td_loss.rs`: the loss between values and targets, [`TdLoss`].

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

/// Q-learning with a mixer: utilities `Q_i` of the agents and `Q_tot = mixer(Q_1, …, Q_n; s)` learn
/// together.
///
/// ```text
/// L = 1/2 sum_t filled_t (Q_tot(s_t, u_t) - G_t)^2 / sum_t filled_t
/// ```
///
/// where `G` are the [`Targets`] and 1/2 is `td_loss_scale`. As in PyMARL, dead agents take part
/// with the only action they have.
///
/// IQL learns with PyMARL2's settings for independent learners
/// ([`QLearningSettings::independent`]), all others with [`QLearningSettings::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
pub struct QLearning<M> {
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The mixer with its settings.
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
/// Unrestricted mixing, the baseline for every restriction of the mixer. Agents still choose the
/// action with their own largest utility, which need not be their part of the best joint action.
pub type Unrestricted = QLearning<UnrestrictedMixer>;

impl<M: Mixer> QLearning<M> {
    /// Makes the algorithm with these settings of Q-learning and the mixer's defaults.
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

/// The agents' networks and the mixer's, which learn together.
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
            let reason = "is a key of Q-learning: the mixer's setting needs another name";
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
