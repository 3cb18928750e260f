//! A player whose units hit and run.

use super::Turn;
use crate::skirmish::smac::STOP;

/// Game loops of a step, as far as this player plans: SMAC's `step_mul`.
const STEP: f32 = 8.0;
/// For how many steps a runaway thinks ahead.
const OUTLOOK: usize = 3;

/// Every unit attacks when its weapon is ready: the weakest opponent in the weapon's range, or else
/// the nearest. While the weapon reloads it walks away from opponents near by whose range is
/// shorter, and also when it is ready but would, by standing still for a step, let such an opponent
/// come into reach that is no faster than itself. Healers heal the nearest injured comrade.
pub(crate) fn act(turn: &Turn<'_>) -> u16 {
    let Some(nearest) = turn.nearest() else { return STOP };
    if turn.heals() {
        return turn.approach(nearest);
    }
    let units = &turn.battle.units;
    let toughness = |target: u16| {
        let other = turn.global(target);
        units.health[other] + units.shield[other]
    };
    let in_range = turn.targets().filter(|&target| {
        turn.allows(turn.aim(target)) && turn.battle.in_range(turn.unit, turn.global(target))
    });
    let weakest = in_range.min_by(|&a, &b| toughness(a).total_cmp(&toughness(b)));
    let attack = turn.approach(weakest.unwrap_or(nearest));
    let stats = &turn.battle.stats[turn.unit];
    // Whether a pursuer of at most this pace can attack after so many game loops.
    let reached_within = |loops: f32, fastest: f32| {
        pursuers(turn).any(|j| {
            let other = &turn.battle.stats[j];
            other.pace <= fastest
                && turn.battle.within(turn.unit, j, other.range + loops * other.pace)
        })
    };
    let shoots = units.windup[turn.unit].is_finite() || units.cooldown[turn.unit] <= STEP / 2.0;
    let flees = if shoots {
        reached_within(STEP, stats.pace)
    } else {
        reached_within(2.0 * STEP, f32::INFINITY)
    };
    if flees { run(turn).unwrap_or(attack) } else { attack }
}

/// The opponents that walk, can attack this unit, and have a shorter range.
fn pursuers(turn: &Turn<'_>) -> impl Iterator<Item = usize> {
    let (battle, stats) = (turn.battle, &turn.battle.stats[turn.unit]);
    battle.opponents(turn.unit).filter(move |&j| {
        let other = &battle.stats[j];
        battle.units.alive(j)
            && other.can_aim_at(stats)
            && other.range < stats.range
            && other.pace > 0.0
    })
}

/// The move after which the nearest pursuer is furthest away when the unit walks straight on for a
/// few steps, or to the next cliff, and all follow it.
fn run(turn: &Turn<'_>) -> Option<u16> {
    let (battle, units) = (turn.battle, &turn.battle.units);
    let (x, y) = (units.x[turn.unit], units.y[turn.unit]);
    let stride = STEP * battle.stats[turn.unit].pace;
    let outcome = |(dx, dy): (f32, f32)| {
        let ends = pursuers(turn).map(|j| {
            let (mut me, mut other) = ((x, y), (units.x[j], units.y[j]));
            let mut distance = 0.0;
            for _ in 0..OUTLOOK {
                let next = (me.0 + stride * dx, me.1 + stride * dy);
                if battle.terrain.pathable(next.0.floor() as i32, next.1.floor() as i32) {
                    me = next;
                }
                let way = (me.0 - other.0, me.1 - other.1);
                distance = way.0.hypot(way.1);
                let share = (STEP * battle.stats[j].pace / distance).min(1.0);
                other = (other.0 + share * way.0, other.1 + share * way.1);
                distance *= 1.0 - share;
            }
            distance
        });
        ends.fold(f32::INFINITY, f32::min)
    };
    let best = turn.moves().max_by(|a, b| outcome(a.1).total_cmp(&outcome(b.1)));
    best.map(|(action, _)| action)
}
