//! Whole QMIX updates on fixed weights and data, compared with PyTorch and JAX.

#![cfg(any(feature = "flex", feature = "ndarray"))]

use std::error::Error;
use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use phalanx_core::nn::{
    AgentNetwork, Mixer, MixerInput, MixerSizes, Optimizer, OptimizerConfig, ParameterGradients,
    Positive, QmixMixer, QmixNetwork, RnnKind, available, device, from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::{Dtype, tensor::TensorView};

use crate::support::{agent_config, hashed};

const EPISODES: usize = 32;
const AGENTS: usize = 5;
const STEPS: usize = 61;
const OBS: usize = 80;
const HIDDEN: usize = 64;
const ACTIONS: usize = 14;
const STATE: usize = 120;
const EMBED: usize = 32;
const HYPERNET: usize = 64;
const ROWS: usize = EPISODES * AGENTS;
const DISCOUNT: f32 = 0.99;

/// PyMARL's mixer.
const MIXER: QmixMixer = QmixMixer {
    mixing_embed_dim: EMBED,
    hypernet_embed: HYPERNET,
    hypernet_layers: 2,
    qmix_pos_func: Positive::Abs,
    qmix_pos_func_beta: 1.0,
    use_orthogonal: false,
};

#[derive(Module, Debug)]
struct Networks {
    agent: AgentNetwork,
    mixer: QmixNetwork,
}

/// The fixed weights of the comparison as a safetensors file.
fn weights() -> Result<Vec<u8>, Box<dyn Error>> {
    let layers = [
        ("agent.encoder.weight", "agent.encoder.bias", OBS, HIDDEN, 10),
        ("agent.core.weight_ih", "agent.core.bias_ih", HIDDEN, 3 * HIDDEN, 20),
        ("agent.core.weight_hh", "agent.core.bias_hh", HIDDEN, 3 * HIDDEN, 30),
        ("agent.head.weight", "agent.head.bias", HIDDEN, ACTIONS, 40),
        ("mixer.weight_1.hidden.weight", "mixer.weight_1.hidden.bias", STATE, HYPERNET, 50),
        (
            "mixer.weight_1.output.weight",
            "mixer.weight_1.output.bias",
            HYPERNET,
            EMBED * AGENTS,
            52,
        ),
        ("mixer.weight_2.hidden.weight", "mixer.weight_2.hidden.bias", STATE, HYPERNET, 54),
        ("mixer.weight_2.output.weight", "mixer.weight_2.output.bias", HYPERNET, EMBED, 56),
        ("mixer.bias_1.weight", "mixer.bias_1.bias", STATE, EMBED, 58),
        ("mixer.value_hidden.weight", "mixer.value_hidden.bias", STATE, EMBED, 60),
        ("mixer.value_output.weight", "mixer.value_output.bias", EMBED, 1, 62),
    ];
    let mut tensors = Vec::new();
    for (weight, bias, input, output, seed) in layers {
        let scale = 1.0 / (input as f32).sqrt();
        let bytes = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect();
        let values: Vec<u8> = bytes(hashed(input * output, seed, scale));
        tensors.push((weight, vec![input, output], values));
        tensors.push((bias, vec![output], bytes(hashed(output, seed + 1, scale))));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}

fn networks(device: &Device) -> Result<Networks, Box<dyn Error>> {
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    let agent = agent_config([OBS, HIDDEN, ACTIONS], Some(RnnKind::Gru));
    let sizes =
        MixerSizes { n_agents: AGENTS, n_actions: ACTIONS, state_dim: STATE, input_dim: OBS };
    let networks = Networks {
        agent: agent.init(&mut rng, device),
        mixer: MIXER.init(sizes, &mut rng, device),
    };
    Ok(from_safetensors(networks, &weights()?)?)
}

/// A batch of episodes, time first; data that needs no gradient.
struct Batch {
    obs: Tensor<3>,
    state: Tensor<2>,
    next_state: Tensor<2>,
    actions: Tensor<3, Int>,
    rewards: Tensor<2>,
    terminated: Tensor<2>,
    mask: Tensor<2>,
}

fn batch(device: &Device) -> Batch {
    let rows = (STEPS - 1) * EPISODES;
    let tensor = |values: Vec<f32>, shape: [usize; 2]| {
        Tensor::<2>::from_data(TensorData::new(values, shape), device)
    };
    let states = hashed(STEPS * EPISODES * STATE, 101, 1.0);
    let actions: Vec<i32> = hashed((STEPS - 1) * ROWS, 103, 1.0)
        .into_iter()
        .map(|x| (((x + 1.0) * 0.5 * ACTIONS as f32) as i32).clamp(0, ACTIONS as i32 - 1))
        .collect();
    let flag = |f: &dyn Fn(usize) -> bool| {
        let values = (0..rows).map(|i| if f(i) { 1.0 } else { 0.0 }).collect();
        tensor(values, [rows, 1])
    };
    Batch {
        obs: Tensor::from_data(
            TensorData::new(hashed(STEPS * ROWS * OBS, 100, 1.0), [STEPS, ROWS, OBS]),
            device,
        ),
        state: tensor(states[..rows * STATE].to_vec(), [rows, STATE]),
        next_state: tensor(states[EPISODES * STATE..].to_vec(), [rows, STATE]),
        actions: Tensor::from_data(TensorData::new(actions, [STEPS - 1, ROWS, 1]), device),
        rewards: tensor(hashed(rows, 102, 1.0), [rows, 1]),
        terminated: flag(&|i| i / EPISODES == 49 && i % 2 == 0),
        mask: flag(&|i| !(i / EPISODES > 49 && i % 2 == 0)),
    }
}

/// The loss and gradient norm before each of eleven updates, as JAX computes them, for a norm limit that never
/// clips and one that almost always does.
const JAX: [(f32, [(f32, f32); 11]); 2] = [
    (
        10.0,
        [
            (0.801_066_5, 1.899_183),
            (0.745_128, 1.726_4),
            (0.694_117_7, 1.561_516),
            (0.647_499_2, 1.401_324),
            (0.603_952_5, 1.240_97),
            (0.564_463_9, 1.075_172),
            (0.529_675_8, 0.904_816),
            (0.499_195_5, 0.728_060),
            (0.473_806_6, 0.554_247),
            (0.454_078_6, 0.404_658),
            (0.439_472_8, 0.336_610),
        ],
    ),
    (
        0.5,
        [
            (0.801_066_5, 1.899_183),
            (0.745_691_2, 1.728_397),
            (0.694_94, 1.564_285),
            (0.648_339_7, 1.403_516),
            (0.604_433_4, 1.240_992),
            (0.564_420_5, 1.071_24),
            (0.528_681_2, 0.894_207),
            (0.497_437_6, 0.707_309),
            (0.471_400_8, 0.521_620),
            (0.450_935_3, 0.372_114),
            (0.435_971_3, 0.342_695),
        ],
    ),
];

/// The masked mean of `(Q_tot - y)^2` with `y = r + discount (1 - d) Q_tot'(s', argmax_online)`.
fn loss(online: &Networks, target: &Networks, batch: &Batch) -> Tensor<1> {
    let hidden = Tensor::zeros([ROWS, HIDDEN], &batch.obs.device());
    let q = online.agent.forward(batch.obs.clone(), hidden.clone(), None).output;
    let target_q = target.agent.forward(batch.obs.clone(), hidden, None).output;
    let (now, next) = (0..STEPS - 1, 1..STEPS);
    let best = q.clone().inner().slice([next.clone(), 0..ROWS, 0..ACTIONS]).argmax(2);
    let input = |utilities: Tensor<3>, actions: &Tensor<3, Int>, times: Range<usize>, state| {
        let rows = (STEPS - 1) * EPISODES;
        let utilities = utilities.slice([times.clone(), 0..ROWS, 0..ACTIONS]);
        let agent_input = batch.obs.clone().slice([times, 0..ROWS, 0..OBS]);
        MixerInput {
            q_chosen: utilities.clone().gather(2, actions.clone()).reshape([rows, AGENTS]),
            utilities: utilities.reshape([rows, AGENTS, ACTIONS]),
            actions: actions.clone().reshape([rows, AGENTS]),
            state,
            agent_input: agent_input.reshape([rows, AGENTS, OBS]),
        }
    };
    let joint = MIXER.forward(&online.mixer, input(q, &batch.actions, now, batch.state.clone()));
    let next = input(target_q, &best, next, batch.next_state.clone());
    let target_joint = MIXER.forward(&target.mixer, next);
    let running = batch.terminated.ones_like() - batch.terminated.clone();
    let wanted = batch.rewards.clone() + (running * target_joint).mul_scalar(DISCOUNT);
    let error = (joint - wanted) * batch.mask.clone();
    (error.clone() * error).sum() / batch.mask.clone().sum()
}

fn scalar(tensor: Tensor<1>) -> f32 {
    tensor.into_scalar()
}

/// Returns the CPU devices of this build: fused and reference operations must give the same numbers.
fn cpus() -> Vec<&'static str> {
    available().into_iter().filter(|&name| name != "wgpu").collect()
}

#[test]
fn the_first_qmix_update_gives_the_loss_and_gradient_norm_of_pytorch() -> Result<(), Box<dyn Error>>
{
    for name in cpus() {
        let plain = device(name)?;
        let online = networks(&plain.clone().autodiff())?;
        let loss = loss(&online, &networks(&plain)?, &batch(&plain));
        let mut optimizer = Optimizer::new(OptimizerConfig::adam(1e-5));
        let gradients = ParameterGradients::of(&online, loss.backward());
        let step = optimizer.step(5e-4, online, gradients, 10.0);
        let (loss, norm) = (scalar(loss.inner()), scalar(step.grad_norm));
        assert!((loss - 0.801_066_3).abs() < 2e-6, "{name}: loss {loss}");
        assert!((norm - 1.899_183).abs() < 1e-5, "{name}: norm {norm}");
    }
    Ok(())
}

#[test]
fn eleven_adam_updates_follow_jax() -> Result<(), Box<dyn Error>> {
    for name in cpus() {
        let plain = device(name)?;
        let target = networks(&plain)?;
        let batch = batch(&plain);
        for (max_norm, course) in JAX {
            let mut online = networks(&plain.clone().autodiff())?;
            let mut optimizer = Optimizer::new(OptimizerConfig::adam(1e-5));
            for (t, (wanted_loss, wanted_norm)) in course.into_iter().enumerate() {
                let loss = loss(&online, &target, &batch);
                let gradients = ParameterGradients::of(&online, loss.backward());
                let step = optimizer.step(5e-4, online, gradients, max_norm);
                online = step.module;
                let (loss, norm) = (scalar(loss.inner()), scalar(step.grad_norm));
                assert!((loss - wanted_loss).abs() < 5e-6, "{name}, update {t}: loss {loss}");
                assert!((norm - wanted_norm).abs() < 3e-5, "{name}, update {t}: norm {norm}");
            }
        }
    }
    Ok(())
}
