//! One decision of five agents in 1, 8, 64 and 512 environments (observation 80, GRU 64, 14
//! actions), on one core: the work of `phalanx bench act`.

#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use phalanx_cli::bench_workloads::Decisions;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn acting(c: &mut Criterion) {
    phalanx_benches::one_core();
    let mut group = c.benchmark_group("act");
    for n_envs in [1, 8, 64, 512] {
        let mut agents = Decisions::new(n_envs);
        group.throughput(Throughput::Elements(agents.step().len() as u64));
        group.bench_function(BenchmarkId::from_parameter(n_envs), |b| {
            b.iter(|| agents.step()[0]);
        });
    }
    group.finish();
}

criterion_group!(benches, acting);
criterion_main!(benches);
