//! Simulators for cooperative multi-agent reinforcement learning.
//!
//! - [`skirmish`]: StarCraft-like battles with the interface of SMAC and SMACv2.
//! - [`smax`]: SMAX, JaxMARL's battle game.
//! - [`matrix`]: matrix games of one or several steps.
//! - [`predator_prey`]: predator-prey on a grid, with a penalty for solo captures.
//! - [`football`]: football with the interface of Google Research Football.
//! - [`registry`]: all environments by identifier, with arguments from a configuration file.
//!
//! Every environment implements [`phalanx_core::env::Env`]. One random episode of `skirmish/3m`:
//!
//! ```
//! use phalanx_core::env::{Env, StepRows};
//! use phalanx_core::rng::{Purpose, Rng};
//! use phalanx_envs::registry;
//!
//! let mut env = registry::make("skirmish/3m", &toml::Table::new())?;
//! let spec = env.spec().clone();
//! let mut rows = StepRows::new(&spec, 1, 1);
//! let mut rng = Rng::stream(1, Purpose::Environment, 0);
//! let mut player = Rng::stream(1, Purpose::ScriptedPolicy, 0);
//!
//! env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
//! let mut total = 0.0;
//! loop {
//!     let masks = rows.avail.chunks_exact(spec.n_actions);
//!     let actions: Vec<u16> =
//!         masks.map(|mask| player.choose(mask).expect("an action is always available") as u16).collect();
//!     let outcome = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
//!     total += outcome.reward;
//!     if outcome.status.is_over() {
//!         break;
//!     }
//! }
//! assert!((0.0..=20.0).contains(&total));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arguments;
#[cfg(test)]
mod fixture;
pub mod football;
mod math;
pub mod matrix;
pub mod predator_prey;
pub mod registry;
pub mod skirmish;
pub mod smax;
