//! One-sentence summaries of battles.

use super::super::scripted::ATTACK_MOVE;
use super::super::skirmish::Skirmish;
use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::{Outline, Spawn};

/// Describes the teams and the special rules of the battle.
pub(crate) fn summary(battle: &Skirmish) -> String {
    let (map, args) = (battle.map(), battle.args());
    let mut text = teams_in_words(&map.outline());
    if args.self_play {
        text += "; self-play: agents control both teams, and state and reward are the first team's";
    }
    if args.opponent != ATTACK_MOVE {
        text += &format!("; the enemies follow the scripted policy `{}`", args.opponent);
    }
    let original = if map.generate.is_some() { "SMACv2" } else { "SMAC" };
    let quirks = quirks(battle);
    if args.fix_quirks {
        text += &format!("; the quirks of {original} are fixed");
    } else if !quirks.is_empty() {
        let these = if quirks.len() == 1 { "this quirk" } else { "these quirks" };
        text += &format!("; keeps {these} of {original}: {}", quirks.join("; "));
    }
    text + "."
}

/// Describes the teams of a map.
pub(crate) fn teams_in_words(map: &Outline) -> String {
    match &map.generate {
        None => format!("{} against {}", count(&map.allies), count(&map.enemies)),
        Some(generate) => {
            let kinds = generate
                .kinds
                .iter()
                .map(|kind| format!("{:.0}% {}", 100.0 * kind.weight, UNITS[kind.unit].plural()));
            let (allies, enemies) = (generate.n_allies, generate.n_enemies);
            let kinds = in_words(&kinds.collect::<Vec<_>>());
            format!("{allies} against {enemies} units drawn anew in every episode ({kinds})")
        }
    }
}

/// Returns the quirks that `fix_quirks` would fix and that affect this battle.
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
        (exchanged, "one-hot unit types of enemies are numbered differently from those of allies"),
        (
            heals,
            "for a medivac, `can be attacked` of an enemy means that it can heal the ally with that number",
        ),
        (
            dense && !generated && (regains || heals),
            "health and shields that enemies regain are rewarded",
        ),
        (
            has("stalker") || has("colossus"),
            "the cooldown scales of stalkers and colossi are swapped",
        ),
        (args.reward_sparse && args.reward_scale, "the sparse reward is scaled"),
        (true, "moves off the western and southern edges of the map are available"),
        (heals, "a battle that only medivacs survive on both sides is lost"),
        (
            generated || args.prob_obs_enemy < 1.0,
            "an unseen enemy also hides the enemies listed before it",
        ),
        (args.conic_fov, "the field of view also covers part of the opposite direction"),
        (generated, "all episodes share one reward scale"),
    ];
    listed.into_iter().filter_map(|(shows, text)| shows.then_some(text)).collect()
}

/// Joins a list as in a sentence: `a, b and c`.
fn in_words(parts: &[String]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => parts.join(", "),
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
        let unit = &UNITS[unit];
        if n == 1 { format!("1 {}", unit.words()) } else { format!("{n} {}", unit.plural()) }
    };
    in_words(&kinds.iter().map(text).collect::<Vec<_>>())
}
