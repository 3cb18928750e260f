//! Changes a run from the program: a metric, a learning-rate schedule and a stopping rule of its own.
//!
//! ```sh
//! cargo run --release --example drive_the_trainer -- 200000
//! ```
//!
//! The optional argument is the largest number of environment steps. For a loop of your own, see
//! `Trainer::iterate`.

#![allow(clippy::print_stdout)]

use phalanx::prelude::*;
use phalanx::train::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The share of battles to win.
const ENOUGH: f64 = 0.9;

fn main() -> anyhow::Result<()> {
    let steps = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;

    let summary = Trainer::new(Ippo::default(), battles)
        .seed(3)
        .t_max(steps)
        .show_progress()
        .metric("test_return_min", smallest_return)
        .learning_rate(|progress| 1.0 - 0.5 * progress)
        .stop_if(wins)
        .run_overwriting("results/examples/drive_the_trainer")?;

    println!("ended after {} steps: {:?}", summary.progress.t_env, summary.ended);
    Ok(())
}

/// Returns the smallest return of an evaluation.
fn smallest_return(report: &Report) -> Option<f64> {
    report.evaluation.as_ref()?.returns.iter().copied().reduce(f64::min)
}

/// Returns whether the team wins often enough to stop.
fn wins(report: &Report) -> bool {
    report.evaluation.as_ref().is_some_and(|it| it.battle_won_mean() >= Some(ENOUGH))
}
