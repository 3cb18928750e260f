//! Phalanx trains teams: cooperative multi-agent reinforcement learning.
//!
//! ```no_run
//! use phalanx::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let env = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
//! let outcome = Trainer::new(Qmix::default(), env).seed(1).t_max(500_000).run("results/3m")?;
//! println!("battles won: {:?}", outcome.last.battle_won_mean());
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! - [`mod@env`]: what an environment is, and a conformance kit for yours.
//! - [`envs`]: the simulators that come with the library.
//! - [`train`]: algorithms, the trainer, evaluation, checkpoints.
//! - [`nn`]: agent networks, mixers, optimizers.
//! - [`rl`]: returns, advantages, schedules.
//! - [`rng`]: the only source of randomness.
//! - [`settings`]: reports invalid settings.
//!
//! # What it promises
//!
//! The same seed gives the same bits for any number of threads, in learning too. An environment of
//! your own is one trait in one file. Nothing needs Python, StarCraft or CUDA.

pub use phalanx_core::{env, nn, rl, rng, settings};
pub use phalanx_envs as envs;
pub use phalanx_train as train;

/// The names most programs need.
pub mod prelude {
    pub use phalanx_core::env::{
        Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, check_env,
    };
    pub use phalanx_core::rng::Rng;
    pub use phalanx_train::Trainer;
    pub use phalanx_train::algorithms::{
        Ippo, Iql, Mappo, PolicyGradient, QLearning, QLearningSettings, Qmix, Vdn,
    };
}
