//! GRU and LSTM with 64 and 128 units: forward over 61 steps of 160 rows, the gradients of all weights and
//! inputs, and one acting step of 160 rows. All on one core.

#![allow(missing_docs)]

use std::hint::black_box;

use burn::tensor::{Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use phalanx::nn::{
    AgentConfig, Gru, HiddenActivation, Init, Lstm, Normalisation, RnnKind, Scratch, device,
};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TIME: usize = 61;
const ROWS: usize = 160;

fn random(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.range(-1.0, 1.0)).collect()
}

fn sequences(c: &mut Criterion) {
    let tracked = device("cpu").expect("the CPU is always available").autodiff();
    let mut group = c.benchmark_group("sequence");
    for width in [64, 128] {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let gru = Gru::new(width, width, &mut rng, &tracked);
        let lstm = Lstm::new(width, width, &mut rng, &tracked);
        let input = TensorData::new(random(&mut rng, TIME * ROWS * width), [TIME, ROWS, width]);
        let input = Tensor::<3>::from_data(input, &tracked).require_grad();
        let memory = |unit: RnnKind| Tensor::zeros([ROWS, unit.carry_dim(width)], &tracked);
        for unit in [RnnKind::Gru, RnnKind::Lstm] {
            let states = || match unit {
                RnnKind::Gru => gru.forward(input.clone(), memory(unit), None),
                RnnKind::Lstm => lstm.forward(input.clone(), memory(unit), None).0,
            };
            group.bench_function(BenchmarkId::new(format!("{unit:?}"), width), |b| {
                b.iter(|| states().sum().backward());
            });
        }
    }
    group.finish();
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("act");
    for width in [64, 128] {
        for unit in [RnnKind::Gru, RnnKind::Lstm] {
            let mut rng = Rng::stream(1, Purpose::Check, 0);
            let config = AgentConfig {
                input_dim: 80,
                hidden_dim: width,
                output_dim: 14,
                recurrent: Some(unit),
                second_hidden_dim: None,
                convolution: None,
                observation_encoder: None,
                normalisation: Normalisation::None,
                activation: HiddenActivation::Relu,
                init: Init::default(),
            };
            let cpu = device("cpu").expect("the CPU is always available");
            let actor = config.init(&mut rng, &cpu).to_actor();
            let input = random(&mut rng, ROWS * 80);
            let mut memory = vec![0.0; ROWS * actor.carry_dim()];
            let mut output = vec![0.0; ROWS * 14];
            let mut scratch = Scratch::default();
            group.bench_function(BenchmarkId::new(format!("{unit:?}"), width), |b| {
                b.iter(|| {
                    actor.step(&input, &mut memory, &mut output, &mut scratch);
                    black_box(output[0])
                });
            });
        }
    }
    group.finish();
}

fn recurrence(c: &mut Criterion) {
    phalanx_benches::one_core();
    sequences(c);
    steps(c);
}

criterion_group!(benches, recurrence);
criterion_main!(benches);
