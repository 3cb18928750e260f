//! Predator and prey on a grid, with a price for trying to catch alone.
//!
//! The *stag hunt* of Deep Coordination Graphs (Böhmer et al. 2020), which Weighted QMIX (Rashid
//! et al. 2020), PyMARL2 and ConcaveQ (Li et al. 2024) use under the name *predator-prey*: prey is
//! caught when two neighbouring agents play *catch* in the same step; an agent that tries alone
//! costs the team a penalty, so that catching looks bad as long as the others explore
//! (*relative overgeneralisation*).
//!
//! - [`PredatorPreyArgs`]: everything that can be chosen, under the names of the originals.
//! - `grid` is the shape of the world, `state` the positions in it, `rules` one step.
//! - `observation` writes observation, state and mask; `describe` explains and draws them.
//! - `scripted` is a scripted policy that sees the whole grid.
//!
//! The rules, and where they differ from the originals, are in `docs/environments/predator_prey.md`.

mod args;
mod describe;
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
        // Made anew each time: a clone would lack the room that is reserved for lists that grow.
        Ok(Factory::new(move || {
            PredatorPrey::new(args.clone()).expect("the same arguments were accepted before")
        }))
    })]
}

/// The scripted policies, each with what it does.
pub const SCRIPTED_POLICIES: &[(&str, &str)] = &[(
    "greedy_hunt",
    "Sees the whole grid; groups of just enough agents close in on the nearest prey, and play catch \
     only when all of the group stand next to it.",
)];
