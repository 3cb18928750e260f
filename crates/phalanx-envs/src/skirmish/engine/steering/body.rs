//! A unit as steering sees it.

use super::super::battle::NO_UNIT;
use super::super::units::Motion;
use super::super::units::Stats;
use crate::skirmish::terrain::Terrain;

/// How far ahead a walker looks for units that stand.
pub(super) const LOOKAHEAD: f32 = 1.0;
/// A turn to the left, as cosine and sine.
pub(super) type Turn = (f32, f32);
/// Straight on.
pub(super) const STRAIGHT: Turn = (1.0, 0.0);
/// Not at all.
pub(super) const STAY: Turn = (0.0, 0.0);
/// For how many game loops a direction is kept.
pub(super) const LOOPS_PER_CHOICE: f32 = 2.0;

/// A unit as an obstacle and as a walker, for one game loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The distance it keeps from cliffs.
    margin: f32,
    pub(crate) separation: f32,
    pub(super) motion: Motion,
    /// How far it goes in one loop at most.
    pub(crate) pace: f32,
    pub(crate) alive: bool,
    pub(crate) walks: bool,
    /// The direction in which it wants to walk, of length one.
    pub(crate) ux: f32,
    pub(crate) uy: f32,
    /// How far it wants to go in this loop.
    pub(crate) stride: f32,
    /// How far it has to go: what stands beyond is not in its way.
    pub(crate) left: f32,
    /// The unit it walks up to, or [`NO_UNIT`].
    pub(crate) approaches: u16,
    /// Whether it stays where it is when something is in its way.
    pub(crate) arrived: bool,
    /// On which side it walks round an obstacle: 1 left, -1 right, 0 not decided.
    pub(crate) side: i8,
    /// The next corner of its way round cliffs.
    pub(crate) corner: Option<(f32, f32)>,
    /// How far it is to that corner, or to the goal.
    pub(crate) leg: f32,
    /// How the direction chosen differs from the one wanted.
    pub(super) turn: Turn,
    /// Whether it walked when directions were chosen.
    pub(crate) set_out: bool,
    /// The displacement chosen.
    pub(super) next: (f32, f32),
}

impl Body {
    /// Returns the body of a unit that is not on the field yet.
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

    /// Returns how near another must come to matter.
    pub(super) fn reach(&self) -> f32 {
        self.separation + if self.walks { LOOPS_PER_CHOICE * self.pace } else { LOOKAHEAD }
    }

    /// Continues in the direction chosen last.
    pub(crate) fn keep_on(&mut self, speed: f32) {
        self.leg -= self.stride;
        self.stride = speed.min(self.leg.max(0.0));
        self.choose(self.turn);
    }

    /// Returns the direction in which it goes after this turn.
    pub(super) fn direction(&self, (cosine, sine): Turn) -> (f32, f32) {
        (self.ux * cosine - self.uy * sine, self.ux * sine + self.uy * cosine)
    }

    /// Makes this turn its choice.
    pub(super) fn choose(&mut self, turn: Turn) {
        let (x, y) = self.direction(turn);
        self.turn = turn;
        self.next = (x * self.stride, y * self.stride);
    }

    /// Returns the side that lies away from an obstacle at `(x, y)`, seen from the walker: 1 left,
    /// -1 right. One that stands straight ahead is passed in the north (or in the west).
    pub(super) fn side_away_from(&self, x: f32, y: f32) -> i8 {
        let cross = self.ux * y - self.uy * x;
        let north = self.ux > 0.0 || (self.ux == 0.0 && self.uy > 0.0);
        let left = if cross == 0.0 { north } else { cross < 0.0 };
        if left { 1 } else { -1 }
    }

    /// Goes by `next`, as far as cliffs allow.
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

/// The little of a body that is read most often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) separation: f32,
    /// 1 for a unit that walks, else 0.
    pub(super) walks: f32,
    /// The displacement the others expect of it.
    pub(super) plan: (f32, f32),
}
