//! What SMAC and SMACv2 themselves observe of the same units, recorded by `golden/record.py`.

use serde::Deserialize;

use super::*;
use crate::skirmish::map::Roster;

/// One arrangement of units and what the original makes of it.
#[derive(Deserialize)]
struct Record {
    map: String,
    args: String,
    /// Kind, x, y, health, shield, energy, cooldown; the allies first.
    units: Vec<(String, f32, f32, f32, f32, f32, f32)>,
    looks: Vec<u8>,
    last_actions: Vec<u16>,
    obs: Vec<f32>,
    /// Empty where it consists of the observations.
    state: Vec<f32>,
    masks: Vec<String>,
}

impl Record {
    fn arrange(&self) -> Field {
        let map = Map::named(&self.map).expect("the record names a map");
        let n_allies = map.allies.len();
        let mut field = Field::on(map, &self.args);
        if field.env.map().generate.is_some() {
            let place = |kind: &String| {
                let unit = unit_index(kind).expect("the record names units");
                Placed { unit, type_bit: 0, x: 0.0, y: 0.0 }
            };
            let all: Vec<_> = self.units.iter().map(|unit| place(&unit.0)).collect();
            let (allies, enemies) = all.split_at(n_allies);
            let roster = Roster { allies: allies.to_vec(), enemies: enemies.to_vec() };
            field.env.enlist_for_test(roster);
        }
        for (unit, (kind, x, y, health, shield, energy, cooldown)) in self.units.iter().enumerate()
        {
            assert_eq!(field.env.battle.stats[unit].unit.name, kind, "{}", self.map);
            field.put(unit, *x, *y);
            field.units().health[unit] = *health;
            field.units().shield[unit] = *shield;
            field.units().energy[unit] = *energy;
            field.units().cooldown[unit] = *cooldown;
        }
        let memory = field.env.memory_for_test();
        memory.forget();
        memory.looks.copy_from_slice(&self.looks);
        memory.last_actions.copy_from_slice(&self.last_actions);
        field.env.set_step_for_test(3);
        field.rewrite();
        field.rewrite();
        field
    }
}

#[test]
fn observations_states_and_masks_are_those_of_the_originals() {
    let records: Vec<Record> =
        serde_json::from_str(include_str!("golden/smac.json")).expect("the record is well formed");
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
