//! The specification of a battle, and its description in words.

mod describe;
mod summary;

pub(crate) use describe::{describe, frame};
pub(crate) use summary::teams_in_words;

use phalanx_core::env::{AgentSpec, EnvSpec};

use super::observation::TeamView;
use super::skirmish::Team;
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::Map;

/// Returns the specification of a battle between `teams` (one, or two in self-play), padded to the
/// larger team.
pub(crate) fn spec(map: &Map, args: &SkirmishArgs, limit: usize, teams: &[Team]) -> EnvSpec {
    let widest = |width: fn(&TeamView) -> usize| {
        teams.iter().map(|team| width(&team.view)).max().unwrap_or(0)
    };
    let mut info = ["battle_won", "dead_allies", "dead_enemies"].map(str::to_owned).to_vec();
    if args.self_play {
        info.push("enemy_reward".to_owned());
    }
    let agents = agents(map, teams);
    EnvSpec {
        n_actions: widest(|view| view.layout.n_actions),
        obs_dim: widest(|view| view.layout.obs_dim()),
        state_dim: teams[0].view.layout.state_dim(),
        // Teams with different observations share no list of private entries.
        private_obs: (teams.len() == 1).then(|| teams[0].view.layout.private_obs()),
        episode_limit: limit,
        timeout_is_terminal: !args.continuing_episode,
        info,
        max_return: known(map, args).then(|| teams[0].reward.max_return()),
        max_reward: (map.generate.is_none() || !args.fix_quirks)
            .then_some(teams[0].reward.max_reward),
        agents,
        entities: teams[0].view.entities(map).filter(|_| alike(teams)),
        ..EnvSpec::new(format!("skirmish/{}", map.name), 0)
    }
}

/// Returns whether the largest return is the same in every episode. Health and shields that enemies
/// regain can be taken, and rewarded, again and again.
fn known(map: &Map, args: &SkirmishArgs) -> bool {
    let regains = |kind: usize| {
        let unit = &UNITS[kind];
        unit.shield > 0.0 || unit.regeneration > 0.0 || unit.heal.is_some()
    };
    let scaled_alike = map.generate.is_none() || args.fix_quirks;
    args.reward_sparse || (scaled_alike && !enemy_kinds(map).any(regains))
}

/// Returns the possible unit types of the enemies, with repetitions.
fn enemy_kinds(map: &Map) -> impl Iterator<Item = usize> {
    let placed = map.enemies.iter().map(|placed| placed.unit);
    let drawn = map.generate.iter().flat_map(|generate| &generate.kinds).map(|kind| kind.unit);
    placed.chain(drawn)
}

/// Returns whether the observations of all teams have the same layout.
fn alike(teams: &[Team]) -> bool {
    teams.iter().all(|team| team.view.layout == teams[0].view.layout)
}

/// Names and groups agents by unit type; if the types change between episodes, agents are numbered and
/// form one group. Teams share groups if their observations have the same layout.
fn agents(map: &Map, teams: &[Team]) -> Vec<AgentSpec> {
    let alike = alike(teams);
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut agents = Vec::new();
    for team in 0..teams.len() {
        let (units, prefix) = if team == 0 { (&map.allies, "") } else { (&map.enemies, "enemy ") };
        let mut numbers = vec![0; UNITS.len()];
        for placed in units {
            let key = (placed.unit, if alike { 0 } else { team });
            let group = groups.iter().position(|&group| group == key).unwrap_or_else(|| {
                groups.push(key);
                groups.len() - 1
            });
            let kind = if map.generate.is_some() { "agent" } else { UNITS[placed.unit].name };
            let name = format!("{prefix}{kind} {}", numbers[placed.unit]);
            numbers[placed.unit] += 1;
            agents.push(AgentSpec { name, group, team });
        }
    }
    agents
}
