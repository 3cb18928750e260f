//! One whole QMIX update on fixed weights and data, against the numbers PyTorch and JAX give.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use phalanx_core::nn::{
    AgentConfig, AgentNetwork, Mixer, MixerConfig, Optimizer, OptimizerConfig, QmixConfig, device,
    from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use safetensors::{Dtype, tensor::TensorView};

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

#[derive(Module, Debug)]
struct Networks {
    agent: AgentNetwork,
    mixer: Mixer,
}

/// `n` values in `±scale` from an integer hash, the same in every language.
fn hashed(n: usize, seed: u64, scale: f32) -> Vec<f32> {
    (1..=n as u64)
        .map(|i| {
            let mut x = (i * 2_654_435_761 + seed * 40_503) & 0xffff_ffff;
    Ok(())
}

#[test]
fn ten_adam_updates_follow_jax() -> Result<(), Box<dyn Error>> {
    let plain = device("cpu")?;
    let target = networks(&plain)?;
    let batch = batch(&plain);
    for (max_norm, course) in JAX {
        let mut online = networks(&plain.clone().autodiff())?;
        let mut optimizer = Optimizer::new(OptimizerConfig::Adam { eps: 1e-5 });
        for (t, (wanted_loss, wanted_norm)) in course.into_iter().enumerate() {
            let loss = loss(&online, &target, &batch);
            let step = optimizer.step(5e-4, online, loss.backward(), max_norm);
            online = step.module;
            let (loss, norm) = (scalar(loss.inner()), scalar(step.grad_norm));
            println!("{t} {} {}", loss-wanted_loss, norm-wanted_norm);
            assert!((loss - wanted_loss).abs() < 2e-5, "update {t}: loss {loss}");
            assert!((norm - wanted_norm).abs() < 1e-4, "update {t}: norm {norm}");
        }
    }
    Ok(())
}
