//! Copies of the checked environment.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value};

use super::SEED;
use super::names::{Names, flags, numbers};
use crate::env::parallel::panic_message;
use crate::env::{BatchBuffers, Env, StepBuffers, StepResult, StepRows};
use crate::rng::{Purpose, Rng};

/// Runs `call` of an environment; a panic is an error.
///
/// The check ends with the first error, so nothing uses an environment that has panicked.
pub(super) fn guard<R>(call: &str, run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run))
        .map_err(|cause| format!("{call} panicked: {}", panic_message(&*cause)))
}

/// One copy of the environment, with the buffers it writes into.
pub(super) struct EnvCopy<E> {
    pub(super) env: E,
    pub(super) rng: Rng,
    pub(super) rows: StepRows,
    /// The contents of the slices before each call. Copies use different values, so that an element
    /// that is not written shows as a difference.
    filler: (f32, bool),
}

/// The other copy of a comparison.
#[derive(Clone, Copy)]
pub(super) enum Other {
    SameSeed,
    Restored,
}

impl Other {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SameSeed => "a second copy with the same seed",
            Self::Restored => "a copy restored in mid-episode",
        }
    }
}

impl<E: Env> EnvCopy<E> {
    pub(super) fn new(env: E, number: f32, flag: bool) -> Self {
        let rows = StepRows::new(env.spec(), 1, 1);
        Self { rng: Rng::stream(SEED, Purpose::Check, 0), rows, filler: (number, flag), env }
    }

    fn play<R>(
        &mut self,
        call: &str,
        run: impl FnOnce(&mut E, &mut Rng, StepBuffers<'_>) -> R,
    ) -> Result<R, String> {
        let BatchBuffers { obs, state, avail, alive, info, agent_rewards, .. } =
            self.rows.at_mut(0);
        for numbers in [&mut *obs, &mut *state, &mut *info, &mut *agent_rewards] {
            numbers.fill(self.filler.0);
        }
        for flags in [&mut *avail, &mut *alive] {
            flags.fill(self.filler.1);
        }
        let out = StepBuffers { obs, state, avail, alive, info, agent_rewards };
        let (env, rng) = (&mut self.env, &mut self.rng);
        guard(call, || run(env, rng, out))
    }

    pub(super) fn reset(&mut self) -> Result<(), String> {
        self.play("`reset`", |env, rng, out| env.reset(rng, out))
    }

    pub(super) fn step(&mut self, actions: &[u16]) -> Result<StepResult, String> {
        self.play("`step`", |env, rng, out| env.step(actions, rng, out))
    }

    /// Writes the actions of a scripted policy.
    pub(super) fn scripted_actions(
        &mut self,
        policy: usize,
        rng: &mut Rng,
        actions: &mut [u16],
    ) -> Result<(), String> {
        // An action that is not written is not available.
        actions.fill(u16::MAX);
        let (env, avail) = (&mut self.env, &self.rows.avail);
        guard("`scripted_actions`", || env.scripted_actions(policy, avail, rng, actions))
    }

    pub(super) fn save(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        guard("`save`", || self.env.save(&mut bytes))?;
        Ok(bytes)
    }

    pub(super) fn frame(&self) -> Result<Map<String, Value>, String> {
        guard("`frame`", || self.env.frame())
    }

    /// Compares what two copies wrote, and their streams.
    pub(super) fn compare(&self, other: &Self, which: Other, names: &Names) -> Result<(), String> {
        let copy = which.name();
        for ((name, ours), (_, theirs)) in numbers(&self.rows).into_iter().zip(numbers(&other.rows))
        {
            let different = ours.iter().zip(theirs).position(|(a, b)| a.to_bits() != b.to_bits());
            if let Some(i) = different {
                let (name, a, b) = (name(names, i), ours[i], theirs[i]);
                return Err(if (a, b) == (self.filler.0, other.filler.0) {
                    format!("{name} is not written")
                } else {
                    format!("{name} is {a}, but {b} in {copy}")
                });
            }
        }
        for ((name, ours), (_, theirs)) in flags(&self.rows).into_iter().zip(flags(&other.rows)) {
            if let Some(i) = ours.iter().zip(theirs).position(|(a, b)| a != b) {
                let name = name(names, i);
                return Err(format!("{name} is not written, or differs in {copy}"));
            }
        }
        if self.rng == other.rng {
            Ok(())
        } else {
            Err(format!("the number of random draws differs in {copy}"))
        }
    }
}
