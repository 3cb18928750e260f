//! Environments: what a simulator implements and what a trainer sees.
//!
//! A simulator implements [`Env`] for one environment. The trainer sees a [`VecEnv`], a batch
//! stepped at once: [`ParallelEnvs`] makes one of any `Env`. [`check_env`] tests that an
//! environment keeps the contract the rest of the library relies on.

mod buffers;
mod check;
mod environment;
mod parallel;
mod saved_state;
mod spec;
mod step;
mod vec_env;

pub use buffers::{BatchBuffers, StepBuffers, StepRows};
pub use check::{CheckError, CheckReport, check_allocations, check_env};
pub use environment::Env;
pub use parallel::ParallelEnvs;
pub use saved_state::{EnvError, pack, unpack};
pub use spec::{AgentSpec, Description, EnvSpec};
pub use step::{StepResult, StepStatus};
pub use vec_env::{Crash, VecEnv};
