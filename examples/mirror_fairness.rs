//! Plays the same scripted policy for both teams on the symmetric maps, to test whether a side has an
//! advantage. Prints a Markdown table of win rates.
//!
//! ```sh
//! cargo run --release --example mirror_fairness -- 10000 1
//! ```
//!
//! The optional arguments are the number of battles per map, a seed, and maps. Battles run on all threads.
//! Battle `i` draws from stream `i` of the seed, so the table depends on nothing else.
//!
//! On a fair map, one interval in twenty misses 50 % by chance: run again with another seed.

#![allow(clippy::print_stdout)]

use phalanx::env::StepRows;
use phalanx::envs::registry::factory;
use phalanx::envs::skirmish::{MAPS, Map, Spawn};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use rayon::prelude::*;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let battles = arguments.first().map_or(Ok(10_000), |text| text.parse::<u32>())?;
    let seed = arguments.get(1).map_or(Ok(1), |text| text.parse::<u64>())?;
    let named = arguments.get(2..).unwrap_or_default();
    println!("| map | decided of {battles} | won by the allies | 95 % interval | fair |");
    println!("|---|---|---|---|---|");
    for (name, _) in MAPS {
        let map = Map::named(name)?;
        let kinds = |team: &[Spawn]| {
            let mut kinds: Vec<_> = team.iter().map(|placed| placed.unit).collect();
            kinds.sort_unstable();
            kinds
        };
        let equal = map.generate.is_none() && kinds(&map.allies) == kinds(&map.enemies);
        if !equal || !(named.is_empty() || named.iter().any(|other| other == name)) {
            continue;
        }
        // On maps with medivacs, SMAC counts a battle that both teams lose as a defeat;
        // `fix_quirks` makes it a draw. The sparse reward is then 1, -1, or 0 for a draw.
        let args = "self_play = true\nheuristic_ai = true\nfix_quirks = true\n\
                    reward_sparse = true\nreward_only_positive = false";
        let make = factory(&format!("skirmish/{name}"), &args.parse()?)?;
        let (won, lost) = (0..battles)
            .into_par_iter()
            .map_init(make, |env, battle| play(env, seed, battle))
            .map(|reward| (u32::from(reward > 0.0), u32::from(reward < 0.0)))
            .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let (share, low, high) = wilson(won, won + lost);
        let fair = if low <= 0.5 && 0.5 <= high { "yes" } else { "no" };
        println!(
            "| {name} | {} | {:.1} % | {:.1} to {:.1} % | {fair} |",
            won + lost,
            100.0 * share,
            100.0 * low,
            100.0 * high
        );
    }
    Ok(())
}

/// Plays one battle and returns the allies' final reward.
fn play(env: &mut dyn Env, seed: u64, battle: u32) -> f32 {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(seed, Purpose::TestEnvironment, battle);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    // The scripted policy gives the orders; actions are ignored.
    let ignored = vec![0; spec.n_agents()];
    loop {
        let outcome = env.step(&ignored, &mut rng, rows.at_mut(0).row(&spec, 0));
        if outcome.status.is_over() {
            return outcome.reward;
        }
    }
}

/// Returns the share `won / n` and its 95 % interval (Wilson 1927).
fn wilson(won: u32, n: u32) -> (f64, f64, f64) {
    const Z: f64 = 1.959_964;
    let (share, n) = (f64::from(won) / f64::from(n), f64::from(n));
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + (Z / (2.0 * n)).powi(2)).sqrt();
    (share, middle - half, middle + half)
}
