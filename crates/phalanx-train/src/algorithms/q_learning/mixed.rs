//! Utilities and one mixer: IQL, VDN, QMIX, QPLEX, Qatten and the unrestricted mixer.

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx_core::nn::{AgentNetworks, Device, Mixer, MixerConfig};
use phalanx_core::rng::Rng;

use super::experience::Experience;
use super::factorisation::{Factorisation, Loss, Plan, number};
use super::settings::QLearning;
use super::targets::Targets;

/// With `Q_tot(s, u) = mixer(Q_1(tau_1, u_1), …, Q_n(tau_n, u_n); s)`, minimises
///
/// ```text
/// L = 1/2 sum_t mask_t (Q_tot(s_t, u_t) - G_t)^2 / sum_t mask_t
/// ```
///
/// where `G` are the targets ([`Targets`]) of `Q_tot^-(s_t, u'_t)`, the target networks at the
/// available actions `u'_t` with the largest utilities under the online networks (double Q) or the
/// target networks. As in PyMARL, dead agents take part with the only action they have.
pub struct Mixed(pub MixerConfig);

/// The agents' networks and the mixer, which learn together.
#[derive(Module, Debug)]
pub struct MixedNetworks {
    agents: AgentNetworks,
    mixer: Mixer,
}

impl Factorisation for Mixed {
    type Networks = MixedNetworks;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> MixedNetworks {
        MixedNetworks {
            agents: plan.agents(plan.spec.n_actions, rng, device),
            mixer: self.0.init(plan.sizes(), rng, device),
        }
    }

    fn acting<'a>(&self, networks: &'a MixedNetworks) -> &'a AgentNetworks {
        &networks.agents
    }

    fn joint(&self, networks: &MixedNetworks, batch: &Experience) -> Tensor<2> {
        let utilities = batch.outputs(&networks.agents);
        networks.mixer.forward(batch.mixer_input(utilities, batch.taken.clone()))
    }

    fn loss(
        &self,
        online: &MixedNetworks,
        target: &MixedNetworks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss {
        let tracked = batch.tracked();
        let utilities = tracked.outputs(&online.agents);
        let behind = batch.outputs(&target.agents);
        let judge = if learning.double_q { utilities.clone().inner() } else { behind.clone() };
        let value = |actions| target.mixer.forward(batch.mixer_input(behind.clone(), actions));
        let greedy = value(batch.greedy(judge));
        let taken = learning.q_lambda.then(|| value(batch.taken.clone()));
        let targets = Targets::new(learning, batch, greedy, taken);

        let joint = online.mixer.forward(tracked.mixer_input(utilities, tracked.taken.clone()));
        let error = targets.error(learning, batch, joint);
        Loss {
            means: vec![
                ("loss_td", number(&error.loss)),
                ("q_taken_mean", error.mean),
                ("target_mean", targets.mean(batch)),
            ],
            total: error.loss,
            errors: error.errors,
        }
    }
}
