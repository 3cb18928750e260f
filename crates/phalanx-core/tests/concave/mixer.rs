//! The concave mixer: its formula, its concavity, and what it can represent.

use std::error::Error;

use super::games::{
    CLIMBING, QPLEX_3, QTRAN, argmax, cpu, fit, init, kinked, made, normal, normals, numbers,
    sizes, tensor, uniform,
};
use burn::tensor::Tensor;
use phalanx_core::nn::{ConcaveMixer, ConcaveNetwork, Convex, FirstLayer, to_safetensors};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;

const ACTIVATIONS: [Convex; 4] = [Convex::Relu, Convex::LeakyRelu, Convex::Softplus, Convex::Elu];

/// A linear layer of a safetensors file in double precision.
fn layer(file: &SafeTensors<'_>, name: &str, x: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let read = |part: &str| -> Result<Vec<f64>, Box<dyn Error>> {
        let view = file.tensor(&format!("{name}.{part}"))?;
        let (values, _) = view.data().as_chunks::<4>();
        Ok(values.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect())
    };
    let (weight, mut y) = (read("weight")?, read("bias")?);
    add_product(x, &weight, 1.0, &mut y);
    Ok(y)
}

fn add_product(x: &[f64], weight: &[f64], scale: f64, y: &mut [f64]) {
    for (x, row) in x.iter().zip(weight.chunks(y.len())) {
        y.iter_mut().zip(row).for_each(|(y, w)| *y += scale * x * w);
    }
}

fn exact(activation: Convex, x: f64) -> f64 {
    match activation {
        Convex::Relu => x.max(0.0),
        Convex::LeakyRelu => x.max(f64::from(Convex::LEAK) * x),
        Convex::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Convex::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
    }
}

/// `Q_tot` of one row in double precision, from the weights of a file.
fn formula(
    file: &SafeTensors<'_>,
    config: ConcaveMixer,
    q: &[f64],
    state: &[f64],
) -> Result<f64, Box<dyn Error>> {
    let embed = config.mixing_embed_dim;
    let relu = |x: Vec<f64>| x.into_iter().map(|x| x.max(0.0)).collect::<Vec<_>>();
    let generated = |name: &str| {
        let hidden = match config.hypernet_layers {
            1 => state.to_vec(),
            _ => relu(layer(file, &format!("{name}.hidden"), state)?),
        };
        layer(file, &format!("{name}.output"), &hidden)
    };
    let absolute = |x: Vec<f64>| x.into_iter().map(f64::abs).collect::<Vec<_>>();
    let mut weight_0 = generated("weight_0")?;
    if config.first_layer == FirstLayer::Absolute {
        weight_0 = absolute(weight_0);
    }
    let mut units = layer(file, "bias_0", state)?;
    add_product(q, &weight_0, 1.0, &mut units);
    for (number, name) in [(1, "1"), (2, "2")] {
        let mut next = layer(file, &format!("bias_{name}"), state)?;
        let weight = absolute(generated(&format!("weight_{name}"))?);
        add_product(&units, &weight, 1.0 / (number * embed) as f64, &mut next);
        units.extend(next.into_iter().map(|x| exact(config.activation, x)));
    }
    let last = absolute(generated("weight_3")?);
    let sum: f64 = units.iter().zip(&last).map(|(z, w)| z * w).sum();
    let value = layer(file, "value_output", &relu(layer(file, "value_hidden", state)?))?;
    Ok(value[0] - sum / (3 * embed) as f64)
}

#[test]
fn the_mixer_computes_its_formula() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(2, Purpose::Check, 0);
    let (agents, state_dim, rows) = (4, 11, 20);
    for activation in ACTIVATIONS {
        for (hypernet_layers, utility_dim, embed_dim, first_layer) in [
            (1, 1, 32, FirstLayer::Signed),
            (2, 1, 20, FirstLayer::Absolute),
            (2, 3, 5, FirstLayer::Signed),
        ] {
            let config = ConcaveMixer {
                mixing_embed_dim: embed_dim,
                hypernet_embed: 17,
                hypernet_layers,
                utility_dim,
                activation,
                first_layer,
            };
            let mixer = init(config, sizes(agents, 6, state_dim), 3);
            let mixer = made(mixer, |_, n| uniform(&mut rng, n, 1.0))?;
            let bytes = to_safetensors(&mixer)?;
            let file = SafeTensors::deserialize(&bytes)?;
            let width = agents * utility_dim;
            let q = uniform(&mut rng, rows * width, 5.0);
            let state = uniform(&mut rng, rows * state_dim, 2.0);
            let joint = mixer.forward(
                tensor(q.clone(), [rows, width]),
                tensor(state.clone(), [rows, state_dim]),
            );
            assert_eq!(joint.dims(), [rows, 1]);
            let samples = q.chunks(width).zip(state.chunks(state_dim));
            for ((q, state), joint) in samples.zip(numbers(joint)) {
                let [q, state] =
                    [q, state].map(|x| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
                let wanted = formula(&file, config, &q, &state)?;
                let error = (f64::from(joint) - wanted).abs();
                assert!(error < 1e-5 * wanted.abs().max(10.0), "{joint} is not {wanted}");
            }
        }
    }
    Ok(())
}

/// `f(x, y) = 4 (x + y) - 16 |x - y|`: the first layer computes `x - y`, `y - x` and `-(x + y)`, the second the
/// positive parts of the first two, and the third is zero.
fn agreement() -> Result<ConcaveNetwork, Box<dyn Error>> {
    let config =
        ConcaveMixer { mixing_embed_dim: 3, hypernet_layers: 1, ..ConcaveMixer::default() };
    made(init(config, sizes(2, 3, 1), 0), |name, n| match name {
        "weight_0.output.bias" => vec![1.0, -1.0, -1.0, -1.0, 1.0, -1.0],
        // Divided by three and by nine when mixing; signs are dropped.
        "weight_1.output.bias" => vec![3.0, 0.0, 0.0, 0.0, -3.0, 0.0, 0.0, 0.0, 0.0],
        "weight_3.output.bias" => vec![0.0, 0.0, 36.0, 144.0, -144.0, 0.0, 0.0, 0.0, 0.0],
        _ => vec![0.0; n],
    })
}

#[test]
fn a_mixer_with_hand_set_weights_represents_the_qtran_game() -> Result<(), Box<dyn Error>> {
    let utility = [1.0, 0.0, 0.0];
    let q = (0..9).flat_map(|row| [utility[row / 3], utility[row % 3]]).collect();
    let values = agreement()?.forward(tensor(q, [9, 2]), Tensor::ones([9, 1], &cpu()));
    for (ours, wanted) in numbers(values).into_iter().zip(QTRAN) {
        assert!((ours - wanted).abs() < 1e-5, "{ours} is not {wanted}");
    }
    Ok(())
}

/// A mixer, the number of its utilities and the length of the state.
type Sample = (ConcaveNetwork, usize, usize);

/// Returns mixers with initial, hand-set and fitted weights.
fn mixers() -> Result<Vec<Sample>, Box<dyn Error>> {
    let mut mixers = vec![(agreement()?, 2, 1)];
    for (seed, activation) in ACTIVATIONS.into_iter().enumerate() {
        let config = ConcaveMixer { activation, ..ConcaveMixer::default() };
        mixers.push((init(config, sizes(5, 4, 6), seed as u64), 5, 6));
        mixers.push((kinked(config, sizes(5, 4, 6), seed as u64)?, 5, 6));
        let (game, _) = fit(config, CLIMBING, 0.5, 300, seed as u64);
        mixers.push((game.mixer, 2, 1));
    }
    let config = ConcaveMixer { utility_dim: 2, ..ConcaveMixer::default() };
    mixers.push((kinked(config, sizes(3, 4, 6), 9)?, 6, 6));
    Ok(mixers)
}

fn evaluate(mixer: &ConcaveNetwork, q: &[f32], width: usize, state: &Tensor<2>) -> Vec<f32> {
    let rows = q.len() / width;
    numbers(mixer.forward(tensor(q.to_vec(), [rows, width]), state.clone()))
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

#[test]
fn the_mixer_is_concave_in_the_utilities() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(4, Purpose::Check, 0);
    let rows = 2000;
    for (mixer, width, state_dim) in mixers()? {
        let state = tensor(normals(&mut rng, rows * state_dim, 1.0), [rows, state_dim]);
        let [x, y] = [0, 1].map(|_| normals(&mut rng, rows * width, 3.0));
        let t: Vec<f32> = (0..rows).map(|_| rng.uniform()).collect();
        let between: Vec<f32> =
            (0..rows * width).map(|i| t[i / width] * x[i] + (1.0 - t[i / width]) * y[i]).collect();
        let [x, y, between] = [x, y, between].map(|q| evaluate(&mixer, &q, width, &state));
        let tolerance = 1e-5 * (1.0 + largest(&x).max(largest(&y)));
        for row in 0..rows {
            let chord = t[row] * x[row] + (1.0 - t[row]) * y[row];
            assert!(between[row] >= chord - tolerance, "{} below {chord}", between[row]);
        }
    }
    Ok(())
}

#[test]
fn the_gradient_bounds_the_mixer_from_above() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(5, Purpose::Check, 0);
    let rows = 1000;
    for (mixer, width, state_dim) in mixers()? {
        let state = tensor(normals(&mut rng, rows * state_dim, 1.0), [rows, state_dim]);
        let [x, y] = [0, 1].map(|_| normals(&mut rng, rows * width, 3.0));
        let leaf = tensor(x.clone(), [rows, width]).autodiff().require_grad();
        let joint = mixer.forward(leaf.clone(), state.clone());
        let gradient =
            leaf.grad(&joint.clone().sum().backward()).expect("the value depends on the utilities");
        let (gradient, at_x) = (numbers(gradient), numbers(joint));
        let at_y = evaluate(&mixer, &y, width, &state);
        for row in 0..rows {
            let units = row * width..(row + 1) * width;
            let rise: f32 = units.map(|i| gradient[i] * (y[i] - x[i])).sum();
            let bound = at_x[row] + rise;
            let tolerance = 1e-5 * (1.0 + at_y[row].abs() + bound.abs() + at_x[row].abs());
            assert!(at_y[row] <= bound + tolerance, "{} above {bound}", at_y[row]);
        }
    }
    Ok(())
}

#[test]
fn the_value_rises_and_then_falls_with_each_utility() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::stream(6, Purpose::Check, 0);
    let points = 41;
    let mut turned = 0;
    for (mixer, width, state_dim) in mixers()? {
        for _ in 0..20 {
            let state = normals(&mut rng, state_dim, 1.0).repeat(points);
            let state = tensor(state, [points, state_dim]);
            let agent = rng.below(width);
            let mut q = normals(&mut rng, width, 3.0).repeat(points);
            for (point, q) in q.chunks_mut(width).enumerate() {
                q[agent] = 0.5 * (point as f32 - 20.0);
            }
            let values = evaluate(&mixer, &q, width, &state);
            let tolerance = 1e-5 * (1.0 + largest(&values));
            let peak = argmax(&values);
            assert!(values[..=peak].windows(2).all(|w| w[1] >= w[0] - tolerance), "{values:?}");
            assert!(values[peak..].windows(2).all(|w| w[1] <= w[0] + tolerance), "{values:?}");
            turned += usize::from(peak > 0 && peak < points - 1);
        }
    }
    assert!(turned > 20, "only {turned} have an interior maximum");
    Ok(())
}

#[test]
fn the_value_never_rises_with_an_absolute_first_layer_and_rises_and_falls_with_a_signed_one()
-> Result<(), Box<dyn Error>> {
    let (agents, state_dim, rows) = (5, 12, 2000);
    let mut rng = Rng::stream(7, Purpose::Check, 0);
    let q = normals(&mut rng, rows * agents, 3.0);
    let higher: Vec<f32> = q.iter().map(|q| q + normal(&mut rng).abs()).collect();
    let states = normals(&mut rng, rows * state_dim, 1.0);
    for hypernet_layers in [1, 2] {
        for (first_layer, rises) in [(FirstLayer::Signed, true), (FirstLayer::Absolute, false)] {
            let config = ConcaveMixer { hypernet_layers, first_layer, ..Default::default() };
            let mixer = init(config, sizes(agents, 4, state_dim), 8);
            let state = tensor(states.clone(), [rows, state_dim]);
            let below = evaluate(&mixer, &q, agents, &state);
            let above = evaluate(&mixer, &higher, agents, &state);
            let changes = below.iter().zip(&above).map(|(below, above)| above - below);
            let (up, down): (Vec<f32>, Vec<f32>) = changes.partition(|change| *change > 1e-5);
            assert_eq!(up.len() > rows / 10, rises, "{} of {rows} rise", up.len());
            assert!(rises || up.is_empty());
            assert!(down.len() > rows / 10, "{} of {rows} fall", down.len());
        }
    }
    Ok(())
}

#[test]
fn a_signed_first_layer_learns_the_qtran_game_and_an_absolute_one_does_not() {
    let (mut signed_errors, mut absolute_errors) = (Vec::new(), Vec::new());
    for seed in 0..3 {
        let config = ConcaveMixer { mixing_embed_dim: 16, ..ConcaveMixer::default() };
        let (game, error) = fit(config, QTRAN, 0.5, 1500, seed);
        assert_eq!(argmax(&numbers(game.values())), 0, "seed {seed}");
        signed_errors.push(error);
        let config = ConcaveMixer { first_layer: FirstLayer::Absolute, ..config };
        absolute_errors.push(fit(config, QTRAN, 0.5, 1500, seed).1);
    }
    let exact = signed_errors.iter().filter(|error| **error < 1e-2).count();
    assert!(exact >= 2, "too many fits end in other minima: {signed_errors:?}");
    // No monotonic table, rising or falling, is nearer.
    assert!(absolute_errors.iter().all(|error| *error >= 288.0), "{absolute_errors:?}");
}

#[test]
fn two_utilities_represent_a_game_that_one_cannot() {
    // Along a row of a table, values must be concave in the utilities. In QPLEX's game, with action A in the
    // middle, B's row is 6, -12, 0. With another action in the middle, A's row is 8, -12, -12, whose equal end
    // would make the last two actions the same, which they are not. With two utilities, an agent's actions
    // are the corners of a triangle, and a concave function can represent any table.
    let best_fit = |utility_dim| {
        let config = ConcaveMixer { utility_dim, ..ConcaveMixer::default() };
        // With other seeds the fit often ends in other minima.
        let fits = (3..5).map(|seed| fit(config, QPLEX_3, 0.5, 3000, seed));
        let best = fits.min_by(|a, b| a.1.total_cmp(&b.1));
        best.expect("there are two fits")
    };
    let (_, error) = best_fit(1);
    assert!(error > 10.0, "{error}");
    let (game, error) = best_fit(2);
    assert!(error < 1e-2, "{error}");
    assert_eq!(argmax(&numbers(game.values())), 0);
}
