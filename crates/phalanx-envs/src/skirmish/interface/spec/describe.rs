//! The meaning of every index of a battle's observation, state and actions, in words.

use phalanx_core::env::Description;
use serde_json::{Map as Object, Value, json};

use super::super::history::NO_ACTION;
use super::super::observation::{Layout, PATHING_POINTS};
use super::super::skirmish::Skirmish;
use super::summary::summary;
use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::Map;

/// Explains the observation, the state and the actions.
pub(crate) fn describe(battle: &Skirmish) -> Description {
    let names: Vec<_> = (0..battle.agent_teams()).map(|team| Names::new(battle, team)).collect();
    let description = Description {
        summary: summary(battle),
        obs: join(names.iter().map(|names| names.obs()).collect(), battle.spec.obs_dim, "always 0"),
        state: names[0].state(),
        actions: join(
            names.iter().map(|names| names.actions()).collect(),
            battle.spec.n_actions,
            "never available",
        ),
    };
    debug_assert_eq!(description.state.len(), battle.spec.state_dim);
    description
}

/// Returns one text per index, with a part for each team if the teams differ. `unused` is the text of
/// indices that a team lacks.
fn join(lists: Vec<Vec<String>>, len: usize, unused: &str) -> Vec<String> {
    let unused = unused.to_owned();
    let text = |i: usize| {
        let texts: Vec<_> = lists.iter().map(|list| list.get(i).unwrap_or(&unused)).collect();
        match texts[..] {
            [allies, enemies] if allies != enemies => {
                format!("{allies} (as an ally); {enemies} (as an enemy)")
            }
            _ => texts[0].clone(),
        }
    };
    (0..len).map(text).collect()
}

/// The texts of one team.
struct Names<'a> {
    map: &'a Map,
    layout: &'a Layout,
    /// The names of the agents.
    agents: Vec<String>,
    /// The opponents by number and, where it is fixed, type.
    enemies: Vec<String>,
    /// The unit type of each bit of the one-hot type, for an ally and for an enemy.
    types: [Vec<String>; 2],
}

impl<'a> Names<'a> {
    fn new(battle: &'a Skirmish, team: usize) -> Self {
        let (map, layout) = (battle.map(), &battle.teams[team].view.layout);
        let opponents = if team == 0 { &map.enemies } else { &map.allies };
        let enemies = opponents.iter().enumerate().map(|(j, placed)| match &map.generate {
            None => format!("enemy {j} ({})", UNITS[placed.unit].words()),
            Some(_) => format!("enemy {j}"),
        });
        let agents = battle.spec.agents.iter().filter(|agent| agent.team == team);
        let bits = &battle.teams[team].view.bits;
        let types = [0, 1].map(|role| {
            let kind = |bit: usize| {
                let mut kinds: Vec<_> =
                    map.kinds().filter(|&kind| bits[role][kind] == bit).collect();
                kinds.dedup();
                kinds.first().map_or(format!("type {bit}"), |&kind| UNITS[kind].words())
            };
            (0..layout.type_bits).map(kind).collect()
        });
        Self {
            map,
            layout,
            agents: agents.map(|agent| agent.name.clone()).collect(),
            enemies: enemies.collect(),
            types,
        }
    }

    fn actions(&self) -> Vec<String> {
        let fixed = [
            "no-op (dead agents only)",
            "stop",
            "move north (+y)",
            "move south (-y)",
            "move east (+x)",
            "move west (-x)",
        ];
        let turn = 360.0 / self.layout.n_looks.max(1) as f32;
        let looks = (0..self.layout.n_looks).map(|look| {
            format!("look {:.0} degrees counter-clockwise from east", look as f32 * turn)
        });
        let heals = self.map.kinds().any(|kind| UNITS[kind].heal.is_some());
        let targets = (0..self.layout.n_actions - self.layout.first_target()).map(|j| {
            let attack = self.enemies.get(j).map(|enemy| format!("attack {enemy}"));
            let heal = (heals && j < self.agents.len()).then(|| format!("heal ally {j}"));
            match (attack, heal) {
                (Some(attack), Some(heal)) => format!("{attack} or, as a medivac, {heal}"),
                (attack, heal) => attack.or(heal).unwrap_or_default(),
            }
        });
        fixed.iter().map(|&text| text.to_owned()).chain(looks).chain(targets).collect()
    }

    fn obs(&self) -> Vec<String> {
        let (layout, args) = (self.layout, &self.layout.args);
        let time = args.obs_timestep_number.then(|| "step / episode limit".to_owned());
        if !args.obs_starcraft {
            return time.into_iter().collect();
        }
        let mut names: Vec<String> = ["north", "south", "east", "west"]
            .iter()
            .map(|direction| format!("can move {direction}"))
            .collect();
        let amount = args.move_amount as i32;
        let points = || PATHING_POINTS.map(|(x, y)| (x * amount, y * amount)).into_iter();
        if args.obs_pathing_grid {
            names.extend(points().map(|(x, y)| format!("walkable at offset ({x:+}, {y:+})")));
        }
        if args.obs_terrain_height {
            let points = points().chain([(0, 0)]);
            names.extend(points.map(|(x, y)| format!("terrain height at offset ({x:+}, {y:+})")));
        }
        for subject in &self.enemies {
            names.push(format!("{subject}: can be attacked"));
            self.other(subject, layout.enemy_shield, 1, &mut names);
        }
        // The rows skip the observing agent, so which unit a row shows depends on the agent.
        for row in 0..layout.n_agents - 1 {
            let subject = format!("other ally {row}");
            names.push(format!("{subject}: visible"));
            self.other(&subject, layout.ally_shield, 0, &mut names);
            if args.obs_last_action {
                self.last_action(&subject, &mut names);
            }
        }
        if layout.own_health() {
            health("self", layout.ally_shield, &mut names);
        }
        if args.obs_own_pos {
            let (width, height) = (self.map.terrain.width(), self.map.terrain.height());
            names.push(format!("self: x / {width}"));
            names.push(format!("self: y / {height}"));
        }
        self.facing("self", &mut names);
        self.types("self", 0, &mut names);
        names.extend(time);
        names
    }

    fn other(&self, subject: &str, shield: bool, role: usize, names: &mut Vec<String>) {
        let args = &self.layout.args;
        let sight = if args.use_unit_ranges { "sight" } else { "9" };
        names.push(format!("{subject}: distance / {sight}"));
        names.push(format!("{subject}: relative x / {sight}"));
        names.push(format!("{subject}: relative y / {sight}"));
        if args.obs_all_health {
            health(subject, shield, names);
        }
        self.types(subject, role, names);
    }

    fn state(&self) -> Vec<String> {
        let (layout, args) = (self.layout, &self.layout.args);
        let mut names = Vec::new();
        if args.obs_instead_of_state {
            for agent in &self.agents {
                let obs = self.obs();
                names.extend(obs.iter().map(|text| format!("observation of {agent}: {text}")));
            }
            return names;
        }
        for subject in &self.agents {
            names.push(format!("{subject}: health / maximum"));
            let healer = self.map.kinds().any(|kind| UNITS[kind].heal.is_some());
            names.push(match healer {
                true if subject.contains("medivac") => format!("{subject}: energy / 200"),
                true if self.map.generate.is_some() => {
                    format!("{subject}: weapon cooldown / SMAC's maximum (medivacs: energy / 200)")
                }
                _ => format!("{subject}: weapon cooldown / SMAC's maximum"),
            });
            self.place(subject, &mut names);
            if layout.ally_shield {
                names.push(format!("{subject}: shield / maximum"));
            }
            self.facing(subject, &mut names);
            self.types(subject, 0, &mut names);
        }
        for subject in &self.enemies {
            names.push(format!("{subject}: health / maximum"));
            self.place(subject, &mut names);
            if layout.enemy_shield {
                names.push(format!("{subject}: shield / maximum"));
            }
            self.types(subject, 1, &mut names);
        }
        if args.state_last_action {
            for agent in &self.agents {
                self.last_action(agent, &mut names);
            }
        }
        if args.state_timestep_number {
            names.push("step / episode limit".to_owned());
        }
        names
    }

    fn place(&self, subject: &str, names: &mut Vec<String>) {
        let (width, height) = (self.map.terrain.width(), self.map.terrain.height());
        names.push(format!("{subject}: (x - {}) / {width}", width as f32 / 2.0));
        names.push(format!("{subject}: (y - {}) / {height}", height as f32 / 2.0));
    }

    fn facing(&self, subject: &str, names: &mut Vec<String>) {
        if self.layout.n_looks > 0 {
            names.push(format!("{subject}: viewing direction, x"));
            names.push(format!("{subject}: viewing direction, y"));
        }
    }

    /// Names the bits of the one-hot type of an ally (`role` 0) or an enemy (1).
    fn types(&self, subject: &str, role: usize, names: &mut Vec<String>) {
        names.extend(self.types[role].iter().map(|kind| format!("{subject}: is a {kind}")));
    }

    fn last_action(&self, subject: &str, names: &mut Vec<String>) {
        let actions = self.actions();
        names.extend(actions.iter().map(|action| format!("{subject}: last action was {action}")));
    }
}

fn health(subject: &str, shield: bool, names: &mut Vec<String>) {
    names.push(format!("{subject}: health / maximum"));
    if shield {
        names.push(format!("{subject}: shield / maximum"));
    }
}

/// Returns the units for a trace and, where a scripted policy commands the enemies, its actions in the
/// last step.
pub(crate) fn frame(env: &Skirmish) -> Object<String, Value> {
    let battle = &env.battle;
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
                "energy": battle.units.energy[i],
                "cooldown": battle.units.cooldown[i].max(0.0),
                "alive": battle.units.alive(i),
            })
        })
        .collect();
    let mut frame = Object::from_iter([("units".to_owned(), Value::Array(units))]);
    if let Some(opponents) = env.teams.get(env.agent_teams()) {
        // Before the first step no unit has acted.
        let acted = opponents.history.last_actions.iter().filter(|&&action| action != NO_ACTION);
        frame.insert("enemy_actions".to_owned(), acted.copied().collect());
    }
    frame
}
