//! Environments, networks, mixers and returns for cooperative multi-agent reinforcement learning.
//!
//! - [`mod@env`] defines environments ([`env::Env`]), batches of them as trainers use them
//!   ([`env::VecEnv`]), and a conformance kit ([`env::check_env`]).
//! - [`rng`] is the only source of randomness.
//! - [`rl`] holds returns, advantages and schedules.
//! - [`settings`] validates settings.
//! - [`terminal`] writes lines to standard error.
//! - `nn` (feature `nn`) holds agent networks, mixers and optimizers.
//!
//! The same seed gives the same bits for any number of threads.

pub mod env;
#[cfg(feature = "nn")]
pub mod nn;
pub mod rl;
pub mod rng;
pub mod settings;
pub mod terminal;
