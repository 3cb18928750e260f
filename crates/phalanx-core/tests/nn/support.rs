//! Helpers shared by several tests.

use std::error::Error;

use phalanx_core::nn::{AgentConfig, HiddenActivation, Init, Normalisation, RnnKind};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// Returns a plain network with these sizes of input, hidden layers and output.
pub(crate) const fn agent_config(
    [input_dim, hidden_dim, output_dim]: [usize; 3],
    recurrent: Option<RnnKind>,
) -> AgentConfig {
    AgentConfig {
        input_dim,
        hidden_dim,
        output_dim,
        recurrent,
        second_hidden_dim: None,
        convolution: None,
        observation_encoder: None,
        normalisation: Normalisation::None,
        activation: HiddenActivation::Relu,
        init: Init::Uniform { head_scale: 1.0 },
    }
}

/// A safetensors file of these tensors.
pub(crate) fn file(tensors: &[(&str, Vec<usize>, Vec<f32>)]) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}

/// `n` values in `±scale` from an integer hash, the same in every language.
pub(crate) fn hashed(n: usize, seed: u64, scale: f32) -> Vec<f32> {
    (1..=n as u64)
        .map(|i| {
            let mut x = (i * 2_654_435_761 + seed * 40_503) & 0xffff_ffff;
            for _ in 0..2 {
                x ^= x >> 16;
                x = (x * 0x045d_9f3b) & 0xffff_ffff;
            }
            x ^= x >> 16;
            (x as f64 / 4_294_967_296.0 * 2.0 - 1.0) as f32 * scale
        })
        .collect()
}
