//! Football with the interface and the scenarios of Google Research Football, without its engine.
//!
//! One step is 0.1 s: ten frames of a match in which balls, bodies and the built-in players follow
//! rules whose numbers were measured on the original engine (Kurach et al. 2020, *Google Research
//! Football*).
//!
//! - `engine` plays a match: the ball, bodies, touches, goalkeepers, the referee and the built-in
//!   players.
//! - `scenarios` is the table of scenarios.
//! - `interface` makes an environment of it: actions, controllers, observations and rewards.
//!
//! What is modelled, and how close it is, is in `docs/environments/football.md`.

pub mod engine;
mod interface;
mod scenarios;

pub use interface::*;
pub use scenarios::{Placed, SCENARIOS, Scenario};

use crate::registry::{EnvEntry, Factory};

/// Returns the environments of this folder.
pub fn entries() -> Vec<EnvEntry> {
    let entry = |scenario: &'static Scenario| {
        EnvEntry::new(
            format!("football/{}", scenario.name),
            scenario.summary,
            ARGUMENTS,
            move |args| {
                let args = FootballArgs::from_table(args)?;
                let env = Football::new(scenario, args)?;
                Ok(Factory::new(move || env.clone()))
            },
        )
    };
    SCENARIOS.iter().map(entry).collect()
}
