//! The guarantees of each mixer for every joint action, checked on whole tables.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::tensor::{Int, Tensor, TensorData};
use phalanx_core::nn::{
    Mixer, MixerInput, MixerSizes, Positive, QattenMixer, QmixMixer, QplexMixer, QtranJoint,
    Residual, UnrestrictedMixer, VdnMixer, device, from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};

use crate::support::file;

const STATE: usize = 6;
const INPUT: usize = 5;
/// Random states, utilities and inputs for each random network.
const SAMPLES: usize = 20;

fn random<const D: usize>(
    rng: &mut Rng,
    shape: [usize; D],
    bound: f32,
) -> Result<Tensor<D>, Box<dyn Error>> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.range(-bound, bound)).collect();
    Ok(Tensor::from_data(TensorData::new(values, shape), &device("cpu")?))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

fn sizes(n_agents: usize, n_actions: usize) -> MixerSizes {
    MixerSizes { n_agents, n_actions, state_dim: STATE, input_dim: INPUT }
}

/// Returns all joint actions, `[joint, agent]`: the digits of the row in base `n_actions`.
fn joint_actions(n_agents: usize, n_actions: usize) -> Vec<i32> {
    let digit = |joint: usize, agent: usize| joint / n_actions.pow(agent as u32) % n_actions;
    (0..n_actions.pow(n_agents as u32))
        .flat_map(|joint| (0..n_agents).map(move |agent| digit(joint, agent) as i32))
        .collect()
}

/// Returns the mixer input of every joint action for one sample of utilities, `[1, agent, action]`.
fn every_joint_action(
    utilities: Tensor<3>,
    state: Tensor<2>,
    agent_input: Tensor<3>,
) -> MixerInput {
    let [_, agent, n_actions] = utilities.dims();
    let actions = joint_actions(agent, n_actions);
    let rows = actions.len() / agent;
    let actions: Tensor<2, Int> =
        Tensor::from_data(TensorData::new(actions, [rows, agent]), &utilities.device());
    let utilities = utilities.repeat_dim(0, rows);
    let index = actions.clone().reshape([rows, agent, 1]);
    MixerInput {
        q_chosen: utilities.clone().gather(2, index).reshape([rows, agent]),
        utilities,
        actions,
        state: state.repeat_dim(0, rows),
        agent_input: agent_input.repeat_dim(0, rows),
    }
}

/// Returns the regret of the agents' greedy actions against the best joint action, relative to the largest
/// value of the table, for many random samples.
fn regrets<M: Mixer>(
    mixer: &M,
    n_agents: usize,
    n_actions: usize,
) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut weights = Rng::stream(n_agents as u64, Purpose::Weights, n_actions as u32);
    let mut rng = Rng::stream(n_agents as u64, Purpose::Check, n_actions as u32);
    let network = mixer.init(sizes(n_agents, n_actions), &mut weights, &device("cpu")?);
    (0..SAMPLES)
        .map(|_| {
            let utilities = random(&mut rng, [1, n_agents, n_actions], 5.0)?;
            let greedy: usize = numbers(utilities.clone())
                .chunks(n_actions)
                .rev()
                .map(|q| (0..n_actions).max_by(|&a, &b| q[a].total_cmp(&q[b])).expect("actions"))
                .fold(0, |joint, action| joint * n_actions + action);
            let state = random(&mut rng, [1, STATE], 2.0)?;
            let agent_input = random(&mut rng, [1, n_agents, INPUT], 2.0)?;
            let input = every_joint_action(utilities, state, agent_input);
            let table = numbers(mixer.forward(&network, input));
            assert_eq!(table.len(), n_actions.pow(n_agents as u32));
            let best = table.iter().fold(f32::NEG_INFINITY, |best, &value| best.max(value));
            let scale = table.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            Ok((best - table[greedy]) / scale)
        })
        .collect()
}

const TEAMS: [(usize, usize); 5] = [(1, 4), (2, 2), (2, 4), (3, 3), (3, 4)];

/// Checks that the greedy actions form the greedy joint action in teams of every size.
fn assert_no_regret<M: Mixer>(mixer: &M) -> Result<(), Box<dyn Error>> {
    for (n_agents, n_actions) in TEAMS {
        for regret in regrets(mixer, n_agents, n_actions)? {
            assert!(regret <= 1e-6, "{mixer:?}, {n_agents} x {n_actions}: {regret}");
        }
    }
    Ok(())
}

#[test]
fn greedy_actions_form_the_greedy_joint_action() -> Result<(), Box<dyn Error>> {
    for qmix_pos_func in [Positive::Abs, Positive::Softplus, Positive::Quadratic] {
        for (hypernet_layers, use_orthogonal) in [(1, false), (2, false), (2, true)] {
            assert_no_regret(&QmixMixer {
                hypernet_layers,
                qmix_pos_func,
                qmix_pos_func_beta: 1.5,
                use_orthogonal,
                ..QmixMixer::default()
            })?;
        }
    }
    for (adv_hypernet_layers, weighted_head) in [(1, true), (2, false), (3, true)] {
        for is_minus_one in [true, false] {
            assert_no_regret(&QplexMixer {
                num_kernel: 10,
                adv_hypernet_layers,
                weighted_head,
                is_minus_one,
                ..QplexMixer::default()
            })?;
        }
    }
    for weighted_head in [true, false] {
        assert_no_regret(&QattenMixer { weighted_head, ..QattenMixer::default() })?;
    }
    assert_no_regret(&VdnMixer::default())
}

#[test]
fn the_unrestricted_mixer_need_not_agree_with_the_greedy_actions() -> Result<(), Box<dyn Error>> {
    let mixer = UnrestrictedMixer { mixing_embed_dim: 32 };
    for (n_agents, n_actions) in TEAMS {
        let regrets = regrets(&mixer, n_agents, n_actions)?;
        let missed = regrets.iter().filter(|&&regret| regret > 1e-3).count();
        assert!(missed > 0, "{n_agents} x {n_actions}: {regrets:?}");
    }
    let mixer = mixer.network(2, STATE, &mut Rng::stream(4, Purpose::Weights, 0), &device("cpu")?);
    let mut rng = Rng::stream(4, Purpose::Check, 0);
    let q = random(&mut rng, [500, 2], 10.0)?.autodiff().require_grad();
    let joint = mixer.forward(q.clone(), random(&mut rng, [500, STATE], 3.0)?);
    let slopes = numbers(q.grad(&joint.sum().backward()).expect("the utilities have a gradient"));
    let rising = slopes.iter().filter(|&&slope| slope > 1e-3).count();
    let falling = slopes.iter().filter(|&&slope| slope < -1e-3).count();
    assert!(rising > 50 && falling > 50, "{rising} slopes rise and {falling} fall");
    Ok(())
}

#[test]
fn qplex_represents_a_table_that_is_not_monotonic() -> Result<(), Box<dyn Error>> {
    // The game of the QTRAN paper. The utilities (4, 3, 3) of both agents have the advantages (0,
    // -1, -1), so an agent's importance must be 20 where the other plays the first action and 4
    // elsewhere: 8 - 20 = -12, and 8 - 4 - 4 = 0.
    let table = [8.0, -12.0, -12.0, -12.0, 0.0, 0.0, -12.0, 0.0, 0.0];
    // 50 sigmoid(0) sigmoid(x) is 20 at sigmoid(x) = 4/5 and 4 at 4/25.
    let logit = |p: f32| (p / (1.0 - p)).ln();
    let (low, rise) = (logit(0.16), logit(0.8) - logit(0.16));
    let mut actions = vec![0.0; (STATE + 6) * 2];
    // The row of an action, the column of the agent whose importance it changes.
    actions[STATE * 2 + 1] = rise;
    actions[(STATE + 3) * 2] = rise;
    let weights = file(&[
        ("kernels.0.key.output.weight", vec![STATE, 1], vec![0.0; STATE]),
        ("kernels.0.key.output.bias", vec![1], vec![-50.0]),
        ("kernels.0.agents.output.weight", vec![STATE, 2], vec![0.0; STATE * 2]),
        ("kernels.0.agents.output.bias", vec![2], vec![0.0; 2]),
        ("kernels.0.actions.output.weight", vec![STATE + 6, 2], actions),
        ("kernels.0.actions.output.bias", vec![2], vec![low; 2]),
    ])?;
    let mixer = QplexMixer {
        num_kernel: 1,
        adv_hypernet_layers: 1,
        weighted_head: false,
        ..QplexMixer::default()
    };
    let mut rng = Rng::stream(5, Purpose::Check, 0);
    let network = mixer.init(sizes(2, 3), &mut rng, &device("cpu")?);
    let network = from_safetensors(network, &weights)?;
    let utilities = TensorData::new(vec![4.0_f32, 3.0, 3.0, 4.0, 3.0, 3.0], [1, 2, 3]);
    let utilities = Tensor::from_data(utilities, &device("cpu")?);
    let state = random(&mut rng, [1, STATE], 1.0)?;
    let agent_input = random(&mut rng, [1, 2, INPUT], 1.0)?;
    let input = every_joint_action(utilities, state, agent_input);
    let values = numbers(mixer.forward(&network, input));
    for (value, wanted) in values.iter().zip(table) {
        assert!((value - wanted).abs() < 5e-5, "{values:?}");
    }
    Ok(())
}

#[test]
fn an_unavailable_action_does_not_contribute_an_advantage() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(6, Purpose::Check, 0);
    let mixer = QplexMixer { num_kernel: 10, adv_hypernet_layers: 3, ..QplexMixer::default() };
    let network = mixer.init(sizes(2, 3), &mut rng, &device("cpu")?);
    let values_with = |utility: f32| -> Result<Vec<f32>, Box<dyn Error>> {
        // The third action of the second agent is unavailable.
        let utilities = TensorData::new(vec![1.0, 2.0, 3.0, 2.0, 1.0, utility], [1, 2, 3]);
        let utilities = Tensor::from_data(utilities, &device("cpu")?);
        let constant = |width: usize| Ok(Tensor::<2>::ones([1, width], &device("cpu")?));
        let constant: &dyn Fn(usize) -> Result<Tensor<2>, Box<dyn Error>> = &constant;
        let input = constant(2 * INPUT)?.reshape([1, 2, INPUT]);
        let input = every_joint_action(utilities, constant(STATE)?, input);
        let values = numbers(mixer.forward(&network, input));
        Ok(values[..6].to_vec())
    };
    assert_eq!(values_with(-1e9)?, values_with(-2e9)?);
    assert_ne!(values_with(-1e9)?, values_with(4.0)?);
    Ok(())
}

#[test]
fn the_residual_is_never_positive_if_so_configured() -> Result<(), Box<dyn Error>> {
    let init = |non_positive: bool| -> Result<_, Box<dyn Error>> {
        let mut rng = Rng::stream(7, Purpose::Weights, 0);
        Ok(Residual::new(16, non_positive, sizes(4, 1), &mut rng, &device("cpu")?))
    };
    let mut rng = Rng::stream(7, Purpose::Check, 0);
    let q = random(&mut rng, [400, 4], 10.0)?;
    let state = random(&mut rng, [400, STATE], 3.0)?;
    let free = numbers(init(false)?.forward(q.clone(), state.clone()));
    let bound = numbers(init(true)?.forward(q, state));
    assert!(free.iter().any(|&x| x > 0.1) && free.iter().any(|&x| x < -0.1), "{free:?}");
    assert!(bound.iter().all(|&x| x <= 0.0));
    assert!(free.iter().zip(&bound).all(|(free, bound)| -free.abs() == *bound));
    Ok(())
}

#[test]
fn the_joint_value_of_qtran_depends_on_actions_but_not_on_the_order_of_agents()
-> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(8, Purpose::Check, 0);
    let plain = device("cpu")?;
    let joint = QtranJoint::new(sizes(3, 4), 9, &[64; 3], &mut rng, &plain);
    let features = random(&mut rng, [1, 3, 9], 1.0)?;
    let state = random(&mut rng, [1, STATE], 1.0)?;
    let value = |order: [i32; 3], actions: [i32; 3]| {
        let order = Tensor::<1, Int>::from_data(order, &plain);
        let actions = Tensor::<1, Int>::from_data(actions, &plain);
        let features = features.clone().select(1, order.clone());
        let actions = actions.select(0, order).reshape([1, 3]);
        numbers(joint.forward(features, actions, state.clone()))[0]
    };
    let straight = value([0, 1, 2], [3, 0, 1]);
    for order in [[1, 0, 2], [2, 0, 1], [2, 1, 0]] {
        let swapped = value(order, [3, 0, 1]);
        assert!((straight - swapped).abs() < 1e-6, "{swapped} is not {straight}");
    }
    for actions in [[0, 3, 1], [3, 0, 2], [2, 0, 1]] {
        let other = value([0, 1, 2], actions);
        assert!((straight - other).abs() > 1e-5, "{actions:?} changes nothing");
    }
    Ok(())
}
