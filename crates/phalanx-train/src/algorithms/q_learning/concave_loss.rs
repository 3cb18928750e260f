//! The networks and the loss of ConcaveQ.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentNetworks, ConcaveNetwork, ConcaveWeights, ConcaveWeightsCpu, Device, Mixer, SearchInput,
    SearchResult,
};
use phalanx_core::rng::Rng;
use phalanx_core::settings::InvalidSetting;

use super::batch::EpisodeTensors;
use super::central_critic::CentralCritic;
use super::concaveq::{Acting, ConcaveQ, Estimator};
use super::factorisation::{LossOutput, ModelContext, ValueFactorisation, detach};
use super::settings::QLearningSettings;
use super::targets::Targets;
use crate::algorithms::transfer::{flat, tensor};

/// The networks of [`ConcaveQ`].
#[derive(Module, Debug)]
pub struct ConcaveNetworks {
    agents: AgentNetworks,
    mixer: ConcaveNetwork,
    /// The unrestricted estimator, if it is used.
    central: Option<CentralCritic>,
    /// The policies, if they act.
    policies: Option<AgentNetworks>,
}

impl ConcaveQ {
    /// Searches for the best joint action in every row of the batch.
    fn select(
        &self,
        batch: &EpisodeTensors,
        weights: ConcaveWeights,
        utilities: Tensor<3>,
        initial: Option<Tensor<3>>,
    ) -> SearchResult {
        // A single transfer, because the update waits for the device here.
        let greedy = initial.map(|logits| flat(batch.argmax_available(logits).float()));
        let more = std::iter::once(flat(utilities)).chain(greedy).collect();
        let (weights, mut more) = ConcaveWeightsCpu::download_with(weights, more);
        let utilities = more.swap_remove(0);
        let initial = more.pop().map(|greedy| greedy.iter().map(|&a| a as u16).collect::<Vec<_>>());
        let mut selected = SearchResult::default();
        let reached = batch.is_real_row();
        let input = SearchInput {
            n_agents: batch.agents,
            n_actions: batch.n_actions,
            utilities: &utilities,
            available: &batch.avail,
            valid: Some(&reached),
            initial: initial.as_deref(),
        };
        self.selection().run(&weights, input, &mut batch.rng.clone(), &mut selected);
        selected
    }

    /// Computes the targets that bootstrap from the selected joint actions `best`.
    fn targets(
        &self,
        target: &ConcaveNetworks,
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        best: Tensor<3, Int>,
    ) -> Targets {
        if let Some(central) = &target.central {
            return central.targets(learning, batch, best).1;
        }
        let utilities = batch.forward_outputs(&target.agents);
        let value = |actions| {
            let chosen = batch.gather_vectors(utilities.clone(), actions);
            target.mixer.forward(chosen, batch.state.clone())
        };
        let q_taken = learning.q_lambda.then(|| value(batch.actions.clone()));
        Targets::new(learning, batch, value(best), q_taken)
    }

    /// Computes the loss of the policies and their mean entropy. `batch` is the one with gradients;
    /// `best` are the selected joint actions.
    fn policy_loss(
        &self,
        batch: &EpisodeTensors,
        logits: Tensor<3>,
        (selected, best): (&SearchResult, Tensor<3, Int>),
        utilities: Tensor<3>,
        weights: ConcaveWeights,
    ) -> (Tensor<1>, Tensor<1>) {
        let (rows, agents, n_actions) = (batch.rows(), batch.agents, batch.n_actions);
        let device = batch.state.device().inner();
        let used = (batch.n_filled * agents).max(1) as f32;
        let mask: Tensor<2> = Tensor::from_inner(batch.filled.clone());
        let of_agents = mask.clone().expand([rows, agents]);

        let shape = [rows, agents, n_actions];
        let log_policy = log_softmax(batch.mask_unavailable(logits), 2).reshape(shape);
        let policy = log_policy.clone().exp();
        // An unavailable action has probability zero; its logarithm only has to be finite.
        let surprise = policy.clone() * log_policy.clone().clamp_min(-1e4);
        let entropy: Tensor<2> = surprise.clone().sum_dim(2).neg().reshape([rows, agents]);
        let entropy_sum = (entropy.clone() * of_agents.clone()).sum();
        let entropy_mean = detach(&entropy_sum) / used;
        let alpha = self.entropy_coef as f32;

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
                if avail && batch.steps.get(row).is_some_and(|step| step.filled) {
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
        let objective = gain * (self.policy_advantage_coef as f32 / scale)
            + agreement * self.policy_distil_coef as f32
            + entropy * alpha;
        ((objective * of_agents).sum() * (-1.0 / used), entropy_mean)
    }
}

/// Trains three models together: utilities `Q_i` under a concave mixer `f`, an unrestricted
/// estimator `Q*` with its own utilities, and a policy `pi_i` for each agent.
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
/// `scale` is the root mean square of all `A_i(a)` in the shard. No gradient passes through
/// `SELECT`, `A_i` or the targets. The entropy term of `L_pi` is outside of `f`. With the entropy
/// inside, as in equation (10) of the paper (`policy_loss = "literal"`), it is penalised wherever
/// `f` decreases in a utility, and since `f(E q) >= E f(q)`, stochastic policies are valued above
/// the actions that they take.
impl ValueFactorisation for ConcaveQ {
    const ID: &str = "concaveq";
    const SUMMARY: &str = "ConcaveQ: concave mixing, iterative action selection, local policies";
    type Networks = ConcaveNetworks;

    fn learning(&self) -> &QLearningSettings {
        &self.learning
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.invalid()
    }

    fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        self.invalid_for(spec)
    }

    fn networks(&self, context: &ModelContext, rng: &mut Rng, device: &Device) -> ConcaveNetworks {
        let n_actions = context.spec.n_actions;
        let embed_dim = self.central_mixing_embed_dim;
        ConcaveNetworks {
            agents: context.agents(n_actions * self.mixer.utility_dim, rng, device),
            mixer: self.mixer.init(context.mixer_sizes(), rng, device),
            central: (self.estimator == Estimator::Unrestricted)
                .then(|| CentralCritic::new(embed_dim, context, rng, device)),
            policies: (self.acting == Acting::Policies)
                .then(|| context.agents(n_actions, rng, device)),
        }
    }

    fn agent_networks<'a>(&self, networks: &'a ConcaveNetworks) -> &'a AgentNetworks {
        networks.policies.as_ref().unwrap_or(&networks.agents)
    }

    fn q_tot(&self, networks: &ConcaveNetworks, batch: &EpisodeTensors) -> Tensor<2> {
        let utilities = batch.forward_outputs(&networks.agents);
        let chosen = batch.gather_vectors(utilities, batch.actions.clone());
        networks.mixer.forward(chosen, batch.state.clone())
    }

    fn loss(
        &self,
        online: &ConcaveNetworks,
        target: &ConcaveNetworks,
        batch: &EpisodeTensors,
    ) -> LossOutput {
        let learning = &self.learning;
        let tracked = batch.with_gradients();
        let utilities = tracked.forward_outputs(&online.agents);
        let logits = online.policies.as_ref().map(|policies| tracked.forward_outputs(policies));
        let weights = online.mixer.weights(tracked.state.clone());
        let plain = utilities.clone().inner();
        let initial = logits.clone().map(Tensor::inner);
        let selected = self.select(batch, weights.clone(), plain.clone(), initial);
        let best = batch.upload_actions(&selected.actions);
        let targets = self.targets(target, learning, batch, best.clone());

        let joint = weights.mix(tracked.gather_vectors(utilities, tracked.actions.clone()));
        let weight = targets.optimistic_weights(joint.clone().inner(), self.w as f32);
        let td = targets.weighted_td_loss(learning, batch, joint, weight);
        let mut output = LossOutput::new(td, targets.mean(batch));
        if let Some(central) = &online.central {
            let estimate = central.q_taken(&tracked);
            let central = targets.td_loss(learning, batch, estimate).loss;
            output = output.plus("loss_central", central);
        }
        if let Some(logits) = logits {
            let selected = (&selected, best);
            let (policy, entropy) = self.policy_loss(&tracked, logits, selected, plain, weights);
            output = output.plus("pg_loss", policy);
            output.metrics.push(("entropy", entropy));
        }
        output
    }
}
