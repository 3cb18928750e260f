//! An environment with the buffers it writes into, for tests.

use phalanx_core::env::{Env, StepBuffers, StepResult, StepRows};
use phalanx_core::rng::{Purpose, Rng};

pub(crate) struct Fixture<E> {
    pub(crate) env: E,
    pub(crate) rng: Rng,
    pub(crate) rows: StepRows,
}

impl<E: Env> Fixture<E> {
    /// Begins the first episode of `env`.
    pub(crate) fn start(env: E) -> Self {
        let rows = StepRows::new(env.spec(), 1, 1);
        let mut field = Self { rng: Rng::stream(1, Purpose::Check, 0), rows, env };
        field.reset();
        field
    }

    pub(crate) fn play<R>(
        &mut self,
        call: impl FnOnce(&mut E, &mut Rng, StepBuffers<'_>) -> R,
    ) -> R {
        let mut rows = self.rows.at_mut(0);
        let out = rows.row(self.env.spec(), 0);
        call(&mut self.env, &mut self.rng, out)
    }

    pub(crate) fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    pub(crate) fn step(&mut self, actions: &[u16]) -> StepResult {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }
}
