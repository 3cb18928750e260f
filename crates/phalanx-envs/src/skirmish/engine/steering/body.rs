//! A unit as steering sees it.

use super::super::battle::NO_UNIT;
use super::super::units::Motion;
use super::super::units::Stats;
use crate::skirmish::terrain::Terrain;

/// The distance at which a walker looks ahead for standing units.
pub(super) const LOOKAHEAD: f32 = 1.0;
/// A turn to the left, as cosine and sine.
pub(super) type Turn = (f32, f32);
/// Straight on.
pub(super) const STRAIGHT: Turn = (1.0, 0.0);
/// No motion.
pub(super) const STAY: Turn = (0.0, 0.0);
/// The number of game loops for which a direction is kept.
pub(super) const LOOPS_PER_CHOICE: f32 = 2.0;

/// A unit as an obstacle and as a walker, for one game loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The distance that it keeps from cliffs.
    margin: f32,
    pub(crate) separation: f32,
    pub(super) motion: Motion,
    /// The largest stride in one loop.
    pub(crate) pace: f32,
    pub(crate) alive: bool,
    pub(crate) walks: bool,
    /// The desired direction, of length one.
    pub(crate) ux: f32,
    pub(crate) uy: f32,
    /// The desired stride in this loop.
    pub(crate) stride: f32,
    /// The distance to the goal: units beyond it are not in the way.
    pub(crate) left: f32,
    /// The unit that it walks to, or [`NO_UNIT`].
    pub(crate) approaches: u16,
    /// Whether it stays in place when blocked.
    pub(crate) arrived: bool,
    /// The side on which it passes an obstacle: 1 left, -1 right, 0 undecided.
    pub(crate) side: i8,
    /// The next corner of its path around cliffs.
    pub(crate) corner: Option<(f32, f32)>,
    /// The distance to that corner, or to the goal.
    pub(crate) leg: f32,
    /// The rotation from the desired to the chosen direction.
    pub(super) turn: Turn,
    /// Whether it walked when directions were chosen.
    pub(crate) set_out: bool,
    /// The chosen displacement.
    pub(super) next: (f32, f32),
}

impl Body {
    /// Returns the body of a unit that has not been placed yet.
    pub(crate) fn of(stats: &Stats) -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            margin: stats.unit.inner_radius,
            separation: stats.separation,
            motion: stats.motion,
            pace: stats.pace,
            alive: false,
            walks: false,
            ux: 0.0,
            uy: 0.0,
            stride: 0.0,
            left: 0.0,
            approaches: NO_UNIT,
            arrived: false,
            side: 0,
            corner: None,
            leg: 0.0,
            turn: STAY,
            set_out: false,
            next: (0.0, 0.0),
        }
    }

    /// Returns the distance within which another unit matters.
    pub(super) fn reach(&self) -> f32 {
        self.separation + if self.walks { LOOPS_PER_CHOICE * self.pace } else { LOOKAHEAD }
    }

    /// Continues in the previous direction.
    pub(crate) fn keep_on(&mut self, speed: f32) {
        self.leg -= self.stride;
        self.stride = speed.min(self.leg.max(0.0));
        self.choose(self.turn);
    }

    /// Returns the direction after this turn.
    pub(super) fn direction(&self, (cosine, sine): Turn) -> (f32, f32) {
        (self.ux * cosine - self.uy * sine, self.ux * sine + self.uy * cosine)
    }

    /// Chooses this turn.
    pub(super) fn choose(&mut self, turn: Turn) {
        let (x, y) = self.direction(turn);
        self.turn = turn;
        self.next = (x * self.stride, y * self.stride);
    }

    /// Returns the side facing away from an obstacle at `(x, y)`, relative to the walker: 1 left, -1
    /// right. An obstacle straight ahead is passed in the north (or in the west).
    pub(super) fn side_away_from(&self, x: f32, y: f32) -> i8 {
        let cross = self.ux * y - self.uy * x;
        let north = self.ux > 0.0 || (self.ux == 0.0 && self.uy > 0.0);
        let left = if cross == 0.0 { north } else { cross < 0.0 };
        if left { 1 } else { -1 }
    }

    /// Moves by `next`, as far as cliffs allow.
    pub(super) fn go(&mut self, terrain: &Terrain) {
        if self.next == (0.0, 0.0) {
            return;
        }
        let to = (self.x + self.next.0, self.y + self.next.1);
        (self.x, self.y) = match self.motion {
            Motion::Ground => terrain.slide((self.x, self.y), to, self.margin),
            Motion::OverCliffs | Motion::Flying => terrain.stay_on_map(to, self.margin),
        };
    }
}

/// The part of a body that is read most often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) separation: f32,
    /// 1 for a walking unit, else 0.
    pub(super) walks: f32,
    /// The displacement that other units expect of it.
    pub(super) plan: (f32, f32),
}
