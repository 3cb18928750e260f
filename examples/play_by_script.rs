//! Lets SMAC's script play: everybody attacks the nearest enemy. Prints how often it wins.
//!
//! ```sh
//! cargo run --release --example play_by_script -- 1000
//! ```
//!
//! The optional number is how many battles to play on each map.

#![allow(clippy::print_stdout)]

use phalanx::env::Rows;
use phalanx::envs::registry::{list, make};
use phalanx::prelude::*;
use phalanx::rng::Purpose;

fn main() -> anyhow::Result<()> {
    let battles = std::env::args().nth(1).map_or(Ok(100), |text| text.parse::<u32>())?;
    for entry in list().into_iter().filter(|entry| entry.rules[0].name == Some("liberty")) {
        // The script gives the orders; actions are ignored.
        let mut env = make(&entry.id, &"heuristic_ai = true".parse()?)?;
        let spec = env.spec().clone();
        let mut rows = Rows::new(&spec, 1, 1);
        let mut rng = Rng::stream(1, Purpose::Environment, 0);
        let mut won = 0.0;
        for _ in 0..battles {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            let ignored = vec![0; spec.n_agents()];
            while !env.step(&ignored, &mut rng, rows.at_mut(0).row(&spec, 0)).end.is_over() {}
            won += rows.info[0];
        }
        println!(
            "{:<22} {:5.1} % of {battles} battles won",
            entry.id,
            100.0 * won / battles as f32
        );
    }
    Ok(())
}
