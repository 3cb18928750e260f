//! The trainer's view: a batch of environments, stepped together.

use super::buffers::BatchBuffers;
use super::saved_state::EnvError;
use super::spec::EnvSpec;

/// `n_envs` environments of one kind, stepped together.
///
/// [`ParallelEnvs`](super::ParallelEnvs) implements it for copies of any [`Env`](super::Env). A
/// simulator that is batched by nature may implement it directly.
pub trait VecEnv: Send {
    /// Returns the specification that all environments share.
    fn spec(&self) -> &EnvSpec;

    /// Returns the number of environments.
    fn n_envs(&self) -> usize;

    /// Starts an episode in every environment `i` with `active[i]`; other rows are not written.
    fn reset(&mut self, active: &[bool], out: BatchBuffers<'_>);

    /// Steps every environment `i` with `active[i]`; other rows are not written.
    ///
    /// `actions` is `[env, agent]`. The caller must reset an environment after its episode ended; until
    /// then, the last observation can be read.
    fn step(&mut self, actions: &[u16], active: &[bool], out: BatchBuffers<'_>);

    /// Returns the environments that panicked since the last call, in the order of their indices.
    fn take_crashes(&mut self) -> Vec<Crash> {
        Vec::new()
    }

    /// Appends the states of all environments and of their random streams to `out`.
    fn save(&self, out: &mut Vec<u8>);

    /// Restores a state written by [`VecEnv::save`].
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged or hold another number of environments.
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError>;
}

/// An environment that panicked and was rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The environment's index.
    pub env: usize,
    /// The message of the panic.
    pub message: String,
}
