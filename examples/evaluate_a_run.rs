//! Loads the best policy of a run and evaluates it.
//!
//! ```sh
//! cargo run --release --example evaluate_a_run -- results/examples/train_a_team
//! ```

#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use phalanx::env::ParallelEnvs;
use phalanx::rng::Purpose;
use phalanx::train::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy};
use phalanx::train::run::evaluate::evaluate;

fn main() -> anyhow::Result<()> {
    let run: PathBuf =
        std::env::args().nth(1).unwrap_or("results/examples/train_a_team".to_owned()).into();
    let (step, files) = RunCheckpoints::of(&run).load(CheckpointId::Best)?;
    let policy = load_policy(&files)?;

    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
    let mut envs = ParallelEnvs::new(32, 12345, Purpose::TestEnvironment, battles);
    let evaluation = evaluate(&policy, &mut envs, 320);

    println!("the policy after {step} steps, over {} new battles:", evaluation.episodes);
    for (name, value) in &evaluation.means {
        println!("  {name:<24} {value:.3}");
    }
    Ok(())
}
