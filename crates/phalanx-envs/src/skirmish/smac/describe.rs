//! The meaning of every index of a battle's observation, state and actions, in words.

use phalanx_core::env::{Description, EnvSpec};
use serde_json::{Map as Object, Value, json};

use super::observe::{Observer, PATHING_POINTS};
use crate::skirmish::liberty::Battle;
use crate::skirmish::liberty::UNITS;
use crate::skirmish::map::{Map, Placed};

/// Explains the observation, the state and the actions.
pub(crate) fn describe(map: &Map, observer: &Observer, spec: &EnvSpec) -> Description {
    let names = Names { map, observer, spec };
    let description = Description {
        summary: names.summary(),
        obs: names.obs(),
        state: names.state(),
        actions: names.actions(),
    };
    debug_assert_eq!(description.obs.len(), spec.obs_dim);
    debug_assert_eq!(description.state.len(), spec.state_dim);
    description
}

struct Names<'a> {
    map: &'a Map,
    observer: &'a Observer,
    spec: &'a EnvSpec,
}

impl Names<'_> {
    fn summary(&self) -> String {
        let count = |team: &[Placed]| {
            let mut kinds: Vec<(usize, usize)> = Vec::new();
            for placed in team {
                match kinds.iter_mut().find(|(unit, _)| *unit == placed.unit) {
                    Some((_, n)) => *n += 1,
                    None => kinds.push((placed.unit, 1)),
                }
            }
            let texts: Vec<_> = kinds
                .iter()
                .map(|&(unit, n)| {
                    let name = UNITS[unit].name;
                    if n == 1 { format!("1 {name}") } else { format!("{n} {name}s") }
                })
                .collect();
            texts.join(", ")
        };
        format!("{} against {}", count(&self.map.allies), count(&self.map.enemies))
    }

    fn actions(&self) -> Vec<String> {
        let fixed = [
            "no-op (the dead only)",
            "stop",
            "move north (+y)",
            "move south (-y)",
            "move east (+x)",
            "move west (-x)",
        ];
        let attacks = (0..self.observer.n_enemies).map(|j| format!("attack enemy {j}"));
        fixed.iter().map(|&text| text.to_owned()).chain(attacks).collect()
    }

    fn obs(&self) -> Vec<String> {
        let observer = self.observer;
        let mut names: Vec<String> = ["north", "south", "east", "west"]
            .iter()
            .map(|direction| format!("may move {direction}"))
            .collect();
        if observer.args.obs_pathing_grid {
            let amount = observer.args.move_amount as i32;
            names.extend(PATHING_POINTS.iter().map(|&(x, y)| {
                format!("can be walked on at ({:+}, {:+})", x * amount, y * amount)
            }));
        }
        for j in 0..observer.n_enemies {
            let who = format!("enemy {j}");
            names.push(format!("{who}: may be attacked"));
            self.other(&who, observer.enemy_shield, &mut names);
        }
        // Rows of allies skip the observer itself, so their unit depends on who observes.
        for row in 0..observer.n_agents - 1 {
            let who = format!("ally {row} without oneself");
            names.push(format!("{who}: visible"));
            self.other(&who, observer.ally_shield, &mut names);
            if observer.args.obs_last_action {
                self.last_action(&who, &mut names);
            }
        }
        if observer.args.obs_own_health {
            health("oneself", observer.ally_shield, &mut names);
        }
        self.types("oneself", &mut names);
        if observer.args.obs_timestep_number {
            names.push("step / limit".to_owned());
        }
        names
    }

    fn other(&self, who: &str, shield: bool, names: &mut Vec<String>) {
        names.push(format!("{who}: distance / 9"));
        names.push(format!("{who}: relative x / 9"));
        names.push(format!("{who}: relative y / 9"));
        if self.observer.args.obs_all_health {
            health(who, shield, names);
        }
        self.types(who, names);
    }

    fn state(&self) -> Vec<String> {
        let observer = self.observer;
        let mut names = Vec::new();
        if observer.args.obs_instead_of_state {
            for agent in &self.spec.agents {
                let obs = self.obs();
                names.extend(obs.iter().map(|text| format!("{} observes {text}", agent.name)));
            }
            return names;
        }
        for agent in &self.spec.agents {
            let who = &agent.name;
            names.push(format!("{who}: health / maximum"));
            names.push(format!("{who}: weapon cooldown / SMAC's maximum"));
            self.place(who, &mut names);
            if observer.ally_shield {
                names.push(format!("{who}: shield / maximum"));
            }
            self.types(who, &mut names);
        }
        for j in 0..observer.n_enemies {
            let who = format!("enemy {j}");
            names.push(format!("{who}: health / maximum"));
            self.place(&who, &mut names);
            if observer.enemy_shield {
                names.push(format!("{who}: shield / maximum"));
            }
            self.types(&who, &mut names);
        }
        if observer.args.state_last_action {
            for agent in &self.spec.agents {
                self.last_action(&agent.name, &mut names);
            }
        }
        if observer.args.state_timestep_number {
            names.push("step / limit".to_owned());
        }
        names
    }

    fn place(&self, who: &str, names: &mut Vec<String>) {
        let (width, height) = (self.map.terrain.width(), self.map.terrain.height());
        names.push(format!("{who}: (x - {}) / {width}", width as f32 / 2.0));
        names.push(format!("{who}: (y - {}) / {height}", height as f32 / 2.0));
    }

    fn types(&self, who: &str, names: &mut Vec<String>) {
        names.extend((0..self.observer.type_bits).map(|bit| format!("{who}: is of type {bit}")));
    }

    fn last_action(&self, who: &str, names: &mut Vec<String>) {
        let actions = self.actions();
        names.extend(actions.iter().map(|action| format!("{who}: last action was {action}")));
    }
}

fn health(who: &str, shield: bool, names: &mut Vec<String>) {
    names.push(format!("{who}: health / maximum"));
    if shield {
        names.push(format!("{who}: shield / maximum"));
    }
}

/// The units as a trace shows them.
pub(crate) fn frame(battle: &Battle) -> Object<String, Value> {
    let units: Vec<Value> = (0..battle.len())
        .map(|i| {
            let ally = i < battle.n_allies;
            json!({
                "team": if ally { "ally" } else { "enemy" },
                "id": if ally { i } else { i - battle.n_allies },
                "type": battle.stats[i].unit.name,
                "x": battle.units.x[i],
                "y": battle.units.y[i],
                "health": battle.units.health[i],
                "shield": battle.units.shield[i],
                "energy": 0.0,
                "cooldown": battle.units.cooldown[i].max(0.0),
                "alive": battle.units.alive(i),
            })
        })
        .collect();
    Object::from_iter([("units".to_owned(), Value::Array(units))])
}
