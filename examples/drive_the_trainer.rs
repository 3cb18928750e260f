//! Drives the trainer from a custom loop with a custom stopping rule.
//!
//! ```sh
//! cargo run --release --example drive_the_trainer -- 200000
//! ```
//!
//! The optional argument is the maximum number of environment steps.

#![allow(clippy::print_stdout)]

use phalanx::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let steps: u64 = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
    let mut trainer = Trainer::new(Ippo::default(), battles).seed(3);

    let mut next = 0;
    loop {
        let progress = trainer.iterate()?;
        if progress.t_env < next {
            continue;
        }
        next += 20_000;
        let evaluation = trainer.evaluate()?;
        let means = trainer.take_means()?;
        let won = evaluation.battle_won_mean().unwrap_or_default();
        println!(
            "{:>8} steps: {:>3.0}% won greedily, return {:.2}, entropy {:.3}",
            progress.t_env,
            100.0 * won,
            means.get("return_mean").copied().unwrap_or_default(),
            means["entropy"],
        );
        if won >= 0.9 || progress.t_env >= steps {
            break;
        }
    }
    // The weights, as they would be saved in a checkpoint.
    for file in trainer.weights()? {
        println!("{:>8} bytes {}", file.bytes.len(), file.name);
    }
    Ok(())
}
