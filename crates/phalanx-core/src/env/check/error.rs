//! Violations of the contract.

use std::fmt;

use super::super::saved_state::EnvError;

/// A violation of the contract of [`Env`](crate::env::Env).
///
/// `Debug` prints the same sentence as `Display`, so that `fn main() -> Result<(), CheckError>` and
/// `expect` report it legibly.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The specification contradicts itself.
    #[error("the specification of `{id}` is invalid: {reason}")]
    Spec {
        /// The environment.
        id: String,
        /// The problem.
        reason: String,
    },
    /// [`Env::describe`](crate::env::Env::describe) does not match the specification.
    #[error("the description of `{id}` is invalid: {reason}")]
    Description {
        /// The environment.
        id: String,
        /// The problem.
        reason: String,
    },
    /// A call outside an episode failed, such as the constructor.
    #[error("`{id}`: {reason}")]
    Call {
        /// The environment; its type, if it could not be made.
        id: String,
        /// The problem.
        reason: String,
    },
    /// A reset, a step or a call between two steps broke the contract.
    #[error("`{id}`, episode {episode}, {}: {reason}", moment(*.step, .actions, *.seed))]
    Step {
        /// The environment.
        id: String,
        /// The episode, counted from zero.
        episode: u64,
        /// The step in the episode; zero is the reset.
        step: u64,
        /// The actions of the step, `[agent]`; empty for the reset.
        actions: Vec<u16>,
        /// The seed that reproduces it.
        seed: u64,
        /// The problem.
        reason: String,
    },
    /// A state that the environment saved itself cannot be loaded.
    #[error(
        "`{id}` cannot load the state that it saved in episode {episode}, step {step}: {cause}"
    )]
    Restore {
        /// The environment.
        id: String,
        /// The episode, counted from zero.
        episode: u64,
        /// The step after which the state was saved; zero is the reset.
        step: u64,
        /// The error of [`Env::load`](crate::env::Env::load).
        cause: EnvError,
    },
}

impl fmt::Debug for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn moment(step: u64, actions: &[u16], seed: u64) -> String {
    if step == 0 {
        format!("reset (seed {seed})")
    } else {
        format!("step {step} with the actions {actions:?} (seed {seed})")
    }
}
