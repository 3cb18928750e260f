//! Adam, RMSprop and gradient clipping compared with numbers computed by hand.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use phalanx_core::nn::{
    AgentConfig, AgentNetwork, Optimizer, OptimizerConfig, OptimizerKind, ParameterGradients,
    RnnKind, Step, WeightsError, device, from_safetensors, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};

use crate::support::agent_config;

const ADAM: OptimizerConfig = OptimizerConfig { kind: OptimizerKind::Adam, alpha: 0.0, eps: 1e-5 };
const RADAM: OptimizerConfig =
    OptimizerConfig { kind: OptimizerKind::RAdam, alpha: 0.0, eps: 1e-8 };
const RMSPROP: OptimizerConfig =
    OptimizerConfig { kind: OptimizerKind::RmsProp, alpha: 0.99, eps: 1e-5 };

#[derive(Module, Debug)]
struct Point {
    x: Param<Tensor<1>>,
    y: Param<Tensor<2>>,
    unused: Param<Tensor<1>>,
}

fn plain() -> Result<Device, Box<dyn Error>> {
    Ok(device("cpu")?)
}

fn point() -> Result<Point, Box<dyn Error>> {
    let device = plain()?.autodiff();
    Ok(Point {
        x: Param::from_data([0.5, -1.0, 2.0], &device),
        y: Param::from_data([[0.25], [-0.75]], &device),
        unused: Param::from_data([1.5], &device),
    })
}

/// Half of `x_1^2 + 2 x_2^2 + 3 x_3^2 + 4 y_1^2 - 0.5 y_2^2`.
fn energy(point: &Point) -> Result<Tensor<1>, Box<dyn Error>> {
    let device = plain()?;
    let a = Tensor::<1>::from_data([0.5, 1.0, 1.5], &device);
    let b = Tensor::<2>::from_data([[2.0], [-0.25]], &device);
    let (x, y) = (point.x.val(), point.y.val());
    Ok((x.clone() * x * a).sum() + (y.clone() * y * b).sum())
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

#[test]
fn adam_radam_and_rmsprop_follow_pytorchs_formulas() -> Result<(), Box<dyn Error>> {
    // Positions after the steps and norms before clipping, computed in double precision.
    let cases = [
        (
            ADAM,
            f32::INFINITY,
            1,
            [0.490_000_2, -0.99, 1.99, 0.240_000_1, -0.759_999_7],
            6.433_554_6,
        ),
        (
            ADAM,
            f32::INFINITY,
            3,
            [0.470_021_9, -0.970_010_2, 1.970_005, 0.220_047_7, -0.780_011],
            6.352_196,
        ),
        (
            ADAM,
            2.0,
            1,
            [0.490_000_6, -0.990_000_2, 1.990_000_1, 0.240_000_3, -0.759_999_1],
            6.433_554_6,
        ),
        (
            ADAM,
            2.0,
            3,
            [0.470_016_2, -0.970_004_1, 1.969_999, 0.220_040_1, -0.780_014_4],
            6.352_189_7,
        ),
        (
            RMSPROP,
            f32::INFINITY,
            1,
            [0.400_02, -0.900_005, 1.900_001_7, 0.150_01, -0.849_973_3],
            6.433_554_6,
        ),
        (
            RMSPROP,
            f32::INFINITY,
            3,
            [0.290_465_3, -0.779_991, 1.775_352_4, 0.066_153_9, -0.988_600_1],
            5.781_775_4,
        ),
        (
            RMSPROP,
            2.0,
            1,
            [0.400_064_3, -0.900_016_1, 1.900_005_4, 0.150_032_2, -0.849_914_3],
            6.433_554_6,
        ),
        (
            RMSPROP,
            2.0,
            3,
            [0.285_345_3, -0.774_783_6, 1.770_179_3, 0.061_817_4, -0.993_287_8],
            5.773_28,
        ),
    ];
    // After eight and twenty steps the second moment is in use.
    let radam = [
        (3, [0.485_079_7, -0.940_637, 1.822_863_1, 0.220_635_5, -0.761_28], 6.063_102_8),
        (8, [0.474_301_7, -0.901_193_8, 1.708_717_5, 0.201_187_7, -0.769_826_9], 5.528_467_7),
        (20, [0.466_412_1, -0.893_343_2, 1.700_913_8, 0.193_467_2, -0.777_795_6], 5.498_629),
    ];
    let radam = radam.map(|(n, wanted, norm)| (RADAM, f32::INFINITY, n, wanted, norm));
    for (config, max_norm, steps, wanted, wanted_norm) in cases.into_iter().chain(radam) {
        let mut optimizer = Optimizer::new(config);
        let mut point = point()?;
        let mut norm = f32::NAN;
        for _ in 0..steps {
            let gradients = ParameterGradients::of(&point, energy(&point)?.backward());
            let step = optimizer.step(0.01, point, gradients, max_norm);
            point = step.module;
            norm = step.grad_norm.into_scalar();
        }
        let mut reached = numbers(point.x.val());
        reached.extend(numbers(point.y.val()));
        for (x, y) in reached.iter().zip(wanted) {
            assert!((x - y).abs() < 1e-6, "{config:?} {max_norm} {steps}: {reached:?} {wanted:?}");
        }
        assert!((norm - wanted_norm).abs() < 2e-6, "{config:?} {max_norm} {steps}: {norm}");
        assert_eq!(
            numbers(point.unused.val()),
            [1.5],
            "a parameter without a gradient is not updated"
        );
    }
    Ok(())
}

#[test]
fn gradients_below_the_limit_are_not_clipped() -> Result<(), Box<dyn Error>> {
    let step = |max_norm| -> Result<Vec<f32>, Box<dyn Error>> {
        let point = point()?;
        let gradients = ParameterGradients::of(&point, energy(&point)?.backward());
        Ok(numbers(Optimizer::new(RMSPROP).step(0.1, point, gradients, max_norm).module.x.val()))
    };
    assert_eq!(step(f32::INFINITY)?, step(100.0)?);
    assert_ne!(step(f32::INFINITY)?, step(1e-4)?);
    Ok(())
}

const CONFIG: AgentConfig = agent_config([7, 12, 3], Some(RnnKind::Gru));

fn network(seed: u64) -> Result<AgentNetwork, Box<dyn Error>> {
    let mut rng = Rng::stream(seed, Purpose::Check, 0);
    Ok(CONFIG.init(&mut rng, &plain()?.autodiff()))
}

fn train(
    mut network: AgentNetwork,
    optimizer: &mut Optimizer,
    steps: std::ops::Range<u32>,
) -> Result<(AgentNetwork, Vec<u32>), Box<dyn Error>> {
    let device = plain()?;
    let mut norms = Vec::new();
    for t in steps {
        let mut rng = Rng::stream(9, Purpose::Check, t);
        let values: Vec<f32> = (0..4 * 5 * 7).map(|_| rng.range(-1.0, 1.0)).collect();
        let input = Tensor::<1>::from_data(values.as_slice(), &device).reshape([4, 5, 7]);
        let output = network.forward(input, Tensor::zeros([5, 12], &device), None).output;
        let loss = (output.clone() * output).sum();
        let gradients = ParameterGradients::of(&network, loss.backward());
        let Step { module, grad_norm } = optimizer.step(1e-2, network, gradients, 3.0);
        network = module;
        norms.push(grad_norm.into_scalar::<f32>().to_bits());
    }
    Ok((network, norms))
}

#[test]
fn a_saved_and_loaded_optimizer_continues_bit_for_bit() -> Result<(), Box<dyn Error>> {
    for config in [ADAM, RMSPROP] {
        let mut optimizer = Optimizer::new(config);
        let (trained, _) = train(network(1)?, &mut optimizer, 0..3)?;
        let (weights, state) = (to_safetensors(&trained)?, optimizer.save()?);
        let (straight, straight_norms) = train(trained, &mut optimizer, 3..6)?;

        // Both are rebuilt from bytes alone, with new parameter identifiers, as after a restart.
        let mut restored = Optimizer::new(config);
        restored.load(&state)?;
        assert_eq!(restored.save()?, state, "saving what was loaded changes nothing");
        let module = from_safetensors(network(2)?, &weights)?;
        let (resumed, resumed_norms) = train(module, &mut restored, 3..6)?;
        assert_eq!(resumed_norms, straight_norms);
        assert_eq!(to_safetensors(&resumed)?, to_safetensors(&straight)?);
        assert_eq!(restored.save()?, optimizer.save()?);

        let (fresh, _) =
            train(from_safetensors(network(2)?, &weights)?, &mut Optimizer::new(config), 3..6)?;
        assert_ne!(to_safetensors(&fresh)?, to_safetensors(&straight)?, "the moments matter");
    }
    Ok(())
}

#[test]
fn the_same_training_gives_the_same_bits() -> Result<(), Box<dyn Error>> {
    let run = || -> Result<_, Box<dyn Error>> {
        let (network, norms) = train(network(5)?, &mut Optimizer::new(ADAM), 0..4)?;
        Ok((to_safetensors(&network)?, norms))
    };
    assert_eq!(run()?, run()?);
    Ok(())
}

#[test]
fn damaged_state_is_rejected_and_changes_nothing() -> Result<(), Box<dyn Error>> {
    let mut optimizer = Optimizer::new(ADAM);
    train(network(1)?, &mut optimizer, 0..1)?;
    let state = optimizer.save()?;
    let error =
        optimizer.load(&state[..state.len() / 2]).expect_err("half of the bytes are missing");
    assert!(matches!(error, WeightsError::Malformed { .. }), "{error}");
    assert_eq!(optimizer.save()?, state);
    Ok(())
}

#[test]
#[should_panic(expected = "belongs to another module")]
fn the_state_of_another_module_is_rejected() {
    let mut optimizer = Optimizer::new(ADAM);
    train(network(1).expect("a network"), &mut optimizer, 0..1).expect("a step");
    let point = point().expect("a point");
    let loss = energy(&point).expect("a loss");
    let gradients = ParameterGradients::of(&point, loss.backward());
    optimizer.step(0.1, point, gradients, 1.0);
}
