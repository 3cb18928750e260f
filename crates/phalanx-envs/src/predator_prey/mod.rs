//! Predator-prey on a grid, with a penalty for solo captures.
//!
//! The *stag hunt* of Deep Coordination Graphs (Böhmer et al. 2020), which Weighted QMIX (Rashid et al.
//! 2020), PyMARL2 and ConcaveQ (Li et al. 2024) call *predator-prey*: prey is caught when two
//! neighbouring agents play *catch* in the same step. An agent that tries alone costs the team a
//! penalty, so that catching looks bad as long as the others explore (*relative overgeneralisation*).
//!
//! - [`PredatorPreyArgs`]: all arguments, under the names of the originals.
//! - `grid` is the shape of the world, `state` the positions in it, and `rules` plays one step.
//! - `observation` writes observations, state and masks; `describe` explains and draws them.
//! - `scripted` is a scripted policy that sees the whole grid.
//!
//! The rules, and where they differ from the originals, are in `docs/environments/predator_prey.md`.

mod args;
mod describe;
mod entities;
mod env;
mod grid;
mod observation;
mod rules;
mod scripted;
mod state;

#[cfg(test)]
mod tests;

pub use args::{ARGUMENTS, PredatorPreyArgs};
pub use env::PredatorPrey;

use crate::registry::{EnvEntry, Factory};

/// Returns the environments of this folder.
pub fn entries() -> Vec<EnvEntry> {
    vec![EnvEntry::new("predator_prey", PredatorPrey::SUMMARY, ARGUMENTS, |args| {
        let args = PredatorPreyArgs::from_table(args)?;
        PredatorPrey::new(args.clone())?;
        // Built anew each time: a clone would lose the reserved capacity of its lists.
        Ok(Factory::new(move || {
            PredatorPrey::new(args.clone()).expect("the same arguments were accepted before")
        }))
    })]
}

/// The scripted policies, each with a one-sentence description.
pub const SCRIPTED_POLICIES: &[(&str, &str)] = &[(
    "greedy_hunt",
    "Sees the whole grid; groups of just enough agents approach the nearest prey and catch it once \
     all of them are adjacent.",
)];
