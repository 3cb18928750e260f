//! Searches for the best open-loop plan, which depends only on the time step and the available actions.
//! Prints a Markdown table of its win rate in new episodes.
//!
//! ```sh
//! cargo run --release --example open_loop_search -- 60 3m 2s3z terran_5_vs_5
//! ```
//!
//! The first argument is the number of generations of the search, the others are maps. A game that can be
//! won open-loop does not test whether agents react to each other, which is why SMACv2 draws new teams and
//! starting positions for every episode (Ellis et al. 2023).

#![allow(clippy::print_stdout)]

use std::ops::Range;

use phalanx::env::StepRows;
use phalanx::envs::registry::factory;
use phalanx::envs::skirmish::{ATTACK, NO_OP, STOP};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use rayon::prelude::*;

/// Plans per generation.
const PLANS: usize = 96;
/// Elite plans, which the next generation imitates.
const ELITE: usize = 12;
/// Episodes per plan and generation, the same for all plans.
const EPISODES: u32 = 16;
/// Step size of the probabilities towards the choices of the elite.
const RATE: f32 = 0.5;
/// Minimum probability of an action, so that the search never stops.
const FLOOR: f32 = 0.002;
/// New episodes for the final evaluation.
const TESTS: u32 = 1000;
/// Number of steps for which an agent repeats an action.
const STEPS: usize = 4;

const MAPS: [&str; 6] = ["3m", "8m", "2s3z", "terran_5_vs_5", "protoss_5_vs_5", "zerg_5_vs_5"];

/// The action of every agent in every part of an episode, `[part, agent]`.
///
/// An unavailable attack is replaced by the next available one, in order of the enemies' indices; if there
/// is none, the agent stops. An unavailable move is also replaced by a stop.
type Plan = Vec<u16>;

/// The probability of each action, `[part, agent, action]`.
struct Policy {
    n_actions: usize,
    probability: Vec<f32>,
}

/// The result of a plan.
#[derive(Clone, Copy, Default)]
struct Record {
    returns: f64,
    won: f64,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let generations = arguments.first().map_or(Ok(60), |text| text.parse::<u32>())?;
    let named: Vec<_> = arguments.iter().skip(1).map(String::as_str).collect();
    let maps = if named.is_empty() { &MAPS[..] } else { &named[..] };
    println!("| map | episodes of search | return at first | return | won of {TESTS} |");
    println!("|---|---|---|---|---|");
    for map in maps {
        let make = factory(&format!("skirmish/{map}"), &Default::default())?;
        let spec = make().spec().clone();
        let mut policy = Policy::uniform(&spec);
        let mut search = Rng::stream(1, Purpose::Exploration, 0);
        let first = policy.draw(&mut search);
        for generation in 0..generations {
            let plans: Vec<_> = (0..PLANS).map(|_| policy.draw(&mut search)).collect();
            let episodes = || generation * EPISODES..(generation + 1) * EPISODES;
            let judge = |env: &mut Box<dyn Env>, plan: &Plan| {
                play_all(env, plan, Purpose::Environment, episodes()).returns
            };
            let returns: Vec<_> = plans.par_iter().map_init(&make, judge).collect();
            let mut ranked: Vec<_> = (0..PLANS).collect();
            ranked.sort_by(|&a, &b| returns[b].total_cmp(&returns[a]));
            let elite: Vec<_> = ranked[..ELITE].iter().map(|&i| &plans[i]).collect();
            policy.imitate(&elite);
        }
        let last = policy.most_probable();
        let test = |plan: &Plan| play_all(&mut make(), plan, Purpose::TestEnvironment, 0..TESTS);
        let (first, last) = (test(&first), test(&last));
        println!(
            "| {map} | {} | {:.1} | {:.1} | {:.1} % |",
            generations * EPISODES * PLANS as u32,
            first.returns / f64::from(TESTS),
            last.returns / f64::from(TESTS),
            100.0 * last.won / f64::from(TESTS)
        );
    }
    Ok(())
}

impl Policy {
    /// Makes all actions of a living agent equally probable.
    fn uniform(spec: &EnvSpec) -> Self {
        let n = spec.episode_limit.div_ceil(STEPS) * spec.n_agents() * spec.n_actions;
        let each = 1.0 / (spec.n_actions - 1) as f32;
        let of_action = |i: usize| if i.is_multiple_of(spec.n_actions) { 0.0 } else { each };
        Self { n_actions: spec.n_actions, probability: (0..n).map(of_action).collect() }
    }

    fn draw(&self, rng: &mut Rng) -> Plan {
        let mut draw = |row: &[f32]| {
            let mut rest = rng.uniform() * row.iter().sum::<f32>();
            let chosen = row.iter().position(|probability| {
                rest -= probability;
                rest < 0.0
            });
            chosen.unwrap_or(row.len() - 1) as u16
        };
        self.probability.chunks(self.n_actions).map(&mut draw).collect()
    }

    fn most_probable(&self) -> Plan {
        let best = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        let rows = self.probability.chunks(self.n_actions);
        rows.map(|row| best(row).map_or(0, |action| action as u16)).collect()
    }

    /// Moves the probabilities towards the shares in which the elite chose the actions (the
    /// cross-entropy method; Rubinstein 1999).
    fn imitate(&mut self, elite: &[&Plan]) {
        for (place, row) in self.probability.chunks_mut(self.n_actions).enumerate() {
            for (action, probability) in row.iter_mut().enumerate().skip(1) {
                let chosen = elite.iter().filter(|plan| usize::from(plan[place]) == action).count();
                *probability += RATE * (chosen as f32 / elite.len() as f32 - *probability);
                *probability = probability.max(FLOOR);
            }
        }
    }
}

/// Plays episodes with a plan.
fn play_all(env: &mut dyn Env, plan: &Plan, purpose: Purpose, episodes: Range<u32>) -> Record {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut actions = vec![0_u16; spec.n_agents()];
    let mut record = Record::default();
    for episode in episodes {
        let mut rng = Rng::stream(1, purpose, episode);
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        for step in 0..spec.episode_limit {
            let planned = &plan[step / STEPS * spec.n_agents()..];
            let masks = rows.avail.chunks_exact(spec.n_actions);
            for ((action, mask), &planned) in actions.iter_mut().zip(masks).zip(planned) {
                *action = nearest_allowed(mask, planned);
            }
            let outcome = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
            record.returns += f64::from(outcome.reward);
            if outcome.status.is_over() {
                break;
            }
        }
        record.won += f64::from(rows.info[0]);
    }
    record
}

/// Returns the action that replaces a planned one; see [`Plan`].
fn nearest_allowed(mask: &[bool], planned: u16) -> u16 {
    let targets = ATTACK..mask.len() as u16;
    let instead = match planned {
        ATTACK.. => (planned..targets.end).chain(targets.start..planned),
        _ => (planned..planned + 1).chain(0..0),
    };
    let available = |&action: &u16| mask[usize::from(action)];
    let dead = if mask[usize::from(STOP)] { STOP } else { NO_OP };
    instead.into_iter().find(available).unwrap_or(dead)
}
