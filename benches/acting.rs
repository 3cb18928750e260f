//! One decision of five agents in 1, 8, 64 and 512 environments (observation 80, GRU 64, 14
//! actions).

#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use phalanx::nn::{AgentConfig, Init, Scratch, device};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn acting(c: &mut Criterion) {
    let mut rng = Rng::stream(1, Purpose::Weights, 0);
    let config = AgentConfig {
        input_dim: 80,
        hidden_dim: 64,
        output_dim: 14,
        recurrent: true,
        convolution: None,
        layer_norm: false,
        init: Init::default(),
    };
    let device = device("cpu").expect("the CPU is always there");
    let actor = config.init(&mut rng, &device).to_actor();
    let mut group = c.benchmark_group("act");
    for n_envs in [1, 8, 64, 512] {
        let rows = 5 * n_envs;
        let input: Vec<f32> = (0..rows * 80).map(|_| rng.range(-1.0, 1.0)).collect();
        let mut hidden = vec![0.0; rows * 64];
        let mut output = vec![0.0; rows * 14];
        let mut scratch = Scratch::default();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::from_parameter(n_envs), |b| {
            b.iter(|| actor.step(&input, &mut hidden, &mut output, &mut scratch));
        });
    }
    group.finish();
}

criterion_group!(benches, acting);
criterion_main!(benches);
