//! The meaning of every index of a battle's observation, state and actions, in words.

use phalanx_core::env::{Description, EnvSpec};
use serde_json::{Map as Object, Value, json};

use super::args::{ObservationType, SmaxArgs};
use super::battle::{ATTACK, Battle};
use super::conic_observation;
use super::observation::ObservationWriter;
use super::scenario::Scenario;
use super::units::UNIT_TYPES;

/// Explains the observation, the state and the actions.
pub(crate) fn describe(
    scenario: &Scenario,
    args: &SmaxArgs,
    writer: &ObservationWriter,
    spec: &EnvSpec,
) -> Description {
    let names = Names { scenario, args, n_targets: writer.n_actions - usize::from(ATTACK) };
    let description = Description {
        summary: names.summary(),
        obs: names.obs(),
        state: names.state(),
        actions: names.actions(),
    };
    debug_assert_eq!(description.obs.len(), spec.obs_dim);
    debug_assert_eq!(description.state.len(), spec.state_dim);
    debug_assert_eq!(description.actions.len(), spec.n_actions);
    description
}

struct Names<'a> {
    scenario: &'a Scenario,
    args: &'a SmaxArgs,
    n_targets: usize,
}

impl Names<'_> {
    fn summary(&self) -> String {
        let mut text = format!("SMAX battle: {}", self.scenario.sides());
        if self.args.self_play {
            text.push_str(
                "; self-play: agents control both teams, and enemies count units backwards",
            );
        }
        text + "."
    }

    fn actions(&self) -> Vec<String> {
        let fixed = [
            "move north (+y)",
            "move east (+x)",
            "move south (-y)",
            "move west (-x)",
            "stop (the only action of dead agents)",
        ];
        let attacks = (0..self.n_targets).map(|slot| self.attack(slot));
        fixed.iter().map(|&text| text.to_owned()).chain(attacks).collect()
    }

    fn attack(&self, slot: usize) -> String {
        if !self.args.self_play {
            return format!("attack enemy {slot}");
        }
        let ally = (slot < self.scenario.n_enemies()).then(|| format!("enemy {slot}"));
        let n_allies = self.scenario.n_allies();
        let enemy = (slot < n_allies).then(|| format!("ally {}", n_allies - 1 - slot));
        let none = || "none".to_owned();
        let (ally, enemy) = (ally.unwrap_or_else(none), enemy.unwrap_or_else(none));
        format!("attack {ally} (allies) or {enemy} (enemies)")
    }

    fn obs(&self) -> Vec<String> {
        let mut names = Vec::new();
        match self.args.observation_type {
            ObservationType::UnitList => self.list(&mut names),
            ObservationType::Conic => {
                for section in 0..conic_observation::SECTIONS {
                    let width = 360.0 / conic_observation::SECTIONS as f32;
                    let from = section as f32 * width - 180.0;
                    for unit in 0..conic_observation::PER_SECTION {
                        let subject = format!("sector {from}° to {}°, unit {unit}", from + width);
                        other(&subject, &mut names);
                    }
                }
            }
        }
        names.push("self: health / maximum".to_owned());
        names.push(format!("self: x / {}", self.args.map_width));
        names.push(format!("self: y / {}", self.args.map_height));
        names.push("self: weapon cooldown / maximum".to_owned());
        types("self", &mut names);
        names
    }

    fn list(&self, names: &mut Vec<String>) {
        let (n_allies, n_enemies) = (self.scenario.n_allies(), self.scenario.n_enemies());
        for row in 0..n_allies + n_enemies - 1 {
            let own_team =
                |size: usize, own: &str, opponent: &str, opponents: usize, back: bool| {
                    let place = |i: usize, n: usize| if back { n - 1 - i } else { i };
                    match row.checked_sub(size - 1) {
                        None if back => format!("other {own} {row}, counted backwards"),
                        None => format!("other {own} {row}"),
                        Some(i) => format!("{opponent} {}", place(i, opponents)),
                    }
                };
            let mut subject = own_team(n_allies, "ally", "enemy", n_enemies, false);
            if self.args.self_play {
                let enemy = own_team(n_enemies, "enemy", "ally", n_allies, true);
                subject = format!("{subject} (allies) or {enemy} (enemies)");
            }
            other(&subject, names);
        }
    }

    fn state(&self) -> Vec<String> {
        let allies = (0..self.scenario.n_allies()).map(|i| format!("ally {i}"));
        let enemies = (0..self.scenario.n_enemies()).map(|i| format!("enemy {i}"));
        let units: Vec<String> = allies.chain(enemies).collect();
        let mut names = Vec::new();
        for subject in &units {
            names.push(format!("{subject}: health / maximum"));
            names.push(format!("{subject}: x"));
            names.push(format!("{subject}: y"));
            names.push(format!("{subject}: weapon cooldown in seconds (not clamped at zero)"));
            types(subject, &mut names);
        }
        names
            .extend(units.iter().map(|subject| format!("{subject}: is an enemy (also when dead)")));
        names.extend(
            units.iter().map(|subject| format!("{subject}: unit type index (also when dead)")),
        );
        names
    }
}

/// Names the features of another unit.
fn other(subject: &str, names: &mut Vec<String>) {
    for what in [
        "health / maximum",
        "relative x / sight",
        "relative y / sight",
        "last movement, x",
        "last movement, y",
        "last attack action / largest action",
        "weapon cooldown / maximum",
    ] {
        names.push(format!("{subject}: {what}"));
    }
    types(subject, names);
}

fn types(subject: &str, names: &mut Vec<String>) {
    names.extend(UNIT_TYPES.iter().map(|unit| format!("{subject}: is a {}", unit.name)));
}

/// Returns the units and the enemies' last actions for a trace.
pub(crate) fn frame(battle: &Battle, step: u32) -> Object<String, Value> {
    let units: Vec<Value> = (0..battle.n_units)
        .map(|unit| {
            let ally = unit < battle.n_allies;
            json!({
                "team": if ally { "ally" } else { "enemy" },
                "id": if ally { unit } else { unit - battle.n_allies },
                "type": UNIT_TYPES[usize::from(battle.kind[unit])].name,
                "x": battle.x[unit],
                "y": battle.y[unit],
                "health": battle.health[unit],
                "shield": 0.0,
                "energy": 0.0,
                "cooldown": battle.cooldown[unit].max(0.0),
                "alive": battle.alive(unit),
            })
        })
        .collect();
    // Before the first step no unit has acted.
    let enemies = if step == 0 { &[][..] } else { &battle.action[battle.n_allies..battle.n_units] };
    Object::from_iter([
        ("units".to_owned(), Value::Array(units)),
        ("enemy_actions".to_owned(), json!(enemies)),
    ])
}
