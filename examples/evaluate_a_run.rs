//! Evaluates the best policy of a run in new battles.
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
    let run = std::env::args().nth(1).unwrap_or("results/examples/train_a_team".to_owned());
    let (_, files) = RunCheckpoints::of(&PathBuf::from(run)).load(CheckpointId::Best)?;
    let policy = load_policy(&files)?;

    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
    let mut envs = ParallelEnvs::new(32, 12345, Purpose::TestEnvironment, battles);
    for (name, mean) in evaluate(&policy, &mut envs, 320).means {
        println!("{name:<24} {mean:.3}");
    }
    Ok(())
}
