//! Copies of the checked environment.

use super::SEED;
use crate::env::{BatchBuffers, Env, StepBuffers, StepResult, StepRows};
use crate::rng::{Purpose, Rng};

/// One copy of the environment, with the buffers it writes into.
pub(super) struct Copy<E> {
    pub(super) env: E,
    pub(super) rng: Rng,
    pub(super) rows: StepRows,
    /// The contents of the slices before each call. Copies use different values, so that an element
    /// that is not written shows as a difference.
    filler: (f32, bool),
}

impl<E: Env> Copy<E> {
    pub(super) fn new(env: E, number: f32, flag: bool) -> Self {
        let rows = StepRows::new(env.spec(), 1, 1);
        Self { rng: Rng::stream(SEED, Purpose::Check, 0), rows, filler: (number, flag), env }
    }

    fn play<R>(&mut self, call: impl FnOnce(&mut E, &mut Rng, StepBuffers<'_>) -> R) -> R {
        let BatchBuffers { obs, state, avail, alive, info, agent_rewards, .. } =
            self.rows.at_mut(0);
        for numbers in [&mut *obs, &mut *state, &mut *info, &mut *agent_rewards] {
            numbers.fill(self.filler.0);
        }
        for flags in [&mut *avail, &mut *alive] {
            flags.fill(self.filler.1);
        }
        let out = StepBuffers { obs, state, avail, alive, info, agent_rewards };
        call(&mut self.env, &mut self.rng, out)
    }

    pub(super) fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    pub(super) fn step(&mut self, actions: &[u16]) -> StepResult {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }

    /// Writes the actions of a scripted policy.
    pub(super) fn scripted_actions(&mut self, policy: usize, rng: &mut Rng, actions: &mut [u16]) {
        // An action that is not written is not available.
        actions.fill(u16::MAX);
        self.env.scripted_actions(policy, rng, actions);
    }

    pub(super) fn compare(&self, other: &Self, name: &str) -> Result<(), String> {
        let numbers = [
            ("observation", &self.rows.obs, &other.rows.obs),
            ("state", &self.rows.state, &other.rows.state),
            ("info", &self.rows.info, &other.rows.info),
            ("agent reward", &self.rows.agent_rewards, &other.rows.agent_rewards),
        ];
        for (what, ours, theirs) in numbers {
            let different = ours.iter().zip(theirs).position(|(a, b)| a.to_bits() != b.to_bits());
            if let Some(i) = different {
                let (a, b) = (ours[i], theirs[i]);
                return Err(format!(
                    "{what} index {i} is {a} here and {b} in {name} (not written, or not \
                     determined by the seed)"
                ));
            }
        }
        let flags = [
            ("mask", &self.rows.avail, &other.rows.avail),
            ("alive flag", &self.rows.alive, &other.rows.alive),
        ];
        for (what, ours, theirs) in flags {
            if let Some(i) = ours.iter().zip(theirs).position(|(a, b)| a != b) {
                return Err(format!("{what} index {i} differs from {name}"));
            }
        }
        if self.rng == other.rng {
            Ok(())
        } else {
            Err(format!("the position of the random stream differs from {name}"))
        }
    }
}
