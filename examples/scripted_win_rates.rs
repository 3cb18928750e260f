//! Plays SMAC's scripted policy, in which every unit attacks the nearest enemy. Prints a Markdown table of
//! its win rates on SMAC's maps next to those that SMAC's authors report.
//!
//! ```sh
//! cargo run --release --example scripted_win_rates -- 1000
//! ```
//!
//! The optional argument is the number of battles per map. Battles run on all threads. Battle `i` draws from
//! stream `i`, so the table depends only on their number.

#![allow(clippy::print_stdout)]

use phalanx::env::StepRows;
use phalanx::envs::registry::factory;
use phalanx::envs::skirmish::{MAPS, Map};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use rayon::prelude::*;

/// Percent of battles won in StarCraft, from the papers on SMAC and QMIX.
const PUBLISHED: [(&str, u32); 8] = [
    ("2s3z", 90),
    ("3s5z", 42),
    ("10m_vs_11m", 12),
    ("5m_vs_6m", 0),
    ("27m_vs_30m", 0),
    ("corridor", 0),
    ("3s_vs_5z", 0),
    ("6h_vs_8z", 0),
];

fn main() -> anyhow::Result<()> {
    let battles = std::env::args().nth(1).map_or(Ok(1000), |text| text.parse::<u32>())?;
    println!("| map | won in StarCraft | won here, of {battles} |");
    println!("|---|---|---|");
    for (name, _) in MAPS {
        if Map::named(name)?.generate.is_some() {
            continue;
        }
        // The scripted policy gives the orders; actions are ignored.
        let args = "heuristic_ai = true".parse()?;
        let make = factory(&format!("skirmish/{name}"), &args)?;
        let won: f64 = (0..battles)
            .into_par_iter()
            .map_init(make, |env, battle| f64::from(play(env, battle)))
            .sum();
        let published = PUBLISHED.iter().find(|(map, _)| map == name);
        let published = published.map_or("".to_owned(), |(_, percent)| format!("{percent} %"));
        println!("| {name} | {published} | {:.1} % |", 100.0 * won / f64::from(battles));
    }
    Ok(())
}

/// Plays one battle and returns 1 if it is won.
fn play(env: &mut dyn Env, battle: u32) -> f32 {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(1, Purpose::TestEnvironment, battle);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let ignored = vec![0; spec.n_agents()];
    while !env.step(&ignored, &mut rng, rows.at_mut(0).row(&spec, 0)).status.is_over() {}
    rows.info[0]
}
