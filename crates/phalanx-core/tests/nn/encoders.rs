//! Encoders of observations as a part of agent networks.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use phalanx_core::nn::{
    Activation, Actor, AgentConfig, AgentNetwork, AgentNetworks, AnyEncoder, Device, Encoder,
    EncoderSizes, Linear, MlpEncoder, Normalisation, Optimizer, OptimizerConfig,
    ParameterGradients, RnnKind, Scratch, device, from_safetensors, in_shards, soft_update,
    to_safetensors, with_weights,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::support::agent_config;

/// Two frames of eight numbers, and seven further inputs.
const OBS_DIM: usize = 8;
const FRAMES: usize = 2;
const INPUT: usize = OBS_DIM * FRAMES + 7;

/// Splits every observation into `entities`, and adds up `tanh(W x + b)` over them: an encoder without a plain
/// version, with parameters of one, two and three dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SumOfEntities {
    entities: usize,
}

impl Default for SumOfEntities {
    fn default() -> Self {
        Self { entities: 4 }
    }
}

#[derive(Module, Debug)]
struct SumOfEntitiesNetwork {
    layer: Linear,
    /// `[1, entity, 1]`.
    weights: Param<Tensor<3>>,
    #[module(skip)]
    entities: usize,
}

const WIDTH: usize = 6;

impl Encoder for SumOfEntities {
    const ID: &str = "sum_of_entities";
    const SUMMARY: &str = "a weighted sum over parts of the observation";
    type Network = SumOfEntitiesNetwork;

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        WIDTH
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> SumOfEntitiesNetwork {
        let entities = self.entities;
        let weights: Vec<f32> = (0..entities).map(|_| rng.range(0.5, 1.5)).collect();
        let weights = TensorData::new(weights, [1, entities, 1]);
        SumOfEntitiesNetwork {
            layer: Linear::new(sizes.view_dim() / entities, WIDTH, rng, device),
            weights: Param::from_data(weights, device),
            entities,
        }
    }

    fn forward(&self, network: &SumOfEntitiesNetwork, obs: Tensor<2>) -> Tensor<2> {
        let [rows, width] = obs.dims();
        let entities = network.entities;
        let parts = obs.reshape([rows * entities, width / entities]);
        let parts = network.layer.forward(parts, Activation::Identity).tanh();
        let parts: Tensor<3> = parts.reshape([rows, entities, WIDTH]);
        (parts * network.weights.val()).sum_dim(1).reshape([rows, WIDTH])
    }
}

fn encoders() -> [AnyEncoder; 3] {
    [
        AnyEncoder::new(SumOfEntities::default()),
        AnyEncoder::new(MlpEncoder { width: 10, layers: 1 }),
        AnyEncoder::new(MlpEncoder { width: 9, layers: 3 }),
    ]
}

fn config(encoder: &AnyEncoder, recurrent: Option<RnnKind>) -> AgentConfig {
    let observation_encoder = Some(encoder.sized(EncoderSizes::new(OBS_DIM, FRAMES)));
    AgentConfig { observation_encoder, ..agent_config([INPUT, 12, 3], recurrent) }
}

fn rng() -> Rng {
    Rng::stream(3, Purpose::Weights, 0)
}

fn random(n: usize) -> Vec<f32> {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    (0..n).map(|_| rng.range(-2.0, 2.0)).collect()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

/// Computes one step of some rows, beginning with a hidden state of zeros.
fn act(actor: &Actor, input: &[f32]) -> Vec<f32> {
    let rows = input.len() / INPUT;
    let mut hidden = vec![0.0; rows * actor.carry_dim()];
    let mut output = vec![f32::NAN; rows * actor.output_dim()];
    actor.step(input, &mut hidden, &mut output, &mut Scratch::default());
    output
}

/// Computes the loss `sum w * outputs` of a network with fixed weights `w`, from a step of three rows.
fn loss(network: &AgentNetwork, device: &Device) -> Tensor<1> {
    let input = tensor(random(3 * INPUT), [1, 3, INPUT], device);
    let output = network.outputs(input, Tensor::zeros([3, 12], device), None);
    (output * tensor(random(9), [1, 3, 3], device)).sum()
}

#[test]
fn acting_computes_the_same_as_learning() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let rows = 5;
    for encoder in encoders() {
        for recurrent in [Some(RnnKind::Gru), Some(RnnKind::Lstm), None] {
            for normalisation in [Normalisation::None, Normalisation::Throughout] {
                let config = AgentConfig { normalisation, ..config(&encoder, recurrent) };
                let network = config.init(&mut rng(), &cpu);
                let actor = network.to_actor();
                assert_eq!((actor.input_dim(), actor.output_dim()), (INPUT, 3));
                let sized = actor.observation_encoder().expect("the network has an encoder");
                assert_eq!(sized.encoder(), &encoder);
                let input = random(rows * INPUT);
                let start = || Tensor::zeros([rows, config.carry_dim()], &cpu);
                let whole = || tensor(input.clone(), [1, rows, INPUT], &cpu);
                let forward = numbers(network.forward(whole(), start(), None).output);
                let outputs = numbers(network.outputs(whole(), start(), None));
                let acted = act(&actor, &input);
                assert!(acted.iter().any(|&x| x != 0.0));
                for ((x, y), z) in acted.iter().zip(&forward).zip(&outputs) {
                    assert!(
                        (x - y).abs() < 1e-5 && (x - z).abs() < 1e-5,
                        "{encoder:?}: {x} {y} {z}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_shard_computes_the_same_as_the_whole_network() -> Result<(), Box<dyn Error>> {
    let tracked = device("cpu")?.autodiff();
    for encoder in encoders() {
        for recurrent in [Some(RnnKind::Gru), None] {
            let network = config(&encoder, recurrent).init(&mut rng(), &tracked);
            let whole = numbers(loss(&network, &tracked).inner());
            let gradients = |shards: usize| {
                let (losses, gradients) = in_shards(&network, vec![(); shards], |network, ()| {
                    let loss = loss(network, &tracked);
                    (loss.clone(), loss.inner())
                });
                (numbers(losses[0].clone()), gradients)
            };
            // Two shards use the operation of the whole network, one does not.
            let ((alone, _), (sharded, _)) = (gradients(1), gradients(2));
            assert!((alone[0] - whole[0]).abs() < 1e-5);
            assert!((sharded[0] - whole[0]).abs() < 1e-5);
        }
    }
    Ok(())
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_the_other_rows_or_threads() -> Result<(), Box<dyn Error>> {
    for encoder in encoders() {
        let actor =
            config(&encoder, Some(RnnKind::Gru)).init(&mut rng(), &device("cpu")?).to_actor();
        let rows = 61;
        let input = random(rows * INPUT);
        let together = act(&actor, &input);
        for (first, count) in [(0, 1), (60, 1), (5, 3), (17, 36)] {
            let alone = act(&actor, &input[first * INPUT..(first + count) * INPUT]);
            assert_eq!(alone, together[first * 3..(first + count) * 3], "{encoder:?}");
        }
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            assert_eq!(pool.install(|| act(&actor, &input)), together, "{threads} threads");
        }
    }
    Ok(())
}

#[test]
fn gradients_of_the_encoder_are_finite_differences_of_the_loss() -> Result<(), Box<dyn Error>> {
    let (cpu, tracked) = (device("cpu")?, device("cpu")?.autodiff());
    let network = config(&encoders()[0], Some(RnnKind::Gru)).init(&mut rng(), &tracked);
    let mut optimizer = Optimizer::new(OptimizerConfig {
        kind: phalanx_core::nn::OptimizerKind::RmsProp,
        alpha: 0.0,
        eps: 1e6,
    });
    // One step of RMSprop with so large a constant is `x -= lr / 1e6 * gradient`.
    let gradients = ParameterGradients::of(&network, loss(&network, &tracked).backward());
    let stepped = optimizer.step(1e6, network.clone(), gradients, f32::INFINITY).module;
    let (before, after) = (to_safetensors(&network)?, to_safetensors(&stepped)?);
    let (before, after) = (SafeTensors::deserialize(&before)?, SafeTensors::deserialize(&after)?);
    let values = |file: &SafeTensors<'_>, name: &str| -> Result<Vec<f32>, Box<dyn Error>> {
        let (values, _) = file.tensor(name)?.data().as_chunks::<4>();
        Ok(values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    };
    for (name, at) in [("weights", 2), ("layer.weight", 7), ("layer.bias", 1)] {
        let name = format!("observation_encoder.{name}");
        let gradient = values(&before, &name)?[at] - values(&after, &name)?[at];
        let moved = |distance: f32| -> Result<f32, Box<dyn Error>> {
            let moved = with_weights(network.valid(), |other, _| {
                let mut values = values(&before, other).expect("the tensor is saved");
                if other == name {
                    values[at] += distance;
                }
                values
            });
            Ok(numbers(loss(&moved, &cpu))[0])
        };
        let difference = (moved(0.01)? - moved(-0.01)?) / 0.02;
        assert!(gradient.abs() > 1e-3, "{name}: {gradient} is too small for a comparison");
        let error = (gradient - difference).abs();
        assert!(error < 1e-3 + 0.02 * gradient.abs(), "{name}: {gradient} is not {difference}");
    }
    Ok(())
}

#[test]
fn parameters_of_the_encoder_are_saved_by_name_and_loaded() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let config = config(&encoders()[0], Some(RnnKind::Gru));
    let network = config.init(&mut rng(), &cpu);
    let bytes = to_safetensors(&network)?;
    let file = SafeTensors::deserialize(&bytes)?;
    for (name, shape) in
        [("weights", &[1, 4, 1][..]), ("layer.weight", &[4, 6]), ("layer.bias", &[6])]
    {
        assert_eq!(file.tensor(&format!("observation_encoder.{name}"))?.shape(), shape);
    }
    let other = config.init(&mut Rng::stream(4, Purpose::Weights, 0), &cpu);
    assert_ne!(to_safetensors(&other)?, bytes);
    let loaded = from_safetensors(other.clone(), &bytes)?;
    assert_eq!(to_safetensors(&loaded)?, bytes);
    let input = random(2 * INPUT);
    assert_eq!(act(&loaded.to_actor(), &input), act(&network.to_actor(), &input));
    // A soft step of the whole way copies every parameter, a step of no length none.
    assert_eq!(to_safetensors(&soft_update(other.clone(), &network, 1.0))?, bytes);
    assert_eq!(
        to_safetensors(&soft_update(other.clone(), &network, 0.0))?,
        to_safetensors(&other)?
    );
    Ok(())
}

#[test]
fn a_network_without_an_encoder_has_the_same_weights_as_ever() -> Result<(), Box<dyn Error>> {
    let plain = agent_config([INPUT, 12, 3], Some(RnnKind::Gru));
    let bytes = to_safetensors(&plain.init(&mut rng(), &device("cpu")?))?;
    let file = SafeTensors::deserialize(&bytes)?;
    assert!(file.names().iter().all(|name| !name.contains("observation")));
    assert_eq!(file.tensor("encoder.weight")?.shape(), [INPUT, 12]);
    Ok(())
}

#[test]
fn agents_with_networks_of_their_own_have_encoders_of_their_own() -> Result<(), Box<dyn Error>> {
    let cpu = device("cpu")?;
    let config = config(&encoders()[0], None);
    let team = AgentNetworks::new(&config, &[0, 1], &mut rng(), &cpu);
    let mut rng = rng();
    let alone = [config.init(&mut rng, &cpu), config.init(&mut rng, &cpu)];
    let input = random(2 * INPUT);
    let together = act(&team.to_actor(), &input);
    for (agent, network) in alone.iter().enumerate() {
        let own = act(&network.to_actor(), &input[agent * INPUT..(agent + 1) * INPUT]);
        assert_eq!(own, together[agent * 3..(agent + 1) * 3]);
    }
    Ok(())
}

/// An encoder that returns too few features.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Narrow {}

impl Encoder for Narrow {
    const ID: &str = "narrow";
    const SUMMARY: &str = "too few features";
    type Network = Linear;

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        5
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> Linear {
        Linear::new(sizes.view_dim(), 4, rng, device)
    }

    fn forward(&self, layer: &Linear, obs: Tensor<2>) -> Tensor<2> {
        layer.forward(obs, Activation::Relu)
    }
}

#[test]
#[should_panic(expected = "features of the encoder `narrow`")]
fn a_wrong_number_of_features_is_noticed() {
    let config = config(&AnyEncoder::new(Narrow {}), None);
    let network = config.init(&mut rng(), &device("cpu").expect("the CPU is always there"));
    act(&network.to_actor(), &random(INPUT));
}
