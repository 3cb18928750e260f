//! A policy that concentrates fire.

use super::UnitView;
use crate::skirmish::interface::STOP;

/// Every unit attacks, of the opponents within range, the one with the least total of health and shield
/// (the nearest of equals). If there is none, it walks towards the nearest opponent. A healer does the
/// same with injured allies.
pub(crate) fn act(view: &UnitView<'_>) -> u16 {
    let units = &view.battle.units;
    let toughness = |target: u16| {
        let other = view.global(target);
        (units.health[other] + units.shield[other], units.distance_squared(view.unit, other))
    };
    let reachable = view.targets().filter(|&target| view.allows(view.aim(target)));
    let weakest = reachable.min_by(|&a, &b| {
        let (a, b) = (toughness(a), toughness(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    weakest.or_else(|| view.nearest()).map_or(STOP, |target| view.approach(target))
}
