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
        .show_progress()
        .run_overwriting("results/examples/train_a_team")?;

    let won = summary.last.battle_won_mean().unwrap_or_default();
    println!("{:.0}% of the battles won; see {}", 100.0 * won, summary.path.display());
    Ok(())
}
