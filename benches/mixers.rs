//! Mixers, forward and with gradients, for 3, 8 and 27 agents.

#![allow(missing_docs)]

use burn::tensor::{Tensor, TensorData};
use criterion::{Criterion, criterion_group, criterion_main};
use phalanx::nn::{Device, MixerConfig, QmixConfig, device};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of a batch: 32 episodes of 60 steps.
const ROWS: usize = 32 * 60;

fn random(rng: &mut Rng, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * columns).map(|_| rng.range(-1.0, 1.0)).collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

fn mixers(c: &mut Criterion) {
    let plain = device("cpu").expect("the CPU is always there");
    let tracked = plain.clone().autodiff();
    let qmix = QmixConfig { embed_dim: 32, hypernet_embed: 64, hypernet_layers: 2 };
    for (name, config) in [("vdn", MixerConfig::Vdn), ("qmix", MixerConfig::Qmix(qmix))] {
        // Sizes of SMAC's 3m, 8m and 27m_vs_30m.
        for (agents, state_dim) in [(3, 48), (8, 168), (27, 1170)] {
            let mut rng = Rng::stream(1, Purpose::Weights, 0);
            let mixer = config.init(agents, state_dim, &mut rng, &plain);
            let (q, state) =
                (random(&mut rng, ROWS, agents, &plain), random(&mut rng, ROWS, state_dim, &plain));
            c.bench_function(&format!("{name}/forward/{agents}"), |b| {
                b.iter(|| mixer.forward(q.clone(), state.clone()));
            });
            let mixer = config.init(agents, state_dim, &mut rng, &tracked);
            let name = format!("{name}/forward and backward/{agents}");
            c.bench_function(&name, |b| {
                b.iter(|| {
                    let q: Tensor<2> = Tensor::from_inner(q.clone());
                    let total = mixer.forward(q.require_grad(), Tensor::from_inner(state.clone()));
                    total.square().mean().backward()
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = mixers
}
criterion_main!(benches);
