//! Lets a trained team act in a loop of one's own, then records an episode of it.
//!
//! ```sh
//! cargo run --release --example deploy_a_team -- results/examples/train_a_team
//! ```
//!
//! The loop plays battles; it would be the same around a robot or a game, which only have to fill
//! `obs` and `avail`.

#![allow(clippy::print_stdout)]

use std::fs::File;
use std::io::BufWriter;

use phalanx::prelude::*;
use phalanx::train::trace::Trace;

fn main() -> anyhow::Result<()> {
    let run = std::env::args().nth(1).unwrap_or("results/examples/train_a_team".to_owned());
    let mut team = Player::load(&run)?;
    let mut battle = phalanx::envs::registry::make("skirmish/3m", &Default::default())?;

    let spec = battle.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(7, Purpose::TestEnvironment, 0);
    let (battles, mut total) = (100, 0.0);
    for _ in 0..battles {
        team.begin();
        battle.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        loop {
            let actions = team.act(&rows.obs, &rows.avail)?;
            let step = battle.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
            total += step.reward;
            if step.status.is_over() {
                break;
            }
        }
    }
    println!("mean return of {battles} battles: {:.2}", total / battles as f32);

    let file = format!("{run}.jsonl");
    let mut out = BufWriter::new(File::create(&file)?);
    let recorded = Trace::default().record(&mut battle, &mut team.into(), &mut out)?;
    println!("{} steps in {file}", recorded.steps);
    Ok(())
}
