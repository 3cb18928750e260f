//! Evaluation of scripted policies as baselines.

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use rayon::prelude::*;

use super::Evaluation;
use crate::rollout::{Metrics, ScriptedPolicy};

/// The largest number of copies of the environment.
const COPIES: usize = 32;

/// Plays `episodes` episodes with a scripted policy, on all threads.
///
/// The environments and their random streams are those of [`evaluate`](super::evaluate) with 32
/// environments and the same seed, so that both start from the same states. The result does not
/// depend on the number of threads.
pub fn evaluate_scripted<E: Env>(
    policy: ScriptedPolicy,
    factory: impl Fn() -> E + Sync,
    seed: u64,
    episodes: usize,
) -> Evaluation {
    let copies = COPIES.min(episodes);
    let played: Vec<Vec<Episode>> = (0..copies)
        .into_par_iter()
        .map(|copy| {
            let share = (copy..episodes).step_by(copies).len();
            play(policy, factory(), (seed, copy as u32), share)
        })
        .collect();
    let spec = factory().spec().clone();
    let mut metrics = Metrics::default();
    let mut returns = Vec::new();
    for number in 0..episodes {
        let episode = &played[number % copies][number / copies];
        metrics.episode(&spec, episode.total, episode.length, &episode.info);
        returns.push(episode.total);
    }
    Evaluation::of(metrics, returns, 0)
}

/// The result of one episode.
struct Episode {
    total: f64,
    length: usize,
    info: Vec<f32>,
}

/// Plays `episodes` episodes in one environment, with streams of `(seed, index)`.
fn play(
    policy: ScriptedPolicy,
    mut env: impl Env,
    (seed, index): (u64, u32),
    episodes: usize,
) -> Vec<Episode> {
    let spec = env.spec().clone();
    let mut rng = Rng::stream(seed, Purpose::TestEnvironment, index);
    let mut policy_rng = Rng::stream(seed, Purpose::ScriptedPolicy, index);
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut actions = vec![0; spec.n_agents()];
    let mut episode = || {
        let (mut total, mut length) = (0.0, 0);
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        loop {
            policy.act(&mut env, &rows.avail, &mut policy_rng, &mut actions);
            let result = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
            total += f64::from(result.reward);
            length += 1;
            if result.status.is_over() || length >= spec.episode_limit {
                return Episode { total, length, info: rows.info.clone() };
            }
        }
    };
    (0..episodes).map(|_| episode()).collect()
}
