use super::super::losses::PolicyBatch;
use super::super::settings::{CriticInput, NormaliseAdvantage};
use super::super::update_group::UpdateGroup;
use super::advantages::explained_variance;
use super::*;
use crate::algorithms::transfer::to_vec;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::env::StepStatus;
use phalanx_core::nn::{
    AgentConfig, AgentNetworks, HiddenActivation, Init, Normalisation, RnnKind, Sharing, device,
};
use phalanx_core::rng::{Purpose, Rng};

const ENVS: usize = 3;
const TIME: usize = 8;

fn spec() -> EnvSpec {
    EnvSpec { n_actions: 3, obs_dim: 4, state_dim: 2, ..EnvSpec::new("test", 2) }
}

fn inputs() -> InputLayout {
    InputLayout::new(&spec(), false, false)
}

/// Returns a random rollout in which an episode begins halfway and some actions are unavailable.
fn rollout(carry_dim: usize) -> Rollout {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let mut rollout = Rollout::new(&spec(), inputs(), carry_dim, ENVS, TIME);
    rollout.input.iter_mut().for_each(|x| *x = rng.range(-1.0, 1.0));
    rollout.hidden.iter_mut().for_each(|x| *x = rng.range(-1.0, 1.0));
    rollout.actions.iter_mut().for_each(|action| *action = rng.below(2) as u16);
    rollout.rows.avail.iter_mut().enumerate().for_each(|(i, open)| *open = i % 3 < 2 || i % 2 == 0);
    rollout.rows.alive.fill(true);
    rollout.not_reset[3 * ENVS + 1] = 0.0;
    rollout
}

fn settings(chunk: usize) -> PolicyGradient {
    PolicyGradient {
        rollout_steps: TIME,
        data_chunk_length: chunk,
        rnn_hidden_dim: 5,
        parameter_sharing: Sharing::None,
        ..PolicyGradient::default()
    }
}

fn networks(seed: u64) -> AgentNetworks {
    networks_of(RnnKind::Gru, seed)
}

fn networks_of(unit: RnnKind, seed: u64) -> AgentNetworks {
    networks_with(unit, 3, seed)
}

fn networks_with(unit: RnnKind, outputs: usize, seed: u64) -> AgentNetworks {
    let config = AgentConfig {
        input_dim: inputs().dim(),
        hidden_dim: 5,
        output_dim: outputs,
        recurrent: Some(unit),
        second_hidden_dim: None,
        convolution: None,
        observation_encoder: None,
        normalisation: Normalisation::None,
        activation: HiddenActivation::Relu,
        init: Init::default(),
    };
    let cpu = device("cpu").expect("the CPU is always available");
    AgentNetworks::new(&config, &[0, 1], &mut Rng::stream(seed, Purpose::Weights, 0), &cpu)
}

fn evaluated(chunk: usize, policy: &AgentNetworks) -> RolloutBatch<'static> {
    evaluated_with(&settings(chunk), policy)
}

fn evaluated_with(settings: &PolicyGradient, policy: &AgentNetworks) -> RolloutBatch<'static> {
    let rollout = rollout(settings.carry_dim());
    let layout = CriticLayout::new(settings, &spec(), inputs());
    let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
    let mut rollout_batch =
        RolloutBatch::new(&rollout, settings, inputs(), &layout, &hidden).into_owned();
    let cpu = device("cpu").expect("the CPU is always available");
    rollout_batch.evaluate_policy(policy, settings, &cpu);
    rollout_batch
}

#[test]
fn chunks_begin_with_the_hidden_states_of_the_whole_sequence() {
    for (unit, carry_dim) in [(RnnKind::Gru, 5), (RnnKind::Lstm, 10)] {
        let policy = networks_of(unit, 2);
        let of = |chunk| PolicyGradient { rnn: unit, ..settings(chunk) };
        let (whole, cut) = (evaluated_with(&of(0), &policy), evaluated_with(&of(2), &policy));
        assert_eq!(cut.items(), 4 * ENVS);
        assert_eq!(cut.policy_hidden.len(), 4 * ENVS * 2 * carry_dim);
        for (a, b) in whole.log_prob.iter().zip(&cut.log_prob) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

/// Returns the policy batch of a whole rollout in which two agent steps are those of dead agents.
fn learned(settings: &PolicyGradient) -> (Vec<f32>, PolicyBatch) {
    let mut rollout = rollout(settings.carry_dim());
    (rollout.rows.alive[3], rollout.rows.alive[8]) = (false, false);
    let layout = CriticLayout::new(settings, &spec(), inputs());
    let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
    let mut rollout_batch = RolloutBatch::new(&rollout, settings, inputs(), &layout, &hidden);
    let cpu = device("cpu").expect("the CPU is always available");
    rollout_batch.evaluate_policy(&networks(2), settings, &cpu);
    let zeros = || vec![0.0; TIME * ENVS * 2];
    let rollout_batch = RolloutBatch { advantage: zeros(), value: zeros(), ..rollout_batch };
    let group = UpdateGroup { network: None, agents: vec![0, 1] };
    let items: Vec<usize> = (0..rollout_batch.items()).collect();
    let batch = rollout_batch.minibatch(&group, &items, settings, &cpu);
    let [shard] = &batch.shards[..] else { panic!("a small batch is one shard") };
    let learned = rollout_batch.policy_batch(&group, &batch, shard, &cpu);
    (rollout_batch.log_prob.clone(), learned)
}

#[test]
fn without_masks_the_updated_policy_has_all_actions_and_all_agents() {
    let (acted, masked) = learned(&settings(0));
    let off =
        PolicyGradient { mask_policy_loss: false, use_policy_active_masks: false, ..settings(0) };
    let (acted_too, open) = learned(&off);
    assert_eq!(acted, acted_too, "the old policy is masked in both cases");
    let numbers = |of: &Tensor<2>| to_vec(of.clone().inner().flatten::<1>(0, 1));
    assert_eq!(numbers(&open.taken.log_prob), acted);
    let mask_bias = numbers(&masked.taken.mask_bias);
    let unavailable = mask_bias.iter().filter(|&&x| x < -1e8).count();
    assert!(unavailable > 0 && mask_bias.iter().all(|&x| x == 0.0 || x < -1e8));
    assert!(numbers(&open.taken.mask_bias).iter().all(|&x| x == 0.0));
    let steps = (TIME * ENVS * 2) as f32;
    let weights = numbers(&masked.taken.weight);
    for (place, weight) in weights.iter().enumerate() {
        let expected = if [3, 8].contains(&place) { 0.0 } else { 1.0 / (steps - 2.0) };
        assert!((weight - expected).abs() < 1e-7, "{place}");
    }
    assert!(numbers(&open.taken.weight).iter().all(|w| (w - 1.0 / steps).abs() < 1e-7));
}

#[test]
fn an_episode_at_its_limit_is_bootstrapped_unless_the_limit_counts_as_its_end() {
    let cpu = device("cpu").expect("the CPU is always available");
    for proper in [true, false] {
        let settings = PolicyGradient {
            use_proper_time_limits: proper,
            normalise_advantage: NormaliseAdvantage::None,
            ..settings(0)
        };
        let mut rollout = rollout(settings.carry_dim());
        rollout.steps[2 * ENVS] =
            EpisodeStep { reward: 1.5, status: StepStatus::Truncated, filled: true };
        rollout.steps[3 * ENVS] = EpisodeStep::PADDING;
        let layout = CriticLayout::new(&settings, &spec(), inputs());
        let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
        let mut rollout_batch = RolloutBatch::new(&rollout, &settings, inputs(), &layout, &hidden);
        let critic = networks_with(RnnKind::Gru, 1, 3);
        let values = rollout_batch.evaluate_rollout(&networks(2), &critic, &settings, &cpu);
        rollout_batch.estimate(&rollout, values, None, &settings);
        for agent in 0..2 {
            let place = 2 * ENVS * 2 + agent;
            let [value, next] = [place, place + ENVS * 2].map(|at| rollout_batch.value[at]);
            let bootstrap = if proper { settings.gamma as f32 * next } else { 0.0 };
            assert!(next.abs() > 1e-3, "otherwise both cases are equal");
            assert!((rollout_batch.advantage[place] - (1.5 + bootstrap - value)).abs() < 1e-6);
        }
    }
}

#[test]
fn a_shared_critic_reads_the_features_of_the_whole_sequence_and_of_the_next_step() {
    let policy = networks(2);
    let of = |chunk| PolicyGradient { critic: CriticInput::Shared, ..settings(chunk) };
    let (whole, cut) = (evaluated_with(&of(0), &policy), evaluated_with(&of(2), &policy));
    let rows = ENVS * 2;
    assert_eq!(whole.critic_input.len(), (TIME + 1) * rows * 5);
    for (a, b) in whole.critic_input.iter().zip(&cut.critic_input) {
        assert!((a - b).abs() < 1e-6);
    }
    // The features of a recurrent policy after a chunk are its hidden states before the next chunk.
    assert_eq!(cut.critic_input[rows * 5..2 * rows * 5], cut.policy_hidden[rows * 5..2 * rows * 5]);
}

#[test]
fn the_importance_ratio_is_the_probability_ratio_of_the_agents_updated_before() {
    let (old, new) = (networks(2), networks(3));
    let cpu = device("cpu").expect("the CPU is always available");
    let mut rollout_batch = evaluated(0, &old);
    let group = |agent| UpdateGroup { network: Some(agent), agents: vec![agent] };
    rollout_batch.apply_importance_ratio(&group(1), &new, &cpu);
    let alone = rollout_batch.importance_ratio.clone();
    rollout_batch.apply_importance_ratio(&group(0), &new, &cpu);
    let then = evaluated(0, &new);
    let now = evaluated(0, &old);
    assert_eq!(alone.len(), TIME * ENVS);
    for (place, (alone, whole)) in alone.iter().zip(&rollout_batch.importance_ratio).enumerate() {
        let change = |agent| then.log_prob[place * 2 + agent] - now.log_prob[place * 2 + agent];
        assert!((alone - change(1).exp()).abs() < 1e-5);
        let both = (change(0) + change(1)).exp();
        assert!((whole - both).abs() < 1e-5 * both.max(1.0));
    }
}

#[test]
fn the_explained_variance_is_one_of_exact_values_and_zero_of_constant_ones() {
    let on = [true, true, true, false];
    assert_eq!(explained_variance(&[1.0, 2.0, 3.0, 9.0], &[1.0, 2.0, 3.0, 0.0], &on), 1.0);
    assert_eq!(explained_variance(&[2.0; 4], &[1.0, 2.0, 3.0, 0.0], &on), 0.0);
    assert_eq!(explained_variance(&[1.0, 2.0, 3.0, 0.0], &[4.0; 4], &on), 0.0);
}
