//! Promises of the battle that need its inside.

mod interface;
mod outcomes;
mod players;
mod routes;
mod rules;

use super::*;
use phalanx_core::env::{BatchMut, Rows};
use phalanx_core::rng::Purpose;

/// A battle with the buffers it writes into.
struct Field {
    env: Skirmish,
    rng: Rng,
    rows: Rows,
}

impl Field {
    fn new(map: &str, args: &str) -> Self {
        let table = args.parse().expect("the test writes TOML");
        let args = SkirmishArgs::from_table(&table).expect("the test's arguments are good");
        let map = Map::named(map).expect("the test names a map");
        let env = Skirmish::new(map, args).expect("the test's arguments are good");
        let rows = Rows::new(env.spec(), 1, 1);
        let mut field = Self { rng: Rng::stream(1, Purpose::Check, 0), rows, env };
        field.reset();
        field
    }

    fn play<R>(&mut self, call: impl FnOnce(&mut Skirmish, &mut Rng, StepMut<'_>) -> R) -> R {
        let BatchMut { obs, state, avail, alive, info, .. } = self.rows.at_mut(0);
        call(&mut self.env, &mut self.rng, StepMut { obs, state, avail, alive, info })
    }

    fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    fn step(&mut self, actions: &[u16]) -> Outcome {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }

    /// Writes observations and masks again after the test has moved units.
    fn rewrite(&mut self) {
        self.play(|env, _, out| env.write(out));
    }

    fn units(&mut self) -> &mut Units {
        &mut self.env.battle.units
    }

    fn put(&mut self, unit: usize, x: f32, y: f32) {
        self.units().x[unit] = x;
        self.units().y[unit] = y;
    }

    fn kill(&mut self, unit: usize) {
        self.units().health[unit] = 0.0;
    }

    /// Lets the enemies stand where they are and do nothing.
    fn pacify(&mut self) {
        for enemy in self.env.battle.n_allies..self.env.battle.len() {
            self.units().command(enemy, Order::Hold, NOBODY);
        }
    }

    /// Everybody alive stops.
    fn idle(&self) -> Vec<u16> {
        self.rows.alive.iter().map(|&alive| if alive { STOP } else { NO_OP }).collect()
    }

    fn mask(&self, agent: usize) -> &[bool] {
        let n_actions = self.env.spec.n_actions;
        &self.rows.avail[agent * n_actions..][..n_actions]
    }

    fn row(&self, agent: usize) -> &[f32] {
        let obs_dim = self.env.spec.obs_dim;
        &self.rows.obs[agent * obs_dim..][..obs_dim]
    }

    fn random_actions(&mut self, player: &mut Rng) -> Vec<u16> {
        let masks = self.rows.avail.chunks_exact(self.env.spec.n_actions);
        masks.map(|mask| player.choose(mask).expect("something is legal") as u16).collect()
    }
}
