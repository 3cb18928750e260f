//! Mixers, forward and with gradients, for 3, 8 and 27 agents.

#![allow(missing_docs)]

use burn::tensor::{Int, Tensor, TensorData};
use criterion::{Criterion, criterion_group, criterion_main};
use phalanx::nn::{
    ConcaveMixer, Device, Mixer, MixerInput, MixerSizes, MixerVisitor, device, visit_mixers,
};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of a batch: 32 episodes of 60 steps.
const ROWS: usize = 32 * 60;

/// Sizes of SMAC's 3m, 8m and 27m_vs_30m; an agent reads its observation, last action and ID.
const SIZES: [MixerSizes; 3] = [
    MixerSizes { n_agents: 3, n_actions: 9, state_dim: 48, input_dim: 42 },
    MixerSizes { n_agents: 8, n_actions: 14, state_dim: 168, input_dim: 102 },
    MixerSizes { n_agents: 27, n_actions: 36, state_dim: 1170, input_dim: 348 },
];

fn random<const D: usize>(rng: &mut Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.range(-1.0, 1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn input(sizes: MixerSizes, rng: &mut Rng, device: &Device) -> MixerInput {
    let MixerSizes { n_agents, n_actions, state_dim, input_dim } = sizes;
    let actions: Vec<i32> = (0..ROWS * n_agents).map(|_| rng.below(n_actions) as i32).collect();
    let actions = TensorData::new(actions, [ROWS, n_agents]);
    let actions: Tensor<2, Int> = Tensor::from_data(actions, device);
    let utilities = random(rng, [ROWS, n_agents, n_actions], device);
    let index = actions.clone().reshape([ROWS, n_agents, 1]);
    MixerInput {
        q_chosen: utilities.clone().gather(2, index).reshape([ROWS, n_agents]),
        utilities,
        actions,
        state: random(rng, [ROWS, state_dim], device),
        agent_input: random(rng, [ROWS, n_agents, input_dim], device),
    }
}

/// Measures a mixer.
fn measure<M: Mixer>(c: &mut Criterion) {
    let mixer = M::default();
    let plain = device("cpu").expect("the CPU is always available");
    let tracked = plain.clone().autodiff();
    for sizes in SIZES {
        let mut rng = Rng::stream(1, Purpose::Weights, 0);
        let given = input(sizes, &mut rng, &plain);
        let network = mixer.init(sizes, &mut rng, &plain);
        c.bench_function(&format!("{}/forward/{}", M::ID, sizes.n_agents), |b| {
            b.iter(|| mixer.forward(&network, given.clone()));
        });
        let given = input(sizes, &mut rng, &tracked);
        let network = mixer.init(sizes, &mut rng, &tracked);
        c.bench_function(&format!("{}/forward and backward/{}", M::ID, sizes.n_agents), |b| {
            b.iter(|| {
                let q_chosen = given.q_chosen.clone().require_grad();
                let q_tot = mixer.forward(&network, MixerInput { q_chosen, ..given.clone() });
                q_tot.square().mean().backward()
            });
        });
    }
}

struct Measure<'a>(&'a mut Criterion);

impl MixerVisitor for Measure<'_> {
    fn visit<M: Mixer>(&mut self) {
        measure::<M>(self.0);
    }
}

fn mixers(c: &mut Criterion) {
    phalanx_benches::one_core();
    visit_mixers(&mut Measure(c));
    measure::<ConcaveMixer>(c);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = mixers
}
criterion_main!(benches);
