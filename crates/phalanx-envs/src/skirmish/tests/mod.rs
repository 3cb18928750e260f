//! Tests of battles that need private items.

mod arguments;
mod generated;
mod golden;
mod interface;
mod kinds;
mod motion;
mod opponents;
mod outcomes;
mod pathfinding;
mod quirks;
mod regeneration;
mod rules;
mod scripted;
mod self_play;
mod smacv2;
mod weapons;

use phalanx_core::env::{Env, StepResult, StepStatus};
use phalanx_core::rng::{Purpose, Rng};

use super::engine::{Battle, NO_UNIT, Order, Units};
use super::*;

/// A small map similar to `MMM`. Agents: 0 marauder, 1 and 2 marines, 3 medivac; the enemies
/// have one marine more.
const HEALERS: &str = r#"
name = "healers"
limit = 150
terrain = "open"
ally_race = "terran"
enemy_race = "terran"
unit_type_bits = 3
enemy_order = "hold"
allies = [
    { unit = "medivac", count = 1, at = [9.0, 16.0], type_bit = 2 },
    { unit = "marauder", count = 1, at = [9.0, 16.0], type_bit = 0 },
    { unit = "marine", count = 2, at = [9.0, 16.0], type_bit = 1 },
]
enemies = [
    { unit = "medivac", count = 1, at = [23.0, 16.0], type_bit = 2 },
    { unit = "marauder", count = 1, at = [23.0, 16.0], type_bit = 0 },
    { unit = "marine", count = 3, at = [23.0, 16.0], type_bit = 1 },
]
"#;

/// A small map similar to `2s3z`, with the enemies' types swapped. Agents: 0 stalker, 1
/// and 2 zealots; enemies: 0 and 1 zealots, 2 stalker.
const SHIELDS: &str = r#"
name = "shields"
limit = 120
terrain = "open"
ally_race = "protoss"
enemy_race = "protoss"
unit_type_bits = 2
enemy_order = "hold"
allies = [
    { unit = "zealot", count = 2, at = [9.0, 16.0], type_bit = 1 },
    { unit = "stalker", count = 1, at = [9.0, 16.0], type_bit = 0 },
]
enemies = [
    { unit = "zealot", count = 2, at = [23.0, 16.0], type_bit = 0 },
    { unit = "stalker", count = 1, at = [23.0, 16.0], type_bit = 1 },
]
"#;

/// Returns a map on which enemies hold their places; units without types, as lists of groups.
fn arena(terrain: &str, allies: &str, enemies: &str) -> String {
    format!(
        r#"
        name = "arena"
        limit = 100000
        terrain = "{terrain}"
        ally_race = "terran"
        enemy_race = "terran"
        unit_type_bits = 0
        enemy_order = "hold"
        allies = [{allies}]
        enemies = [{enemies}]
        "#
    )
}

/// Units of one kind created at one point, as a group of a map.
fn at(unit: &str, count: usize, (x, y): (f32, f32)) -> String {
    format!(r#"{{ unit = "{unit}", count = {count}, at = [{x:.1}, {y:.1}] }}"#)
}

/// Tolerance against SMAC's features, which are computed in 64 bits.
const CLOSE: f32 = 2e-6;

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= CLOSE);
    assert!(close, "{what}: {found:?} is not {expected:?}");
}

type Field = crate::fixture::Fixture<Skirmish>;

impl Field {
    fn new(map: &str, args: &str) -> Self {
        Self::on(Map::named(map).expect("a built-in map"), args)
    }

    /// Starts a battle whose enemies do nothing.
    fn peaceful(map: &str, args: &str) -> Self {
        let mut field = Self::new(map, args);
        field.pacify();
        field
    }

    fn written(map: &str, args: &str) -> Self {
        Self::on(Map::parse(map).expect("a valid map"), args)
    }

    fn on(map: Map, args: &str) -> Self {
        let table = args.parse().expect("valid TOML");
        let args = SkirmishArgs::for_map(&map, &table).expect("the test's arguments are valid");
        Self::start(Skirmish::new(map, args).expect("the test's arguments are valid"))
    }

    /// Writes observations and masks again after the test has moved units.
    fn rewrite(&mut self) {
        self.play(|env, rng, out| env.write(rng, out));
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

    /// Orders the enemies to hold their positions and do nothing.
    fn pacify(&mut self) {
        for enemy in self.env.battle.n_allies..self.env.battle.len() {
            self.units().command(enemy, Order::Hold, NO_UNIT);
        }
    }

    /// Orders all living units to stop.
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
        masks.map(|mask| player.choose(mask).expect("an action is available") as u16).collect()
    }
}
