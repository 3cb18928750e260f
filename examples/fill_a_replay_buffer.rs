//! Fills a replay buffer without learning, and prints its size, the time of packing and unpacking, and the
//! size of PyMARL's layout.
//!
//! ```sh
//! cargo run --release --example fill_a_replay_buffer -- skirmish/27m_vs_30m random 300 f32
//! ```
//!
//! The arguments are an environment, a policy (`random` or a scripted policy), the number of
//! episodes and the precision (`f32` or `f16`). Sizes are extrapolated to 5000 episodes.

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use phalanx::env::StepRows;
use phalanx::envs::registry::make;
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use phalanx::train::replay::{
    Episode, EpisodeBatch, EpisodeReplay, Precision, ReplayConfig, ReplaySizeBound,
};
use phalanx::train::rollout::{InputLayout, ScriptedPolicy};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GIB: f64 = (1_u64 << 30) as f64;
/// The number of episodes in a batch.
const BATCH: usize = 32;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let argument = |i: usize, default| arguments.get(i).map_or(default, String::as_str);
    let mut env = make(argument(0, "skirmish/3m"), &Default::default())?;
    let script = argument(1, "random");
    let script = ScriptedPolicy::named(script, &*env)
        .with_context(|| format!("`{script}` is none of {:?}", ScriptedPolicy::names(&*env)))?;
    let episodes: u32 = argument(2, "100").parse()?;
    let precision = match argument(3, "f32") {
        "f32" => Precision::F32,
        "f16" => Precision::F16,
        other => bail!("the precision is f32 or f16, not {other}"),
    };
    let spec = env.spec().clone();
    let config = ReplayConfig { precision, ..ReplayConfig::default() };
    println!("{} in {precision:?}: {}", spec.id, ReplaySizeBound::new(&spec, &config));

    let mut replay = EpisodeReplay::new(config);
    let mut rows = StepRows::new(&spec, 1, spec.episode_limit + 1);
    let before = memory();
    let (mut steps, mut packing) = (0, Duration::ZERO);
    for index in 0..episodes {
        let episode = play(&mut *env, script, index, &mut rows);
        steps += episode.len;
        let start = Instant::now();
        replay.push(&episode)?;
        packing += start.elapsed();
    }
    let held = replay.bytes() as f64;
    let scaled = held / f64::from(episodes) * config.capacity as f64 / GIB;
    let mean = steps as f64 / f64::from(episodes);
    println!("{episodes} episodes of {mean:.1} steps occupy {:.4} GiB", held / GIB);
    println!("scaled to {} episodes: {scaled:.2} GiB", config.capacity);
    if let (Some(before), Some(after)) = (before, memory()) {
        println!("the process grew by {:.4} GiB", (after - before) / GIB);
    }

    // The data that was packed and unpacked: observations and states.
    let numbers = (steps + episodes as usize) * (spec.obs_len() + spec.state_dim);
    report("packing", packing, numbers);
    let inputs = InputLayout::new(&spec, true, true);
    let mut rng = Rng::stream(1, Purpose::Replay, 0);
    let (mut numbers, mut unpacking) = (0, Duration::ZERO);
    for _ in 0..10 {
        let sample = replay.sample(BATCH, &mut rng).context("there are too few episodes")?;
        let start = Instant::now();
        let batch = EpisodeBatch::new(&sample, inputs);
        unpacking += start.elapsed();
        let times: usize = sample.episodes.iter().map(|episode| episode.len + 1).sum();
        numbers += times * (spec.obs_len() + spec.state_dim);
        std::hint::black_box(batch);
    }
    report("unpacking into batches", unpacking, numbers);
    let mut saved = Vec::new();
    replay.save(&mut saved);
    println!("saved, it is a file of {:.4} GiB", saved.len() as f64 / GIB);
    Ok(())
}

fn report(what: &str, time: Duration, numbers: usize) {
    let seconds = time.as_secs_f64();
    let per_number = 1e9 * seconds / numbers as f64;
    let rate = 4.0 * numbers as f64 / seconds / 1e9;
    println!("{what}: {per_number:.3} ns per number, {rate:.1} GB/s of f32");
}

/// Plays and returns an episode.
fn play(env: &mut dyn Env, script: ScriptedPolicy, index: u32, rows: &mut StepRows) -> Episode {
    let spec = env.spec().clone();
    let mut rng = Rng::stream(1, Purpose::Environment, index);
    let mut player = Rng::stream(1, Purpose::ScriptedPolicy, index);
    let mut actions = vec![0; spec.episode_limit * spec.n_agents()];
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    for t in 0..spec.episode_limit {
        let avail = &rows.avail[t * spec.avail_len()..(t + 1) * spec.avail_len()];
        let chosen = &mut actions[t * spec.n_agents()..(t + 1) * spec.n_agents()];
        script.act(env, avail, &mut player, chosen);
        let outcome = env.step(chosen, &mut rng, rows.at_mut(t + 1).row(&spec, 0));
        rows.reward[t + 1] = outcome.reward;
        if outcome.status.is_over() {
            let terminated = outcome.status == StepStatus::Terminated || spec.timeout_is_terminal;
            return Episode::from_rows(&spec, rows, &actions, 0, t + 1, terminated);
        }
    }
    unreachable!("an episode ends at its limit")
}

/// Returns the resident memory of the process in bytes, where available.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? * 1024.0)
}
