//! The networks of ConcaveQ and the loss by which they learn.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{
    AgentNetworks, Concave, ConcaveConfig, ConcaveWeights, ConcaveWeightsCpu, Device,
    JointActionSearch, SearchInput, SearchResult, UnrestrictedConfig,
};
use phalanx_core::rng::Rng;

use super::central::Central;
use super::concaveq::{Acting, ConcaveQ, Estimator};
use super::experience::Experience;
use super::factorisation::{Factorisation, Loss, Plan, number};
use super::settings::QLearning;
use super::targets::Targets;
use crate::algorithms::host::{flat, tensor};

/// Three things learn at once: utilities `Q_i` under a concave mixer `f`, an unrestricted estimator
/// `Q*` with utilities of its own, and a policy `pi_i` for each agent.
///
/// ```text
/// u*   = SELECT f(Q_1(u_1), …, Q_n(u_n); s)        online networks, starting from the policies
/// y    = targets of Q*^-(s', u*)                    target networks
/// L_Q  = mean (Q*(s, u) - y)^2
/// L_C  = mean v (f(s, u) - y)^2,                    v = 1 where f < y, else w
/// A_i(a) = f(s, u* with action a of agent i) - f(s, u*)
/// L_pi = - mean_i [ c_A E_pi A_i / scale + c_D log pi_i(u*_i) + alpha H(pi_i) ]
/// L    = td_loss_scale (L_Q + L_C) + L_pi
/// ```
///
/// `scale` is the root of the mean square of all `A_i(a)` in the shard of the batch. No gradient passes through
/// `SELECT`, `A_i` or the targets. In `L_pi` the entropy stands outside of `f`: inside, as in
/// equation (10) of the paper (`policy_loss = "literal"`), it is punished wherever `f` falls with a
/// utility, and `f(E q) >= E f(q)` lets mixed policies look better than what they play.
pub(super) struct ConcaveLoss {
    pub(super) settings: ConcaveQ,
    pub(super) mixer: ConcaveConfig,
    pub(super) central: UnrestrictedConfig,
    pub(super) selection: JointActionSearch,
}

#[derive(Module, Debug)]
pub(super) struct ConcaveNetworks {
    agents: AgentNetworks,
    mixer: Concave,
    /// Where the unrestricted estimator is used.
    central: Option<Central>,
    /// Where policies play.
    policies: Option<AgentNetworks>,
}

impl ConcaveLoss {
    /// Joint actions of large value for all rows of the batch.
    fn select(
        &self,
        batch: &Experience,
        weights: ConcaveWeights,
        utilities: Tensor<3>,
        initial: Option<Tensor<3>>,
    ) -> SearchResult {
        // Everything in one transfer: on a device, this is where the update waits for it.
        let greedy = initial.map(|logits| flat(batch.greedy(logits).float()));
        let more = std::iter::once(flat(utilities)).chain(greedy).collect();
        let (weights, mut more) = ConcaveWeightsCpu::download_with(weights, more);
        let utilities = more.swap_remove(0);
        let initial = more.pop().map(|greedy| greedy.iter().map(|&a| a as u16).collect::<Vec<_>>());
        let mut selected = SearchResult::default();
        let reached = batch.reached();
        let input = SearchInput {
            n_agents: batch.agents,
            n_actions: batch.n_actions,
            utilities: &utilities,
            available: &batch.avail,
            valid: Some(&reached),
            initial: initial.as_deref(),
        };
        self.selection.run(&weights, input, &mut batch.rng.clone(), &mut selected);
        selected
    }

    /// The targets, where `best` are the selected joint actions.
    fn targets(
        &self,
        target: &ConcaveNetworks,
        learning: &QLearning,
        batch: &Experience,
        best: Tensor<3, Int>,
    ) -> Targets {
        if let Some(central) = &target.central {
            return central.targets(learning, batch, best).1;
        }
        let utilities = batch.outputs(&target.agents);
        let value = |actions| {
            let chosen = batch.pick_vectors(utilities.clone(), actions);
            target.mixer.forward(chosen, batch.state.clone())
        };
        let taken = learning.q_lambda.then(|| value(batch.taken.clone()));
        Targets::new(learning, batch, value(best), taken)
    }

    /// The policies' loss and their mean entropy; `batch` is the tracked one, and `best` are the selected
    /// joint actions.
    fn policy_loss(
        &self,
        batch: &Experience,
        logits: Tensor<3>,
        (selected, best): (&SearchResult, Tensor<3, Int>),
        utilities: Tensor<3>,
        weights: ConcaveWeights,
    ) -> (Tensor<1>, Tensor<1>) {
        let (rows, agents, n_actions) = (batch.rows(), batch.agents, batch.n_actions);
        let device = batch.state.device().inner();
        let used = (batch.used * agents).max(1) as f32;
        let mask: Tensor<2> = Tensor::from_inner(batch.mask.clone());
        let of_agents = mask.clone().expand([rows, agents]);

        let shape = [rows, agents, n_actions];
        let log_policy = log_softmax(batch.open(logits), 2).reshape(shape);
        let policy = log_policy.clone().exp();
        // A closed action has probability zero and a logarithm that only has to stay finite.
        let surprise = policy.clone() * log_policy.clone().clamp_min(-1e4);
        let entropy: Tensor<2> = surprise.clone().sum_dim(2).neg().reshape([rows, agents]);
        let entropy_sum = (entropy.clone() * of_agents.clone()).sum();
        let entropy_mean = number(&entropy_sum) / used;
        let alpha = self.settings.entropy_coef as f32;

        let Some(deviations) = &selected.deviations else {
            let utilities = Tensor::from_inner(utilities).reshape(shape);
            let soft = (policy * utilities - surprise * alpha).sum_dim(2).reshape([rows, agents]);
            let value = weights.detach().mix(soft);
            return ((value * mask).sum() * (-(agents as f32) / used), entropy_mean);
        };
        let per_row = agents * n_actions;
        let (mut squares, mut open) = (0.0_f64, 0.0_f64);
        let mut advantage = deviations.clone();
        for (row, values) in advantage.chunks_exact_mut(per_row).enumerate() {
            let avail = &batch.avail[row * per_row..(row + 1) * per_row];
            for (value, &avail) in values.iter_mut().zip(avail) {
                *value -= selected.value[row];
                if avail && batch.steps.get(row).is_some_and(|step| step.valid) {
                    squares += f64::from(*value) * f64::from(*value);
                    open += 1.0;
                }
            }
        }
        let scale = (squares / open.max(1.0)).sqrt().max(1e-6) as f32;
        let advantage: Tensor<3> = Tensor::from_inner(tensor(advantage, shape, &device));
        let gain = (policy * advantage).sum_dim(2).reshape([rows, agents]);
        let chosen = Tensor::from_inner(best).reshape([rows, agents, 1]);
        let agreement = log_policy.gather(2, chosen).reshape([rows, agents]);
        let objective = gain * (self.settings.policy_advantage_coef as f32 / scale)
            + agreement * self.settings.policy_distil_coef as f32
            + entropy * alpha;
        ((objective * of_agents).sum() * (-1.0 / used), entropy_mean)
    }
}

impl Factorisation for ConcaveLoss {
    type Networks = ConcaveNetworks;

    fn networks(&self, plan: &Plan, rng: &mut Rng, device: &Device) -> ConcaveNetworks {
        let n_actions = plan.spec.n_actions;
        ConcaveNetworks {
            agents: plan.agents(n_actions * self.settings.utility_dim, rng, device),
            mixer: self.mixer.init(plan.sizes(), rng, device),
            central: (self.settings.estimator == Estimator::Unrestricted)
                .then(|| Central::new(self.central, plan, rng, device)),
            policies: (self.settings.acting == Acting::Policies)
                .then(|| plan.agents(n_actions, rng, device)),
        }
    }

    fn acting<'a>(&self, networks: &'a ConcaveNetworks) -> &'a AgentNetworks {
        networks.policies.as_ref().unwrap_or(&networks.agents)
    }

    fn joint(&self, networks: &ConcaveNetworks, batch: &Experience) -> Tensor<2> {
        let utilities = batch.outputs(&networks.agents);
        let chosen = batch.pick_vectors(utilities, batch.taken.clone());
        networks.mixer.forward(chosen, batch.state.clone())
    }

    fn loss(
        &self,
        online: &ConcaveNetworks,
        target: &ConcaveNetworks,
        batch: &Experience,
        learning: &QLearning,
    ) -> Loss {
        let tracked = batch.tracked();
        let utilities = tracked.outputs(&online.agents);
        let logits = online.policies.as_ref().map(|policies| tracked.outputs(policies));
        let weights = online.mixer.weights(tracked.state.clone());
        let plain = utilities.clone().inner();
        let initial = logits.clone().map(Tensor::inner);
        let selected = self.select(batch, weights.clone(), plain.clone(), initial);
        let best = batch.actions(&selected.actions);
        let targets = self.targets(target, learning, batch, best.clone());

        let joint = weights.mix(tracked.pick_vectors(utilities, tracked.taken.clone()));
        let weight = targets.optimistic(joint.clone().inner(), self.settings.w as f32);
        let error = targets.weighted_error(learning, batch, joint, weight);
        let mut loss = Loss {
            means: vec![
                ("loss_td", number(&error.loss)),
                ("q_taken_mean", error.mean),
                ("target_mean", targets.mean(batch)),
            ],
            total: error.loss,
            errors: error.errors,
        };
        if let Some(central) = &online.central {
            let estimate = central.of_taken(&tracked);
            let central = targets.error(learning, batch, estimate).loss;
            loss.means.push(("loss_central", number(&central)));
            loss.total = loss.total + central;
        }
        if let Some(logits) = logits {
            let selected = (&selected, best);
            let (policy, entropy) = self.policy_loss(&tracked, logits, selected, plain, weights);
            loss.means.extend([("pg_loss", number(&policy)), ("entropy", entropy)]);
            loss.total = loss.total + policy;
        }
        loss
    }
}
