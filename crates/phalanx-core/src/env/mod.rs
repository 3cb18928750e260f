//! Environments: what a simulator implements and what a trainer sees.
//!
//! A simulator implements [`Env`] for one environment. The trainer sees a [`VecEnv`], a batch
//! stepped at once: [`ParallelEnvs`] makes one of any `Env`. [`check_env`] tests that an
//! environment keeps the contract the rest of the library relies on.

mod check;
#[allow(clippy::module_inception)]
mod env;
mod parallel;
mod spec;
mod vec_env;

pub use check::{CheckError, CheckReport, Steps, check_env};
pub use env::{End, Env, EnvError, Outcome, StepMut, pack, unpack};
pub use parallel::ParallelEnvs;
pub use spec::{AgentSpec, Description, EnvSpec};
pub use vec_env::{BatchMut, Crash, Rows, VecEnv};
