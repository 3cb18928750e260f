//! Evaluation of what nobody trained, to compare with what somebody did.

use phalanx_core::env::{Env, Rows};
use phalanx_core::rng::{Purpose, Rng};
use rayon::prelude::*;

use super::Evaluation;
use crate::rollout::{Script, Tally};

/// How many copies of the environment share the episodes.
const COPIES: usize = 32;

/// Plays `episodes` episodes with `script`, on all threads.
///
/// The environments and their random streams are those in which
/// [`evaluate`](super::evaluate) plays up to 32 episodes at a time with the same seed, so both meet
/// the same starts. The result does not depend on the number of threads.
pub fn evaluate_script<E: Env>(
    script: Script,
    factory: impl Fn() -> E + Sync,
    seed: u64,
    episodes: usize,
) -> Evaluation {
    let copies = COPIES.min(episodes);
    let played: Vec<Vec<Episode>> = (0..copies)
        .into_par_iter()
        .map(|copy| {
            let share = (copy..episodes).step_by(copies).len();
            play(script, factory(), (seed, copy as u32), share)
        })
        .collect();
    let spec = factory().spec().clone();
    let mut tally = Tally::default();
    let mut returns = Vec::with_capacity(episodes);
    for number in 0..episodes {
        let episode = &played[number % copies][number / copies];
        tally.episode(&spec, episode.total, episode.length, &episode.info);
        returns.push(episode.total);
    }
    Evaluation::of(tally, returns)
}

/// What one episode brought.
struct Episode {
    total: f64,
    length: usize,
    info: Vec<f32>,
}

/// Plays `episodes` episodes in one environment, with streams of `(seed, index)`.
fn play(
    script: Script,
    mut env: impl Env,
    (seed, index): (u64, u32),
    episodes: usize,
) -> Vec<Episode> {
    let spec = env.spec().clone();
    let mut rng = Rng::stream(seed, Purpose::TestEnvironment, index);
    let mut player = Rng::stream(seed, Purpose::Player, index);
    let mut rows = Rows::new(&spec, 1, 1);
    let mut actions = vec![0; spec.n_agents()];
    let mut episode = || {
        let (mut total, mut length) = (0.0, 0);
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        loop {
            script.act(&mut env, &rows.avail, &mut player, &mut actions);
            let outcome = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
            total += f64::from(outcome.reward);
            length += 1;
            if outcome.end.is_over() {
                return Episode { total, length, info: rows.info.clone() };
            }
        }
    };
    (0..episodes).map(|_| episode()).collect()
}
