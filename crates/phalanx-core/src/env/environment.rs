//! The trait of a single environment.

use serde_json::{Map, Value};

use super::buffers::StepBuffers;
use super::saved_state::EnvError;
use super::spec::{Description, EnvSpec};
use super::step::StepResult;
use crate::rng::Rng;

/// A cooperative multi-agent environment: a team of agents with a shared reward.
///
/// Five methods are required. An environment may also report a reward for each agent
/// ([`EnvSpec::agent_rewards`]), name its indices ([`describe`](Env::describe)), bring scripted policies
/// and show more in recorded traces ([`frame`](Env::frame)).
///
/// # Contract
///
/// [`check_env`](super::check_env) tests all of it, except for allocations, which
/// [`check_allocations`](super::check_allocations) tests:
///
/// - `reset` and `step` write *every* element of the slices in [`StepBuffers`] with finite numbers, and
///   allocate nothing after the first episode.
/// - All randomness comes from the stream passed in; the same seed and actions give the same bits.
/// - Every agent always has an available action. A dead agent has exactly one, and stays dead until
///   the next reset.
/// - An episode ends within [`EnvSpec::episode_limit`] steps. At the limit, `step` returns
///   [`StepStatus::Truncated`](super::StepStatus::Truncated) unless the task ended. After a step that
///   ends the episode, the next call is `reset`.
/// - [`save`](Env::save) and [`load`](Env::load) carry the whole state, also in mid-episode.
/// - [Scripted policies](Env::scripted_policies) choose available actions.
/// - [`describe`](Env::describe) and [`frame`](Env::frame) may be called at any time and change nothing.
///
/// ```
/// use phalanx_core::env::*;
/// use phalanx_core::rng::Rng;
///
/// /// Two agents are rewarded for choosing the same one of three levers.
/// struct Levers(EnvSpec);
///
/// impl Levers {
///     fn new() -> Self {
///         Self(EnvSpec { n_actions: 3, ..EnvSpec::new("levers", 2) })
///     }
/// }
///
/// impl Env for Levers {
///     fn spec(&self) -> &EnvSpec {
///         &self.0
///     }
///     fn reset(&mut self, _: &mut Rng, mut out: StepBuffers<'_>) {
///         out.clear();
///     }
///     fn step(&mut self, actions: &[u16], _: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
///         out.clear();
///         let reward = if actions[0] == actions[1] { 1.0 } else { 0.0 };
///         StepResult { reward, status: StepStatus::Terminated }
///     }
///     fn save(&self, _: &mut Vec<u8>) {}
///     fn load(&mut self, _: &[u8]) -> Result<(), EnvError> {
///         Ok(())
///     }
/// }
///
/// check_env(Levers::new, 1000).expect("the environment meets the contract");
/// ```
pub trait Env: Send {
    /// Returns the specification. It never changes.
    fn spec(&self) -> &EnvSpec;

    /// Starts an episode and writes the observations before the first action.
    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>);

    /// Plays one step with one action per agent, `[agent]`.
    ///
    /// Every action must be available under the mask written last; otherwise the environment may
    /// panic.
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult;

    /// Appends the whole state to `out`.
    ///
    /// [`pack`](super::pack) turns any serializable value into bytes; the random stream is saved by the
    /// caller.
    fn save(&self, out: &mut Vec<u8>);

    /// Restores a state written by [`Env::save`] of an environment of the same kind.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not such a state. The environment is then unchanged;
    /// [`unpack`](super::unpack) returns the right error.
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError>;

    /// Explains every index of observation, state and action. Errors and `phalanx describe` use the texts.
    fn describe(&self) -> Description {
        Description::unnamed(self.spec())
    }

    /// Returns the scripted policies of the environment, each with its name and one sentence about
    /// it. The first is the default (`heuristic`).
    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Writes the actions, `[agent]`, that policy number `policy` of [`Env::scripted_policies`]
    /// chooses.
    ///
    /// `avail` is the mask of the last reset or step, `[agent, n_actions]`; every action must be
    /// available under it. Random choices must use `rng`, not the environment's stream. The call must not
    /// change the environment, except for the policy's internal state, which lasts until the next reset
    /// and is part of what [`Env::save`] writes.
    ///
    /// # Panics
    ///
    /// Panics if there is no such policy.
    fn scripted_actions(
        &mut self,
        policy: usize,
        avail: &[bool],
        rng: &mut Rng,
        actions: &mut [u16],
    ) {
        let _ = (avail, rng, actions);
        panic!("`{}` has no scripted policy {policy}", self.spec().id);
    }

    /// Returns additional values for the current line of a recorded trace, such as the list `units` of a
    /// battle.
    fn frame(&self) -> Map<String, Value> {
        Map::new()
    }
}

impl<E: Env + ?Sized> Env for Box<E> {
    fn spec(&self) -> &EnvSpec {
        (**self).spec()
    }
    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        (**self).reset(rng, out);
    }
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        (**self).step(actions, rng, out)
    }
    fn save(&self, out: &mut Vec<u8>) {
        (**self).save(out);
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (**self).load(bytes)
    }
    fn describe(&self) -> Description {
        (**self).describe()
    }
    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        (**self).scripted_policies()
    }
    fn scripted_actions(
        &mut self,
        policy: usize,
        avail: &[bool],
        rng: &mut Rng,
        actions: &mut [u16],
    ) {
        (**self).scripted_actions(policy, avail, rng, actions);
    }
    fn frame(&self) -> Map<String, Value> {
        (**self).frame()
    }
}
