//! Weights are saved and loaded by name, bit for bit, and mismatches are reported by name.

#![cfg(feature = "flex")]

use std::error::Error;

use phalanx_core::nn::{
    AgentConfig, AgentNetwork, Init, Mixer, MixerInput, MixerSizes, QmixMixer, RnnKind,
    WeightsError, device, from_safetensors, to_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::support::agent_config;

fn config() -> AgentConfig {
    let init = Init::Uniform { head_scale: 0.01 };
    AgentConfig { init, ..agent_config([4, 6, 3], Some(RnnKind::Gru)) }
}

fn network(seed: u64) -> Result<AgentNetwork, Box<dyn Error>> {
    let mut rng = Rng::stream(seed, Purpose::Weights, 0);
    Ok(config().init(&mut rng, &device("cpu")?))
}

/// Returns the file with one tensor removed and another added.
fn altered(
    bytes: &[u8],
    without: &str,
    with: Option<(&str, Dtype, Vec<usize>)>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let file = SafeTensors::deserialize(bytes)?;
    let zeros = [0_u8; 4096];
    let mut tensors: Vec<_> =
        file.tensors().into_iter().filter(|(name, _)| name != without).collect();
    if let Some((name, dtype, shape)) = with {
        let len = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        tensors.push((name.to_owned(), TensorView::new(dtype, shape, &zeros[..len])?));
    }
    Ok(safetensors::serialize(tensors, None)?)
}

#[test]
fn saved_weights_load_bit_for_bit_by_name() -> Result<(), Box<dyn Error>> {
    let bytes = to_safetensors(&network(1)?)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let mut names = file.names();
    names.sort_unstable();
    let wanted = [
        "core.bias_hh",
        "core.bias_ih",
        "core.weight_hh",
        "core.weight_ih",
        "encoder.bias",
        "encoder.weight",
        "head.bias",
        "head.weight",
    ];
    assert_eq!(names, wanted);
    assert_eq!(file.tensor("core.weight_ih")?.shape(), [6, 18]);

    let other = network(2)?;
    assert_ne!(to_safetensors(&other)?, bytes);
    assert_eq!(to_safetensors(&from_safetensors(other, &bytes)?)?, bytes);
    Ok(())
}

#[test]
fn an_lstm_has_four_gates_and_rejects_the_weights_of_a_gru() -> Result<(), Box<dyn Error>> {
    let gru = to_safetensors(&network(1)?)?;
    let lstm = |seed| -> Result<AgentNetwork, Box<dyn Error>> {
        let config = AgentConfig { recurrent: Some(RnnKind::Lstm), ..config() };
        Ok(config.init(&mut Rng::stream(seed, Purpose::Weights, 0), &device("cpu")?))
    };
    let bytes = to_safetensors(&lstm(1)?)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let shapes = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
        .map(|name| file.tensor(&format!("core.{name}")).map(|view| view.shape().to_vec()));
    for (shape, expected) in shapes.into_iter().zip([vec![6, 24], vec![6, 24], vec![24], vec![24]])
    {
        assert_eq!(shape?, expected);
    }
    assert_eq!(to_safetensors(&from_safetensors(lstm(2)?, &bytes)?)?, bytes);
    let error = from_safetensors(lstm(2)?, &gru).expect_err("a GRU has three gates").to_string();
    assert!(error.contains("core.weight_ih") && error.contains("[6, 18]"), "{error}");
    Ok(())
}

#[test]
fn a_trainable_network_stays_trainable() -> Result<(), Box<dyn Error>> {
    use burn::tensor::Tensor;
    let plain = device("cpu")?;
    let mut rng = Rng::stream(1, Purpose::Weights, 0);
    let mixer = QmixMixer::default();
    let sizes = MixerSizes { n_agents: 2, n_actions: 4, state_dim: 5, input_dim: 1 };
    let network = mixer.init(sizes, &mut rng, &plain.clone().autodiff());
    let bytes = to_safetensors(&mixer.init(sizes, &mut rng, &plain))?;
    let network = from_safetensors(network, &bytes)?;
    let input = MixerInput {
        q_chosen: Tensor::ones([3, 2], &plain),
        utilities: Tensor::ones([3, 2, 4], &plain),
        actions: Tensor::zeros([3, 2], &plain),
        state: Tensor::ones([3, 5], &plain),
        agent_input: Tensor::ones([3, 2, 1], &plain),
    };
    let loss = mixer.forward(&network, input).sum();
    loss.backward();
    Ok(())
}

#[test]
fn mismatched_tensors_are_named() -> Result<(), Box<dyn Error>> {
    let bytes = to_safetensors(&network(1)?)?;
    let load = |bytes: &[u8]| -> Result<WeightsError, Box<dyn Error>> {
        Ok(from_safetensors(network(2)?, bytes).expect_err("the file does not fit"))
    };
    let missing = load(&altered(&bytes, "head.bias", None)?)?;
    assert!(matches!(&missing, WeightsError::Missing { name } if name == "head.bias"), "{missing}");
    let shape = Some(("head.bias", Dtype::F32, vec![4]));
    let shape = load(&altered(&bytes, "head.bias", shape)?)?;
    let expected = "the tensor `head.bias` has shape [4] instead of [3]";
    assert!(shape.to_string().starts_with(expected), "{shape}");
    let kind = Some(("head.bias", Dtype::F64, vec![3]));
    let kind = load(&altered(&bytes, "head.bias", kind)?)?;
    assert!(matches!(&kind, WeightsError::Kind { name, .. } if name == "head.bias"), "{kind}");
    let extra = Some(("tail.bias", Dtype::F32, vec![3]));
    let extra = load(&altered(&bytes, "", extra)?)?;
    assert!(matches!(&extra, WeightsError::Unexpected { name } if name == "tail.bias"), "{extra}");
    let damaged = load(&bytes[..bytes.len() - 3])?;
    assert!(matches!(damaged, WeightsError::Malformed { .. }), "{damaged}");
    Ok(())
}
