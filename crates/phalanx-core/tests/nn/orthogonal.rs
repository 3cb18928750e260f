//! Orthogonal initial weights.

#![cfg(feature = "flex")]

use std::error::Error;

use phalanx_core::nn::{Mixer, MixerSizes, QmixMixer, device, to_safetensors};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::SafeTensors;

#[test]
fn orthogonal_weights_are_orthonormal_and_their_biases_zero() -> Result<(), Box<dyn Error>> {
    let mixer = QmixMixer { use_orthogonal: true, ..QmixMixer::default() };
    let weights = |seed: u64| -> Result<Vec<u8>, Box<dyn Error>> {
        let mut rng = Rng::stream(seed, Purpose::Weights, 0);
        let sizes = MixerSizes { n_agents: 5, n_actions: 4, state_dim: 6, input_dim: 3 };
        let network = mixer.init(sizes, &mut rng, &device("cpu")?);
        Ok(to_safetensors(&network)?)
    };
    assert_eq!(weights(1)?, weights(1)?);
    assert_ne!(weights(1)?, weights(2)?);
    let bytes = weights(1)?;
    let mut matrices = 0;
    for (name, view) in SafeTensors::deserialize(&bytes)?.tensors() {
        let (values, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let &[rows, columns] = view.shape() else {
            assert!(values.iter().all(|&x| x == 0.0), "{name}");
            continue;
        };
        matrices += 1;
        let entry = |i: usize, k: usize| {
            f64::from(if rows <= columns {
                values[i * columns + k]
            } else {
                values[k * columns + i]
            })
        };
        let (few, long) = (rows.min(columns), rows.max(columns));
        for i in 0..few {
            for j in 0..few {
                let product: f64 = (0..long).map(|k| entry(i, k) * entry(j, k)).sum();
                let wanted = if i == j { 1.0 } else { 0.0 };
                assert!((product - wanted).abs() < 1e-6, "{name}: {i} . {j} is {product}");
            }
        }
        // No direction is preferred: entries of n unit vectors have mean zero, variance 1 / long.
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let bound = 4.0 / (long as f32 * values.len() as f32).sqrt();
        assert!(mean.abs() < bound, "{name}: mean {mean}");
    }
    assert_eq!(matrices, 7);
    Ok(())
}
