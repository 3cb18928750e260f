//! The concave mixer, forward and with gradients, and its search for joint actions, compared with the
//! per-agent argmax of a monotonic mixer.

#![allow(missing_docs)]

use burn::tensor::{Tensor, TensorData};
use criterion::{Criterion, criterion_group, criterion_main};
use phalanx::nn::{
    ConcaveMixer, ConcaveWeightsCpu, Device, JointActionSearch, Mixer, MixerSizes, SearchInput,
    SearchMethod, SearchResult, device,
};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of a batch: 32 episodes of 60 steps.
const ROWS: usize = 32 * 60;

/// Agents, state size and actions of SMAC's 3m, 8m and 27m_vs_30m, and of predator-prey.
const SIZES: [(&str, usize, usize, usize); 4] =
    [("3m", 3, 48, 9), ("8m", 8, 168, 14), ("27m_vs_30m", 27, 1170, 36), ("prey", 8, 300, 6)];

fn numbers(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.range(-1.0, 1.0)).collect()
}

fn random(rng: &mut Rng, rows: usize, columns: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(numbers(rng, rows * columns), [rows, columns]), device)
}

fn sizes(n_agents: usize, state_dim: usize, n_actions: usize) -> MixerSizes {
    MixerSizes { n_agents, n_actions, state_dim, input_dim: 1 }
}

fn mixing(c: &mut Criterion) {
    phalanx_benches::one_core();
    let plain = device("cpu").expect("the CPU is always available");
    let tracked = plain.clone().autodiff();
    for (name, agents, state_dim, actions) in SIZES {
        let mut rng = Rng::stream(1, Purpose::Weights, 0);
        let sizes = sizes(agents, state_dim, actions);
        let mixer = ConcaveMixer::default().init(sizes, &mut rng, &plain);
        let q = random(&mut rng, ROWS, agents, &plain);
        let state = random(&mut rng, ROWS, state_dim, &plain);
        c.bench_function(&format!("concave/forward/{name}"), |b| {
            b.iter(|| mixer.forward(q.clone(), state.clone()));
        });
        let mixer = ConcaveMixer::default().init(sizes, &mut rng, &tracked);
        c.bench_function(&format!("concave/forward and backward/{name}"), |b| {
            b.iter(|| {
                let q: Tensor<2> = Tensor::from_inner(q.clone());
                let total = mixer.forward(q.require_grad(), Tensor::from_inner(state.clone()));
                total.square().mean().backward()
            });
        });
    }
}

fn selection(c: &mut Criterion) {
    phalanx_benches::one_core();
    let plain = device("cpu").expect("the CPU is always available");
    let searches = [
        (
            "greedy",
            JointActionSearch { method: SearchMethod::Greedy, ..JointActionSearch::default() },
        ),
        (
            "single deviation",
            JointActionSearch {
                method: SearchMethod::SingleDeviation,
                ..JointActionSearch::default()
            },
        ),
        ("one start", JointActionSearch { starts: 1, ..JointActionSearch::default() }),
        ("four starts", JointActionSearch::default()),
        (
            "four starts and deviations",
            JointActionSearch { deviations: true, ..JointActionSearch::default() },
        ),
    ];
    for (name, n_agents, state_dim, n_actions) in SIZES {
        let mut rng = Rng::stream(1, Purpose::Weights, 0);
        let sizes = sizes(n_agents, state_dim, n_actions);
        let mixer = ConcaveMixer::default().init(sizes, &mut rng, &plain);
        let weights =
            ConcaveWeightsCpu::download(mixer.weights(random(&mut rng, ROWS, state_dim, &plain)));
        let utilities = numbers(&mut rng, ROWS * n_agents * n_actions);
        let available = vec![true; utilities.len()];
        let input = SearchInput {
            n_agents,
            n_actions,
            utilities: &utilities,
            available: &available,
            valid: None,
            initial: None,
        };
        let mut out = SearchResult::default();
        for (search, selection) in searches {
            c.bench_function(&format!("selection/{search}/{name}"), |b| {
                b.iter(|| selection.run(&weights, input, &mut rng, &mut out));
            });
        }
        // Without the joint action value, as in the target of a monotonic mixer.
        c.bench_function(&format!("selection/argmax alone/{name}"), |b| {
            b.iter(|| {
                let best = |utilities: &[f32]| {
                    let largest = utilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                    largest.map_or(0, |(action, _)| action as u16)
                };
                utilities.chunks_exact(n_actions).map(best).collect::<Vec<_>>()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = mixing, selection
}
criterion_main!(benches);
