//! One environment: the trait a simulator implements.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::spec::{Description, EnvSpec};
use crate::rng::Rng;

/// A cooperative multi-agent environment: a team acts, and shares one reward.
///
/// An environment may say, in addition, what each agent's own reward is
/// ([`EnvSpec::agent_rewards`]).
///
/// The contract, which [`check_env`](super::check_env) tests:
///
/// - `reset` and `step` write *every* element of the slices they are handed, and allocate nothing.
/// - All randomness comes from the stream handed in; the same seed and actions give the same bits.
/// - Every agent always has a legal action. A dead agent has exactly one, and stays dead until the
///   next reset.
/// - After an end is reported, the next call is `reset`.
/// - [`save`](Env::save) and [`load`](Env::load) carry the whole state, in mid-episode too.
/// - [`scripted`](Env::scripted) players, where there are some, choose legal actions.
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
///
///     fn observe(out: StepMut<'_>) {
///         out.obs.fill(1.0);
///         out.state.fill(1.0);
///         out.avail.fill(true);
///         out.alive.fill(true);
///     }
/// }
///
/// impl Env for Levers {
///     fn spec(&self) -> &EnvSpec {
///         &self.0
///     }
///     fn reset(&mut self, _: &mut Rng, out: StepMut<'_>) {
///         Self::observe(out);
///     }
///     fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepMut<'_>) -> Outcome {
///         Self::observe(out);
///         let reward = if actions[0] == actions[1] { 1.0 } else { 0.0 };
///         Outcome { reward, end: End::Terminated }
///     }
///     fn save(&self, _: &mut Vec<u8>) {}
///     fn load(&mut self, _: &[u8]) -> Result<(), EnvError> {
///         Ok(())
///     }
/// }
///
/// check_env(Levers::new, Steps(1000)).expect("the environment keeps the contract");
/// ```
pub trait Env: Send {
    /// The sizes and rules. They never change.
    fn spec(&self) -> &EnvSpec;

    /// Starts an episode and writes what the agents see before their first action.
    fn reset(&mut self, rng: &mut Rng, out: StepMut<'_>);

    /// Plays one step with one action per agent, `[agent]`.
    ///
    /// Every action is legal under the mask written last; an environment may panic otherwise.
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepMut<'_>) -> Outcome;

    /// Appends the whole state to `out` ([`pack`] turns any serializable value into bytes).
    fn save(&self, out: &mut Vec<u8>);

    /// Takes over a state written by [`Env::save`] of an environment of the same kind.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a state. The environment is then unchanged.
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError>;

    /// Explains every index of observation, state and action.
    fn describe(&self) -> Description {
        Description::unnamed(self.spec())
    }

    /// The scripted players that can choose for the agents, each by its name and with a sentence
    /// about it. The first is the usual one.
    fn players(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Writes the actions, `[agent]`, that number `player` of [`Env::players`] chooses now: all
    /// legal under the mask written last.
    ///
    /// Chance in its choices is drawn from `rng`, which is not the environment's own stream. What
    /// the player remembers until the next reset is part of what [`Env::save`] writes; beside that,
    /// asking changes nothing.
    ///
    /// # Panics
    ///
    /// When there is no such player.
    fn scripted(&mut self, player: usize, rng: &mut Rng, actions: &mut [u16]) {
        let _ = (rng, actions);
        panic!("`{}` has no scripted player {player}", self.spec().id);
    }

    /// What a recorded trace shows of the present moment, beside actions and reward: for battles
    /// the list `units`.
    fn frame(&self) -> Map<String, Value> {
        Map::new()
    }
}

impl<E: Env + ?Sized> Env for Box<E> {
    fn spec(&self) -> &EnvSpec {
        (**self).spec()
    }
    fn reset(&mut self, rng: &mut Rng, out: StepMut<'_>) {
        (**self).reset(rng, out);
    }
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepMut<'_>) -> Outcome {
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
    fn players(&self) -> &'static [(&'static str, &'static str)] {
        (**self).players()
    }
    fn scripted(&mut self, player: usize, rng: &mut Rng, actions: &mut [u16]) {
        (**self).scripted(player, rng, actions);
    }
    fn frame(&self) -> Map<String, Value> {
        (**self).frame()
    }
}

/// The slices an environment writes into.
#[derive(Debug)]
pub struct StepMut<'a> {
    /// Observations, `[agent, obs_dim]`.
    pub obs: &'a mut [f32],
    /// The state, `[state_dim]`.
    pub state: &'a mut [f32],
    /// Available actions, `[agent, n_actions]`.
    pub avail: &'a mut [bool],
    /// Which agents are alive, `[agent]`.
    pub alive: &'a mut [bool],
    /// The numbers named by [`EnvSpec::info`]; read when an episode ends.
    pub info: &'a mut [f32],
    /// The reward of each agent for the step, `[agent]`, zeros after a reset; empty unless
    /// [`EnvSpec::agent_rewards`].
    pub agent_rewards: &'a mut [f32],
}

/// Whether and how an episode ended with a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The episode goes on.
    #[default]
    Running,
    /// The task ended: the state after it has no value.
    Terminated,
    /// The episode was cut short by its limit: the last state still has a value, unless
    /// [`EnvSpec::timeout_is_terminal`].
    Truncated,
    /// The environment panicked and was rebuilt; what was written for this step means nothing.
    Crashed,
}

impl End {
    /// Whether the episode is over.
    pub fn is_over(self) -> bool {
        self != Self::Running
    }
}

/// What a step brought the team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The reward the team shares.
    pub reward: f32,
    /// Whether the episode ended.
    pub end: End,
}

/// What can go wrong with an environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvError {
    /// Bytes handed to a `load` are not what the matching `save` wrote.
    #[error("the saved state of {what} cannot be read: {reason}")]
    BadState {
        /// What was to be restored.
        what: String,
        /// What is wrong with the bytes.
        reason: String,
    },
}

/// Appends `value` to `out` in a compact binary form.
///
/// # Panics
///
/// When the type cannot be represented (a map without a length, say), which is a programming error.
pub fn pack<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let bytes = postcard::to_stdvec(value).expect("plain data always has a binary form");
    out.extend_from_slice(&bytes);
}

/// Reads a value written by [`pack`]; `what` names it in the error.
///
/// # Errors
///
/// When the bytes are damaged, too short or too long.
pub fn unpack<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, EnvError> {
    let bad = |reason: String| EnvError::BadState { what: what.to_owned(), reason };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| bad(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(bad(format!("{} bytes too many", rest.len()))) }
}
