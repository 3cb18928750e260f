//! One step of sixteen environments under random legal actions, on one thread.

#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use phalanx::env::{ParallelEnvs, Rows, VecEnv};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_ENVS: usize = 16;

fn stepping(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    group.throughput(Throughput::Elements(N_ENVS as u64));
    for id in ["two_step", "skirmish/3m", "skirmish/10m_vs_11m", "skirmish/27m_vs_30m"] {
        let factory =
            phalanx::envs::registry::factory(id, &Default::default()).expect("it is registered");
        let mut envs = ParallelEnvs::new(N_ENVS, 1, Purpose::Environment, factory);
        let spec = envs.spec().clone();
        let mut rows = Rows::new(&spec, N_ENVS, 1);
        let mut rng = Rng::stream(1, Purpose::Player, 0);
        let mut actions = vec![0_u16; N_ENVS * spec.n_agents()];
        let all = [true; N_ENVS];
        let mut over = all;
        envs.reset(&all, rows.at_mut(0));
        group.bench_function(id, |b| {
            b.iter(|| {
                for (action, mask) in
                    actions.iter_mut().zip(rows.avail.chunks_exact(spec.n_actions))
                {
                    *action = rng.choose(mask).expect("something is always legal") as u16;
                }
                envs.step(&actions, &all, rows.at_mut(0));
                for (over, end) in over.iter_mut().zip(&rows.end) {
                    *over = end.is_over();
                }
                if over.contains(&true) {
                    envs.reset(&over, rows.at_mut(0));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stepping);
criterion_main!(benches);
