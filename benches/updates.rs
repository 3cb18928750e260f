//! One iteration of a learner (rollout and update) on a battle of three marines, and one QMIX update, the
//! work of `phalanx bench learn`. All on one core.

#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use phalanx::nn::device;
use phalanx::prelude::*;
use phalanx::train::algorithms::Algorithm;
use phalanx_cli::bench_workloads::QmixUpdate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn iteration(c: &mut Criterion, name: &str, algorithm: impl Algorithm + 'static, warm_up: usize) {
    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())
        .expect("the environment is registered");
    let mut trainer = Trainer::new(algorithm, battles);
    trainer.config.threads = 1;
    for _ in 0..warm_up {
        trainer.iterate().expect("losses are finite");
    }
    c.bench_function(name, |b| b.iter(|| trainer.iterate().expect("losses are finite")));
}

fn updates(c: &mut Criterion) {
    phalanx_benches::one_core();
    let mut update = QmixUpdate::new(&device("cpu").expect("the CPU is always available"));
    c.bench_function("update/qmix", |b| b.iter(|| update.run().expect("the loss is finite")));
    // Sixteen rollouts of eight episodes fill the first batch of 128.
    iteration(c, "iterate/iql", Iql::default(), 20);
    iteration(c, "iterate/vdn", Vdn::default(), 20);
    iteration(c, "iterate/qmix", Qmix::default(), 20);
    iteration(c, "iterate/ippo", Ippo::default(), 1);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = updates
}
criterion_main!(benches);
