//! The environment traits, the buffers that environments write into, and a conformance kit.
//!
//! A simulator implements [`Env`]. The trainer steps a [`VecEnv`], a batch of environments;
//! [`ParallelEnvs`] turns copies of any `Env` into one. [`check_env`] tests that an environment meets the
//! contract on which the rest of the library relies.

mod buffers;
mod check;
mod entities;
mod environment;
mod parallel;
mod saved_state;
mod spec;
mod step;
mod vec_env;

pub use buffers::{AgentBuffers, BatchBuffers, StepBuffers, StepRows};
pub use check::{CheckError, CheckReport, check_allocations, check_env};
pub use entities::{Entity, EntityError, EntityLayout, EntityType, Presence};
pub use environment::Env;
pub use parallel::ParallelEnvs;
pub use saved_state::{EnvError, pack, unpack};
pub use spec::{AgentSpec, Description, EnvSpec};
pub use step::{StepResult, StepStatus};
pub use vec_env::{Crash, VecEnv};
