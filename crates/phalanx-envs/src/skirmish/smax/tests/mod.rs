//! Promises of SMAX that need its inside.

mod chance;
mod golden;
mod interface;
mod players;
mod records;
mod rules;

use super::*;
use phalanx_core::env::{BatchMut, Rows};

/// A battle with the buffers it writes into.
struct Field {
    env: Smax,
    rng: Rng,
    rows: Rows,
}

impl Field {
    fn new(scenario: &str, args: &str) -> Self {
        let table = args.parse().expect("the test writes TOML");
        let args = SmaxArgs::from_table(&table).expect("the test's arguments are good");
        let env = Smax::new(scenario, args).expect("the test names a scenario");
        let rows = Rows::new(env.spec(), 1, 1);
        let mut field = Self { rng: Rng::stream(1, Purpose::Check, 0), rows, env };
        field.reset();
        field
    }

    fn play<R>(&mut self, call: impl FnOnce(&mut Smax, &mut Rng, StepMut<'_>) -> R) -> R {
        let BatchMut { obs, state, avail, alive, info, .. } = self.rows.at_mut(0);
        call(&mut self.env, &mut self.rng, StepMut { obs, state, avail, alive, info })
    }

    fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    fn step(&mut self, actions: &[u16]) -> Outcome {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }

    fn put(&mut self, unit: usize, x: f32, y: f32) {
        (self.env.battle.x[unit], self.env.battle.y[unit]) = (x, y);
    }

    /// Writes observations and masks again after the test has moved units.
    fn rewrite(&mut self) {
        self.env.battle.settle();
        self.play(|env, _, out| env.write(out));
    }

    /// The masks as numbers.
    fn masks(&self) -> Vec<f32> {
        self.rows.avail.iter().map(|&open| f32::from(u8::from(open))).collect()
    }
}
