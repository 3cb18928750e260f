//! Action masks.

use std::ops::Range;

use super::actions::{DIRECTIONS, NO_OP, NORTH, STOP};
use super::observation::TeamView;
use crate::skirmish::engine::Battle;

impl TeamView {
    /// Writes the actions of one agent that have an effect, `[action]`: moves to walkable ground, looks,
    /// and attacks on living targets within range.
    pub(crate) fn write_reachable(
        &self,
        battle: &Battle,
        agent: usize,
        look: u8,
        mask: &mut [bool],
    ) {
        mask.fill(false);
        let unit = self.own.start + agent;
        if !self.snapshots[unit].alive {
            mask[usize::from(NO_OP)] = true;
            return;
        }
        mask[usize::from(STOP)] = true;
        let (x, y) = (self.snapshots[unit].x, self.snapshots[unit].y);
        let probe = self.layout.args.move_amount / 2.0;
        for (open, (dx, dy)) in mask[usize::from(NORTH)..].iter_mut().zip(DIRECTIONS) {
            let (x, y) = (x + probe * dx, y + probe * dy);
            // SMAC truncates towards zero.
            let cell = if self.layout.args.fix_quirks { (x.floor(), y.floor()) } else { (x, y) };
            *open = battle.terrain.pathable(cell.0 as i32, cell.1 as i32);
        }
        mask[self.layout.looks()].fill(true);
        let targets = self.targets(unit);
        let slots = &mut mask[self.layout.first_target()..];
        let reach = self.constants[unit].shoot_squared;
        for (open, target) in slots.iter_mut().zip(&self.snapshots[targets.clone()]) {
            let (dx, dy) = (target.x - x, target.y - y);
            *open = target.alive & (dx * dx + dy * dy <= reach);
        }
        // Rare, so in a separate loop: healers among the targets, and a conic field of view.
        if self.constants[unit].heals || self.cone.is_some() {
            for (open, target) in slots.iter_mut().zip(targets) {
                *open = *open && self.may_target(unit, target) && self.reaches(unit, target, look);
            }
        }
    }

    /// Returns the units at which actions with a target are directed.
    fn targets(&self, unit: usize) -> Range<usize> {
        if self.constants[unit].heals { self.own.clone() } else { self.opponents.clone() }
    }

    /// Makes attacks out of range available if `action_mask` is off.
    pub(super) fn open_mask(&self, agent: usize, mask: &mut [bool]) {
        let unit = self.own.start + agent;
        if self.layout.args.action_mask || !self.snapshots[unit].alive {
            return;
        }
        let slots = mask[self.layout.first_target()..].iter_mut();
        for (open, target) in slots.zip(self.targets(unit)) {
            *open = self.may_target(unit, target);
        }
    }

    /// Returns whether `target` is alive and of a suitable type: healers heal all units but healers,
    /// even at full health.
    #[inline]
    fn may_target(&self, unit: usize, target: usize) -> bool {
        self.snapshots[target].alive
            && !(self.constants[unit].heals && self.constants[target].heals)
    }

    /// Returns whether `target` is within the range of the mask and, if there is one, in the cone of
    /// sight.
    #[inline]
    pub(crate) fn reaches(&self, unit: usize, target: usize, look: u8) -> bool {
        let (from, to) = (&self.snapshots[unit], &self.snapshots[target]);
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        dx * dx + dy * dy <= self.constants[unit].shoot_squared
            && self.cone.as_ref().is_none_or(|cone| cone.holds(look, dx, dy))
    }
}
