//! Evaluates the best policy of a run in new battles.
//!
//! ```sh
//! cargo run --release --example evaluate_a_run -- results/examples/train_a_team
//! ```

#![allow(clippy::print_stdout)]

use phalanx::prelude::*;
use phalanx::train::run::evaluate::evaluate;

fn main() -> anyhow::Result<()> {
    let run = std::env::args().nth(1).unwrap_or("results/examples/train_a_team".to_owned());
    let player = Player::load(run)?;

    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
    let mut envs = ParallelEnvs::new(32, 12345, Purpose::TestEnvironment, battles);
    for (name, mean) in evaluate(player.policy(), &mut envs, 320)?.means {
        println!("{name:<24} {mean:.3}");
    }
    Ok(())
}
