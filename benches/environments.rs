//! One step of sixteen environments under random available actions, and one step of battles of increasing
//! size, on one thread.

#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use phalanx::env::{Env, ParallelEnvs, StepRows, VecEnv};
use phalanx::envs::skirmish::{Map, Skirmish, SkirmishArgs};
use phalanx::rng::{Purpose, Rng};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_ENVS: usize = 16;

fn stepping(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    group.throughput(Throughput::Elements(N_ENVS as u64));
    let battles = [
        "two_step",
        "skirmish/3m",
        "skirmish/2s3z",
        "skirmish/27m_vs_30m",
        "skirmish/2c_vs_64zg",
        "skirmish/terran_10_vs_11",
        "smax/3m",
        "smax/27m_vs_30m",
    ];
    for id in battles {
        let args = Default::default();
        let factory =
            phalanx::envs::registry::factory(id, &args).expect("the environment is registered");
        let mut envs = ParallelEnvs::new(N_ENVS, 1, Purpose::Environment, factory);
        let spec = envs.spec().clone();
        let mut rows = StepRows::new(&spec, N_ENVS, 1);
        let mut rng = Rng::stream(1, Purpose::ScriptedPolicy, 0);
        let mut actions = vec![0_u16; N_ENVS * spec.n_agents()];
        let all = [true; N_ENVS];
        let mut over = all;
        envs.reset(&all, rows.at_mut(0));
        group.bench_function(id, |b| {
            b.iter(|| {
                for (action, mask) in
                    actions.iter_mut().zip(rows.avail.chunks_exact(spec.n_actions))
                {
                    *action = rng.choose(mask).expect("an action is always available") as u16;
                }
                envs.step(&actions, &all, rows.at_mut(0));
                for (over, end) in over.iter_mut().zip(&rows.status) {
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

/// Creates battles of 32 against 32 marines next to each other on one map of `squares` by
/// `squares`, so that the number of units grows at constant density. Agents follow SMAC's scripted
/// policy. Observations and state, whose size is quadratic in the number of units, are left out;
/// masks are not.
fn large_battle(squares: usize) -> Skirmish {
    let side = 32 * squares;
    let mut teams = [String::new(), String::new()];
    for (x, y) in (0..squares * squares).map(|i| (32 * (i % squares), 32 * (i / squares) + 16)) {
        for (team, offset) in teams.iter_mut().zip([9, 23]) {
            let x = x + offset;
            *team += &format!("{{ unit = \"marine\", count = 32, at = [{x}.0, {y}.0] }},");
        }
    }
    let text = format!(
        "name = \"large\"\nlimit = 60\nunit_type_bits = 0\nenemy_order = \"attack_allies\"\n\
         ally_race = \"terran\"\nenemy_race = \"terran\"\n\
         terrain = \"\"\"\n{}\n\"\"\"\nallies = [{}]\nenemies = [{}]\n",
        vec![".".repeat(side); side].join("\n"),
        teams[0],
        teams[1],
    );
    let args = SkirmishArgs {
        heuristic_ai: true,
        obs_starcraft: false,
        obs_timestep_number: true,
        state_last_action: false,
        ..SkirmishArgs::default()
    };
    let map = Map::parse(&text).expect("the map is valid");
    Skirmish::new(map, args).expect("the arguments are valid")
}

fn growing(c: &mut Criterion) {
    let mut group = c.benchmark_group("battle by number of units");
    for squares in [1, 2, 4] {
        let mut battle = large_battle(squares);
        let spec = battle.spec().clone();
        let mut rows = StepRows::new(&spec, 1, 1);
        let mut rng = Rng::stream(1, Purpose::Environment, 0);
        let ignored = vec![0; spec.n_agents()];
        let mut over = true;
        group.bench_function(BenchmarkId::from_parameter(64 * squares * squares), |b| {
            b.iter(|| {
                let mut batch = rows.at_mut(0);
                let row = batch.row(&spec, 0);
                if std::mem::take(&mut over) {
                    battle.reset(&mut rng, row);
                } else {
                    over = battle.step(&ignored, &mut rng, row).status.is_over();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stepping, growing);
criterion_main!(benches);
