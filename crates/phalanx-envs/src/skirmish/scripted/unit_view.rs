//! One unit's view of the battle, and computations that all scripted policies share.

use std::f32::consts::TAU;
use std::ops::Range;

use crate::math::atan2;
use crate::skirmish::engine::{Battle, Motion};
use crate::skirmish::interface::{ATTACK, DIRECTIONS, NORTH, STOP};

/// Unit steps are about 1, so a unit does not walk a shorter way than this.
const NEGLIGIBLE: f32 = 0.25;

/// The view of one living unit that must choose its next action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitView<'a> {
    pub(crate) battle: &'a Battle,
    /// The unit, by its number in the battle.
    pub(crate) unit: usize,
    /// The available actions that have an effect, `[action]`.
    pub(crate) mask: &'a [bool],
    /// The first of the actions that have a target.
    pub(crate) first_target: u16,
    /// The viewing direction, as the number of a look action, if there is a conic field of view.
    pub(crate) look: u8,
}

impl UnitView<'_> {
    /// Returns the unit's number in its team.
    pub(crate) fn number(&self) -> usize {
        self.unit - self.battle.team(self.unit).start
    }

    /// Returns whether the unit heals instead of attacking.
    pub(crate) fn heals(&self) -> bool {
        self.battle.stats[self.unit].unit.heal.is_some()
    }

    /// Returns the possible targets: target 0 is the first of them.
    fn pool(&self) -> Range<usize> {
        if self.heals() { self.battle.team(self.unit) } else { self.battle.opponents(self.unit) }
    }

    /// Returns the number of a target among all units.
    pub(crate) fn global(&self, target: u16) -> usize {
        self.pool().start + usize::from(target)
    }

    /// Returns whether the unit can affect a target: attack it or, if it is injured, heal it.
    pub(crate) fn is_useful(&self, target: u16) -> bool {
        let units = &self.battle.units;
        let other = self.global(target);
        if !self.pool().contains(&other) {
            return false;
        }
        let stats = &self.battle.stats[other];
        let useful = if self.heals() {
            stats.unit.heal.is_none() && units.health[other] < stats.unit.health
        } else {
            self.battle.stats[self.unit].can_aim_at(stats)
        };
        useful && units.alive(other)
    }

    /// Returns all targets that the unit can affect.
    pub(crate) fn targets(&self) -> impl Iterator<Item = u16> {
        (0..self.pool().len() as u16).filter(|&target| self.is_useful(target))
    }

    /// Returns the nearest such target.
    pub(crate) fn nearest(&self) -> Option<u16> {
        let distance =
            |target: u16| self.battle.units.distance_squared(self.unit, self.global(target));
        self.targets().min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
    }

    /// Returns the action aimed at a target.
    pub(crate) fn aim(&self, target: u16) -> u16 {
        self.first_target + target
    }

    /// Returns whether an action is available.
    pub(crate) fn allows(&self, action: u16) -> bool {
        self.mask.get(usize::from(action)).copied().unwrap_or(false)
    }

    /// Returns the available moves, with their directions.
    pub(crate) fn moves(&self) -> impl Iterator<Item = (u16, (f32, f32))> {
        let moves = DIRECTIONS.into_iter().zip(NORTH..);
        moves
            .map(|(direction, action)| (action, direction))
            .filter(|&(action, _)| self.allows(action))
    }

    /// Attacks or heals `target` if that is available. Otherwise looks towards it, if a conic field of
    /// view points elsewhere, or walks towards it.
    pub(crate) fn approach(&self, target: u16) -> u16 {
        let (action, other) = (self.aim(target), self.global(target));
        if self.allows(action) {
            return action;
        }
        self.look_towards(other).unwrap_or_else(|| self.walk_towards(other))
    }

    /// Returns the look action closest to the direction of another unit; `None` if the field of view
    /// already points there or does not exist.
    fn look_towards(&self, other: usize) -> Option<u16> {
        let n_looks = self.first_target - ATTACK;
        if n_looks == 0 {
            return None;
        }
        let units = &self.battle.units;
        let (dx, dy) = (units.x[other] - units.x[self.unit], units.y[other] - units.y[self.unit]);
        let turns = atan2(dy, dx) / TAU * f32::from(n_looks);
        let look = (turns.round() as i32).rem_euclid(n_looks.into()) as u16;
        (look != u16::from(self.look)).then_some(ATTACK + look)
    }

    /// Walks towards another unit, around cliffs: along the axis with the longer next part of the path,
    /// along the other axis if a cliff blocks the first, or not at all.
    fn walk_towards(&self, other: usize) -> u16 {
        let units = &self.battle.units;
        let from = (units.x[self.unit], units.y[self.unit]);
        let mut next = (units.x[other], units.y[other]);
        let stats = &self.battle.stats[self.unit];
        if stats.motion == Motion::Ground {
            next = self.battle.terrain.waypoint(from, next, stats.unit.inner_radius);
        }
        let way = (next.0 - from.0, next.1 - from.1);
        let ahead = |(dx, dy): (f32, f32)| way.0 * dx + way.1 * dy;
        let best = self.moves().max_by(|a, b| ahead(a.1).total_cmp(&ahead(b.1)));
        best.filter(|&(_, direction)| ahead(direction) > NEGLIGIBLE)
            .map_or(STOP, |(action, _)| action)
    }
}
