//! Trains three marines with QMIX and prints their win rate.
//!
//! ```sh
//! cargo run --release --example train_a_team -- 300000
//! ```
//!
//! The optional argument is the number of environment steps.

#![allow(clippy::print_stdout)]

use phalanx::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let steps = std::env::args().nth(1).map_or(Ok(300_000), |text| text.parse())?;
    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;

    let summary = Trainer::new(Qmix::default(), battles)
        .seed(1)
        .t_max(steps)
        .run_overwriting("results/examples/train_a_team")?;

    let won = summary.last.battle_won_mean().unwrap_or_default();
    println!(
        "after {} steps the team wins {:.0}% of its battles",
        summary.progress.t_env,
        100.0 * won
    );
    println!("the run folder is {}", summary.path.display());
    Ok(())
}
