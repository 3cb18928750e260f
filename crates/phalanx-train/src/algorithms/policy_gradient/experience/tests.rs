use super::super::losses::PolicyBatch;
use super::super::settings::{CriticInput, NormaliseAdvantage};
use super::super::turn::Turn;
use super::estimates::explained_variance;
use super::*;
use crate::algorithms::host::to_vec;
use burn::tensor::Tensor;
use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentConfig, AgentNetworks, HiddenActivation, Init, Normalisation, RnnKind, Sharing, device,
};
use phalanx_core::rl::Step;
use phalanx_core::rng::{Purpose, Rng};

const ENVS: usize = 3;
const TIME: usize = 8;

fn spec() -> EnvSpec {
    EnvSpec { n_actions: 3, obs_dim: 4, state_dim: 2, ..EnvSpec::new("test", 2) }
}

fn inputs() -> InputLayout {
    InputLayout::new(&spec(), false, false)
}

/// Random numbers, an episode that begins in the middle, an action that is not available.
fn segment(carry_dim: usize) -> Segment {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let mut segment = Segment::new(&spec(), inputs(), carry_dim, ENVS, TIME);
    segment.input.iter_mut().for_each(|x| *x = rng.range(-1.0, 1.0));
    segment.hidden.iter_mut().for_each(|x| *x = rng.range(-1.0, 1.0));
    segment.actions.iter_mut().for_each(|action| *action = rng.below(2) as u16);
    segment.rows.avail.iter_mut().enumerate().for_each(|(i, open)| *open = i % 3 < 2 || i % 2 == 0);
    segment.rows.alive.fill(true);
    segment.keep[3 * ENVS + 1] = 0.0;
    segment
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
        normalisation: Normalisation::None,
        activation: HiddenActivation::Relu,
        init: Init::default(),
    };
    let cpu = device("cpu").expect("the CPU is always there");
    AgentNetworks::new(&config, &[0, 1], &mut Rng::stream(seed, Purpose::Weights, 0), &cpu)
}

fn recalled(chunk: usize, policy: &AgentNetworks) -> Experience<'static> {
    recalled_with(&settings(chunk), policy)
}

fn recalled_with(settings: &PolicyGradient, policy: &AgentNetworks) -> Experience<'static> {
    let segment = segment(settings.carry_dim());
    let layout = CriticLayout::new(settings, &spec(), inputs());
    let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
    let mut experience =
        Experience::new(&segment, settings, inputs(), &layout, &hidden).into_owned();
    let cpu = device("cpu").expect("the CPU is always there");
    experience.recall(policy, settings, &cpu);
    experience
}

#[test]
fn chunks_begin_with_the_memories_of_the_whole_sequence() {
    for (unit, carry_dim) in [(RnnKind::Gru, 5), (RnnKind::Lstm, 10)] {
        let policy = networks_of(unit, 2);
        let of = |chunk| PolicyGradient { rnn: unit, ..settings(chunk) };
        let (whole, cut) = (recalled_with(&of(0), &policy), recalled_with(&of(2), &policy));
        assert_eq!(cut.items(), 4 * ENVS);
        assert_eq!(cut.policy_hidden.len(), 4 * ENVS * 2 * carry_dim);
        for (a, b) in whole.log_prob.iter().zip(&cut.log_prob) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

/// What the policy learns from the whole of a segment in which two agent steps are those of the dead.
fn learned(settings: &PolicyGradient) -> (Vec<f32>, PolicyBatch) {
    let mut segment = segment(settings.carry_dim());
    (segment.rows.alive[3], segment.rows.alive[8]) = (false, false);
    let layout = CriticLayout::new(settings, &spec(), inputs());
    let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
    let mut experience = Experience::new(&segment, settings, inputs(), &layout, &hidden);
    let cpu = device("cpu").expect("the CPU is always there");
    experience.recall(&networks(2), settings, &cpu);
    let zeros = || vec![0.0; TIME * ENVS * 2];
    let experience = Experience { advantage: zeros(), value: zeros(), ..experience };
    let turn = Turn { network: None, agents: vec![0, 1] };
    let items: Vec<usize> = (0..experience.items()).collect();
    let batch = experience.minibatch(&turn, &items, settings, &cpu);
    let [shard] = &batch.shards[..] else { panic!("so little is one shard") };
    let learned = experience.policy_batch(&turn, &batch, shard, &cpu);
    (experience.log_prob.clone(), learned)
}

#[test]
fn the_updated_policy_has_all_actions_and_all_agents_where_the_masks_are_off() {
    let (acted, masked) = learned(&settings(0));
    let off =
        PolicyGradient { mask_policy_loss: false, use_policy_active_masks: false, ..settings(0) };
    let (acted_too, open) = learned(&off);
    assert_eq!(acted, acted_too, "what acted has the available actions alone");
    let numbers = |of: &Tensor<2>| to_vec(of.clone().inner().flatten::<1>(0, 1));
    assert_eq!(numbers(&open.taken.log_prob), acted);
    let closed = numbers(&masked.taken.mask_bias);
    let unavailable = closed.iter().filter(|&&x| x < -1e8).count();
    assert!(unavailable > 0 && closed.iter().all(|&x| x == 0.0 || x < -1e8));
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
    let cpu = device("cpu").expect("the CPU is always there");
    for proper in [true, false] {
        let settings = PolicyGradient {
            use_proper_time_limits: proper,
            normalise_advantage: NormaliseAdvantage::None,
            ..settings(0)
        };
        let mut segment = segment(settings.carry_dim());
        (segment.step[2 * ENVS], segment.step[3 * ENVS]) = (Step::Truncated, Step::Idle);
        segment.reward[2 * ENVS] = 1.5;
        let layout = CriticLayout::new(&settings, &spec(), inputs());
        let hidden = vec![0.0; ENVS * 2 * settings.carry_dim()];
        let mut experience = Experience::new(&segment, &settings, inputs(), &layout, &hidden);
        let critic = networks_with(RnnKind::Gru, 1, 3);
        let values = experience.look_back(&networks(2), &critic, &settings, &cpu);
        experience.estimate(&segment, values, None, &settings);
        for agent in 0..2 {
            let place = 2 * ENVS * 2 + agent;
            let [value, next] = [place, place + ENVS * 2].map(|at| experience.value[at]);
            let behind = if proper { settings.gamma as f32 * next } else { 0.0 };
            assert!(next.abs() > 1e-3, "else nothing tells the two apart");
            assert!((experience.advantage[place] - (1.5 + behind - value)).abs() < 1e-6);
        }
    }
}

#[test]
fn a_shared_critic_reads_the_memories_of_the_whole_sequence_and_one_step_more() {
    let policy = networks(2);
    let of = |chunk| PolicyGradient { critic: CriticInput::Shared, ..settings(chunk) };
    let (whole, cut) = (recalled_with(&of(0), &policy), recalled_with(&of(2), &policy));
    let rows = ENVS * 2;
    assert_eq!(whole.critic_input.len(), (TIME + 1) * rows * 5);
    for (a, b) in whole.critic_input.iter().zip(&cut.critic_input) {
        assert!((a - b).abs() < 1e-6);
    }
    // What a recurrent policy's last layer reads after a chunk is its memory before the next.
    assert_eq!(cut.critic_input[rows * 5..2 * rows * 5], cut.policy_hidden[rows * 5..2 * rows * 5]);
}

#[test]
fn the_factor_is_how_much_likelier_those_before_make_the_joint_action() {
    let (old, new) = (networks(2), networks(3));
    let cpu = device("cpu").expect("the CPU is always there");
    let mut experience = recalled(0, &old);
    let turn = |agent| Turn { network: Some(agent), agents: vec![agent] };
    experience.account_for(&turn(1), &new, &cpu);
    let alone = experience.factor.clone();
    experience.account_for(&turn(0), &new, &cpu);
    let then = recalled(0, &new);
    let now = recalled(0, &old);
    assert_eq!(alone.len(), TIME * ENVS);
    for (place, (alone, whole)) in alone.iter().zip(&experience.factor).enumerate() {
        let change = |agent| then.log_prob[place * 2 + agent] - now.log_prob[place * 2 + agent];
        assert!((alone - change(1).exp()).abs() < 1e-5);
        let both = (change(0) + change(1)).exp();
        assert!((whole - both).abs() < 1e-5 * both.max(1.0));
    }
}

#[test]
fn all_of_the_variance_or_none_is_explained() {
    let on = [true, true, true, false];
    assert_eq!(explained_variance(&[1.0, 2.0, 3.0, 9.0], &[1.0, 2.0, 3.0, 0.0], &on), 1.0);
    assert_eq!(explained_variance(&[2.0; 4], &[1.0, 2.0, 3.0, 0.0], &on), 0.0);
    assert_eq!(explained_variance(&[1.0, 2.0, 3.0, 0.0], &[4.0; 4], &on), 0.0);
}
