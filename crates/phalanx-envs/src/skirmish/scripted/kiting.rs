//! A hit-and-run policy.

use super::UnitView;
use crate::math::hypot;
use crate::skirmish::interface::STOP;

/// The game loops per step that this policy assumes: SMAC's `step_mul`.
const STEP: f32 = 8.0;
/// The number of steps that a fleeing unit plans ahead.
const OUTLOOK: usize = 3;

/// Every unit attacks when its weapon is ready: the weakest opponent within weapon range, or else the
/// nearest. While the weapon reloads, it retreats from nearby opponents with a shorter range. It also
/// retreats with a ready weapon if standing still for a step would let such an opponent, no faster than
/// the unit itself, come within range. Healers heal the nearest injured ally.
pub(crate) fn act(view: &UnitView<'_>) -> u16 {
    let Some(nearest) = view.nearest() else { return STOP };
    if view.heals() {
        return view.approach(nearest);
    }
    let units = &view.battle.units;
    let toughness = |target: u16| {
        let other = view.global(target);
        units.health[other] + units.shield[other]
    };
    let in_range = view.targets().filter(|&target| {
        view.allows(view.aim(target)) && view.battle.in_range(view.unit, view.global(target))
    });
    let weakest = in_range.min_by(|&a, &b| toughness(a).total_cmp(&toughness(b)));
    let attack = view.approach(weakest.unwrap_or(nearest));
    let stats = &view.battle.stats[view.unit];
    // Whether a pursuer of at most this speed could attack after this many game loops.
    let reached_within = |loops: f32, fastest: f32| {
        pursuers(view).any(|j| {
            let other = &view.battle.stats[j];
            other.pace <= fastest
                && view.battle.within(view.unit, j, other.range + loops * other.pace)
        })
    };
    let shoots = units.windup[view.unit].is_finite() || units.cooldown[view.unit] <= STEP / 2.0;
    let flees = if shoots {
        reached_within(STEP, stats.pace)
    } else {
        reached_within(2.0 * STEP, f32::INFINITY)
    };
    if flees { run(view).unwrap_or(attack) } else { attack }
}

/// Returns the mobile opponents that can attack this unit and have a shorter range.
fn pursuers(view: &UnitView<'_>) -> impl Iterator<Item = usize> {
    let (battle, stats) = (view.battle, &view.battle.stats[view.unit]);
    battle.opponents(view.unit).filter(move |&j| {
        let other = &battle.stats[j];
        battle.units.alive(j)
            && other.can_aim_at(stats)
            && other.range < stats.range
            && other.pace > 0.0
    })
}

/// Returns the move that maximises the distance to the nearest pursuer, if the unit walks straight on
/// for a few steps, or to the next cliff, and all pursuers follow.
fn run(view: &UnitView<'_>) -> Option<u16> {
    let (battle, units) = (view.battle, &view.battle.units);
    let (x, y) = (units.x[view.unit], units.y[view.unit]);
    let stride = STEP * battle.stats[view.unit].pace;
    let outcome = |(dx, dy): (f32, f32)| {
        let ends = pursuers(view).map(|j| {
            let (mut me, mut other) = ((x, y), (units.x[j], units.y[j]));
            let mut distance = 0.0;
            for _ in 0..OUTLOOK {
                let next = (me.0 + stride * dx, me.1 + stride * dy);
                if battle.terrain.pathable(next.0.floor() as i32, next.1.floor() as i32) {
                    me = next;
                }
                let way = (me.0 - other.0, me.1 - other.1);
                distance = hypot(way.0, way.1);
                let share = (STEP * battle.stats[j].pace / distance).min(1.0);
                other = (other.0 + share * way.0, other.1 + share * way.1);
                distance *= 1.0 - share;
            }
            distance
        });
        ends.fold(f32::INFINITY, f32::min)
    };
    let best = view.moves().max_by(|a, b| outcome(a.1).total_cmp(&outcome(b.1)));
    best.map(|(action, _)| action)
}
