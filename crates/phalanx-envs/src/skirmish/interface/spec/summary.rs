//! A battle in one sentence.

use super::super::scripted::ATTACK_MOVE;
use super::super::skirmish::Skirmish;
use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::{Outline, Spawn};

/// Describes the teams and the special rules of the battle.
pub(crate) fn summary(battle: &Skirmish) -> String {
    let (map, args) = (battle.map(), battle.args());
    let mut text = teams_in_words(&map.outline());
    if args.self_play {
        text += "; both teams are agents, state and reward are those of the first";
    }
    if args.opponent != ATTACK_MOVE {
        text += &format!("; the scripted policy {} leads the enemies", args.opponent);
    }
    let quirks = quirks(battle);
    if args.fix_quirks {
        text += "; quirks of the originals are fixed";
    } else if !quirks.is_empty() {
        text += &format!("; quirks of the originals in force: {}", quirks.join(", "));
    }
    text
}

/// Describes the teams of a map.
pub(crate) fn teams_in_words(map: &Outline) -> String {
    match &map.generate {
        None => format!("{} against {}", count(&map.allies), count(&map.enemies)),
        Some(generate) => {
            let kinds = generate.kinds.iter().map(|kind| {
                format!("{} ({:.0} %)", plural(UNITS[kind.unit].name), 100.0 * kind.weight)
            });
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            let (allies, enemies) = (generate.n_allies, generate.n_enemies);
            format!("{allies} against {enemies} of {kinds}, drawn for every episode")
        }
    }
}

/// Returns the quirks that `fix_quirks` would fix and that show in this battle.
fn quirks(battle: &Skirmish) -> Vec<&'static str> {
    let (map, args) = (battle.map(), battle.args());
    let has = |name: &str| map.kinds().any(|kind| UNITS[kind].name == name);
    let heals = map.kinds().any(|kind| UNITS[kind].heal.is_some());
    let regains = map
        .enemies
        .iter()
        .any(|placed| UNITS[placed.unit].shield > 0.0 || UNITS[placed.unit].regeneration > 0.0);
    let exchanged = map.unit_type_bits > 0
        && map.allies.iter().any(|ally| {
            let same = |enemy: &&Spawn| enemy.unit == ally.unit;
            map.enemies.iter().filter(same).any(|enemy| enemy.type_bit != ally.type_bit)
        });
    let generated = map.generate.is_some();
    let dense = args.reward_only_positive && !args.reward_sparse;
    let listed = [
        (exchanged, "one-hot types of enemies are not those of allies"),
        (heals, "`may be attacked` shows a healer which ally it may heal"),
        (dense && !generated && (regains || heals), "what enemies regain is rewarded"),
        (
            has("stalker") || has("colossus"),
            "cooldown scales of stalker and colossus are exchanged",
        ),
        (args.reward_sparse && args.reward_scale, "the sparse reward is scaled"),
        (true, "moves west and south are judged beyond the edge of the map"),
        (heals, "a battle that only healers survive on both sides is lost"),
        (generated || args.prob_obs_enemy < 1.0, "an unseen enemy blanks those before it"),
        (args.conic_fov, "the cone of sight also covers some of the opposite direction"),
        (generated, "rewards are scaled alike in all episodes"),
    ];
    listed.into_iter().filter_map(|(shows, text)| shows.then_some(text)).collect()
}

/// Returns the plural of a unit's name, in words.
fn plural(name: &str) -> String {
    match name {
        "colossus" => "colossi".to_owned(),
        _ => format!("{}s", name.replace('_', " ")),
    }
}

fn count(team: &[usize]) -> String {
    let mut kinds: Vec<(usize, usize)> = Vec::new();
    for &member in team {
        match kinds.iter_mut().find(|(unit, _)| *unit == member) {
            Some((_, n)) => *n += 1,
            None => kinds.push((member, 1)),
        }
    }
    let text = |&(unit, n): &(usize, usize)| {
        let name = UNITS[unit].name;
        if n == 1 {
            format!("1 {}", name.replace('_', " "))
        } else {
            format!("{n} {}", plural(name))
        }
    };
    kinds.iter().map(text).collect::<Vec<_>>().join(", ")
}
