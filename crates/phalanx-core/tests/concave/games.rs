//! Games with known payoffs, and concave mixers set by hand or fitted to them.

use std::error::Error;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_core::nn::{
    ConcaveMixer, ConcaveNetwork, Mixer, MixerSizes, Optimizer, OptimizerConfig,
    ParameterGradients, device, from_safetensors, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// The initial learning rate, which decays linearly to zero.
const LEARNING_RATE: f64 = 2e-2;

pub(crate) type Table = [f32; 9];

/// Son et al., 2019, QTRAN.
pub(crate) const QTRAN: Table = [8.0, -12.0, -12.0, -12.0, 0.0, 0.0, -12.0, 0.0, 0.0];
/// Wang et al., 2021, QPLEX: three coordinated optima, one of them best.
pub(crate) const QPLEX_3: Table = [8.0, -12.0, -12.0, -12.0, 6.0, 0.0, -12.0, 0.0, 6.0];
/// Claus and Boutilier, 1998.
pub(crate) const CLIMBING: Table = [11.0, -30.0, 0.0, -30.0, 7.0, 6.0, 0.0, 0.0, 5.0];

pub(crate) fn cpu() -> Device {
    device("cpu").expect("the CPU is always available")
}

pub(crate) fn tensor(values: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), &cpu())
}

pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.inner().into_data().try_into_vec().expect("32-bit floats")
}

pub(crate) fn uniform(rng: &mut Rng, n: usize, bound: f32) -> Vec<f32> {
    (0..n).map(|_| rng.range(-bound, bound)).collect()
}

/// Draws a standard normal number (Box-Muller transform).
pub(crate) fn normal(rng: &mut Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.uniform()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.uniform()).cos()
}

pub(crate) fn normals(rng: &mut Rng, n: usize, scale: f32) -> Vec<f32> {
    (0..n).map(|_| scale * normal(rng)).collect()
}

pub(crate) fn sizes(n_agents: usize, n_actions: usize, state_dim: usize) -> MixerSizes {
    MixerSizes { n_agents, n_actions, state_dim, input_dim: 1 }
}

pub(crate) fn init(config: ConcaveMixer, sizes: MixerSizes, seed: u64) -> ConcaveNetwork {
    config.init(sizes, &mut Rng::stream(seed, Purpose::Weights, 0), &cpu())
}

/// Returns a mixer whose tensors have the values `values(name, number of elements)`.
pub(crate) fn made(
    mixer: ConcaveNetwork,
    mut values: impl FnMut(&str, usize) -> Vec<f32>,
) -> Result<ConcaveNetwork, Box<dyn Error>> {
    let bytes = to_safetensors(&mixer)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let mut names = file.names();
    names.sort_unstable();
    let mut tensors = Vec::new();
    for name in names {
        let shape = file.tensor(name)?.shape().to_vec();
        let values = values(name, shape.iter().product());
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        tensors.push((name, shape, bytes));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(from_safetensors(mixer, &safetensors::serialize(views, None)?)?)
}

/// Returns a mixer with widely spread random biases, so that many kinks lie among the utilities. A newly
/// initialised mixer is almost linear and has few.
pub(crate) fn kinked(
    config: ConcaveMixer,
    sizes: MixerSizes,
    seed: u64,
) -> Result<ConcaveNetwork, Box<dyn Error>> {
    let mut rng = Rng::stream(seed, Purpose::Check, 77);
    let config = ConcaveMixer { hypernet_layers: 1, ..config };
    let embed = config.mixing_embed_dim as f32;
    made(init(config, sizes, seed), |name, n| match name {
        "weight_0.output.bias" => normals(&mut rng, n, 1.0),
        // Few summands per unit, so that units differ.
        "weight_1.output.bias" | "weight_2.output.bias" => {
            (0..n).map(|_| if rng.below(8) == 0 { embed * normal(&mut rng) } else { 0.0 }).collect()
        }
        "weight_3.output.bias" => {
            let n = n / 3;
            let linear = normals(&mut rng, n, 0.3);
            linear.into_iter().chain(normals(&mut rng, 2 * n, 3.0)).collect()
        }
        "bias_1.bias" | "bias_2.bias" => normals(&mut rng, n, 1.0),
        _ => normals(&mut rng, n, 0.1),
    })
}

/// One-hot utilities and a concave mixer for a game of two agents with three actions.
#[derive(Module, Debug)]
pub(crate) struct Game {
    /// `[agent * action, utility_dim]`.
    pub(crate) utilities: Param<Tensor<2>>,
    pub(crate) mixer: ConcaveNetwork,
}

impl Game {
    /// Returns the utilities of all nine joint actions, `[9, 2 * utility_dim]`.
    pub(crate) fn chosen(&self) -> Tensor<2> {
        let device = self.utilities.val().device();
        let pick = |agent: usize| {
            let ones: Vec<f32> = (0..9)
                .flat_map(|row| {
                    let action = if agent == 0 { row / 3 } else { row % 3 };
                    (0..6).map(move |at| if at == 3 * agent + action { 1.0 } else { 0.0 })
                })
                .collect();
            let ones: Tensor<2> = Tensor::from_data(TensorData::new(ones, [9, 6]), &device);
            ones.matmul(self.utilities.val())
        };
        Tensor::cat(vec![pick(0), pick(1)], 1)
    }

    /// Returns the values of all nine joint actions, `[9, 1]`.
    pub(crate) fn values(&self) -> Tensor<2> {
        let chosen = self.chosen();
        let state = Tensor::ones([9, 1], &chosen.device());
        self.mixer.forward(chosen, state)
    }
}

/// Fits a mixer and utilities to a game with Adam, and returns them with the sum of squared errors.
/// Where the mixer exceeds the payoff, the error is weighted by `optimism` (optimistic weighting:
/// Rashid et al., 2020, arXiv 2006.10800).
pub(crate) fn fit(
    config: ConcaveMixer,
    payoffs: Table,
    optimism: f32,
    steps: usize,
    seed: u64,
) -> (Game, f32) {
    let device = cpu().autodiff();
    let config = ConcaveMixer { hypernet_layers: 1, ..config };
    let mut rng = Rng::stream(seed, Purpose::Weights, 0);
    let width = config.utility_dim;
    // As small as the outputs of a newly initialised network.
    let initial = TensorData::new(normals(&mut rng, 6 * width, 0.1), [6, width]);
    let mut game = Game {
        utilities: Param::from_data(initial, &device),
        mixer: config.init(sizes(2, 3, 1), &mut rng, &device),
    };
    let mut optimizer = Optimizer::new(OptimizerConfig::adam(1e-8));
    let payoffs: Tensor<2> = Tensor::from_inner(tensor(payoffs.to_vec(), [9, 1]));
    for step in 0..steps {
        let error = game.values() - payoffs.clone();
        let above = error.clone().detach().greater_elem(0.0).float();
        let weight = above.mul_scalar(optimism - 1.0).add_scalar(1.0);
        let loss = (error.square() * weight).mean();
        let gradients = ParameterGradients::of(&game, loss.backward());
        let lr = LEARNING_RATE * (1.0 - step as f64 / steps as f64);
        game = optimizer.step(lr, game, gradients, f32::INFINITY).module;
    }
    let error = (game.values() - payoffs).square().sum();
    let error = numbers(error)[0];
    (game, error)
}

/// Returns the index of the first maximum.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
