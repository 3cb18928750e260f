//! Comparison with SMAC and SMACv2 on the same units, recorded by `golden/record.py`.

use serde::Deserialize;

use super::*;
use crate::skirmish::maps::Rosters;

/// An arrangement of units with the original's observations, state and masks.
#[derive(Deserialize)]
struct Record {
    map: String,
    args: String,
    /// Kind, x, y, health, shield, energy, cooldown; the allies first.
    units: Vec<(String, f32, f32, f32, f32, f32, f32)>,
    looks: Vec<u8>,
    last_actions: Vec<u16>,
    obs: Vec<f32>,
    /// Empty if the state consists of the observations.
    state: Vec<f32>,
    masks: Vec<String>,
}

/// Returns a battle on a map with units of these kinds, the allies first.
fn staged(map: &str, args: &str, kinds: &[&str]) -> Field {
    let map = Map::named(map).expect("a built-in map");
    let mut field = Field::on(map, args);
    if field.env.map().generate.is_some() {
        let place = |kind: &&str| {
            let unit = unit_index(kind).expect("a known unit");
            Spawn { unit, type_bit: 0, x: 0.0, y: 0.0 }
        };
        let all: Vec<_> = kinds.iter().map(place).collect();
        let (allies, enemies) = all.split_at(field.env.battle.n_allies);
        let rosters = Rosters { allies: allies.to_vec(), enemies: enemies.to_vec() };
        field.env.set_rosters_for_test(rosters);
    }
    let found: Vec<_> = field.env.battle.stats.iter().map(|stats| stats.unit.name).collect();
    assert_eq!(found, kinds);
    field
}

impl Record {
    fn arrange(&self) -> Field {
        let kinds: Vec<_> = self.units.iter().map(|unit| unit.0.as_str()).collect();
        let mut field = staged(&self.map, &self.args, &kinds);
        for (unit, (_, x, y, health, shield, energy, cooldown)) in self.units.iter().enumerate() {
            field.put(unit, *x, *y);
            field.units().health[unit] = *health;
            field.units().shield[unit] = *shield;
            field.units().energy[unit] = *energy;
            field.units().cooldown[unit] = *cooldown;
        }
        let history = field.env.history_for_test();
        history.forget();
        history.looks.copy_from_slice(&self.looks);
        history.last_actions.copy_from_slice(&self.last_actions);
        field.env.set_step_for_test(3);
        field.rewrite();
        field.rewrite();
        field
    }
}

#[test]
fn observations_states_and_masks_match_the_originals() {
    let records: Vec<Record> = serde_json::from_str(include_str!("golden/observations.json"))
        .expect("the record is valid");
    assert_eq!(records.len(), 17);
    for record in &records {
        let what = format!("{} with {:?}", record.map, record.args);
        let field = record.arrange();
        assert_close(&field.rows.obs, &record.obs, &what);
        let state = if record.state.is_empty() { &record.obs } else { &record.state };
        assert_close(&field.rows.state, state, &what);
        for (agent, expected) in record.masks.iter().enumerate() {
            let mask: String =
                field.mask(agent).iter().map(|&open| if open { '1' } else { '0' }).collect();
            assert_eq!(mask, *expected, "{what}, agent {agent}");
        }
    }
}

/// The changes of one step and the original's reward for them.
#[derive(Deserialize)]
struct Settlement {
    map: String,
    args: String,
    /// Kind, then health and shield before and after the step; the allies first.
    units: Vec<(String, f32, f32, f32, f32)>,
    /// Steps played before.
    steps: usize,
    reward: f32,
    terminated: bool,
    won: bool,
    /// Allies, enemies.
    dead: (f32, f32),
}

#[test]
fn rewards_and_terminations_match_the_originals() {
    let records: Vec<Settlement> =
        serde_json::from_str(include_str!("golden/rewards.json")).expect("the record is valid");
    assert_eq!(records.len(), 4 * 4 * 9);
    for (number, record) in records.iter().enumerate() {
        let what = format!("{number}: {} with {:?}", record.map, record.args);
        let kinds: Vec<_> = record.units.iter().map(|unit| unit.0.as_str()).collect();
        let mut field = staged(&record.map, &record.args, &kinds);
        field.env.set_step_for_test(record.steps);
        for (unit, (_, health, shield, ..)) in record.units.iter().enumerate() {
            field.units().health[unit] = *health;
            field.units().shield[unit] = *shield;
        }
        field.env.begin_step();
        for (unit, (.., health, shield)) in record.units.iter().enumerate() {
            field.units().health[unit] = *health;
            field.units().shield[unit] = *shield;
        }
        let outcome = field.env.finish_step();
        field.rewrite();
        let (reward, expected) = (outcome.reward, record.reward);
        assert!((reward - expected).abs() <= 1e-4, "{what}: {reward}, not {expected}");
        assert_eq!(outcome.status.is_over(), record.terminated, "{what}");
        assert_eq!(field.rows.info[0], f32::from(u8::from(record.won)), "{what}");
        assert_eq!((field.rows.info[1], field.rows.info[2]), record.dead, "{what}");
    }
}
