//! A player whose units attack together.

use super::Turn;
use crate::skirmish::smac::STOP;

/// Every unit attacks, of the opponents it may attack, the one with the least health and shield
/// in sum (of equals the nearest); if there are none, it walks towards the nearest opponent. A
/// healer does the same with injured comrades.
pub(crate) fn act(turn: &Turn<'_>) -> u16 {
    let units = &turn.battle.units;
    let toughness = |target: u16| {
        let other = turn.global(target);
        (units.health[other] + units.shield[other], units.distance_squared(turn.unit, other))
    };
    let reachable = turn.targets().filter(|&target| turn.allows(turn.aim(target)));
    let weakest = reachable.min_by(|&a, &b| {
        let (a, b) = (toughness(a), toughness(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    weakest.or_else(|| turn.nearest()).map_or(STOP, |target| turn.approach(target))
}
