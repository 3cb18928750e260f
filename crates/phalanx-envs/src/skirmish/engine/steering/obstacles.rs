//! The obstacles of one walker, and its choice of a turn.

use super::body::{Body, LOOKAHEAD, STAY, STRAIGHT, Spot, Turn};
use super::neighbours::MAX_NEIGHBOURS;

/// The overlap that units tolerate before a step counts as blocked.
const SOFTNESS: f32 = 0.01;
/// The decrease of the squared distance from which two overlapping units block each other, so that
/// rounding does not decide for units that walk side by side.
const APPROACH: f32 = 1e-4;
/// The turns that a blocked walker tries: 30, 60, 90 and 120 degrees.
const TURNS: [Turn; 4] = [(0.866_025_4, 0.5), (0.5, 0.866_025_4), (0.0, 1.0), (-0.5, 0.866_025_4)];
/// The number of obstacles tested against a direction at once.
const LANES: usize = 4;
/// The number of such groups.
const GROUPS: usize = MAX_NEIGHBOURS / LANES;

/// The units that could block one walker, in their state before the loop.
///
/// One array per quantity, so that a direction is tested against several obstacles at once. The last
/// group is padded with obstacles that block nothing.
#[derive(Clone, Debug)]
pub(super) struct Obstacles {
    groups: usize,
    /// The distance at which the walker looks ahead for standing units.
    look: f32,
    lanes: [Lanes; GROUPS],
}

/// A group of obstacles.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    /// The position relative to the walker.
    x: [f32; LANES],
    y: [f32; LANES],
    /// The expected position after the loop, relative to the walker's current position.
    then_x: [f32; LANES],
    then_y: [f32; LANES],
    /// 1 for a walking obstacle, else 0.
    walks: [f32; LANES],
    /// The current squared distance.
    now: [f32; LANES],
    /// The squared distance below which it blocks: where the two overlap, but only below `now`.
    apart: [f32; LANES],
}

impl Lanes {
    const NONE: Self = Self {
        x: [0.0; LANES],
        y: [0.0; LANES],
        then_x: [0.0; LANES],
        then_y: [0.0; LANES],
        walks: [0.0; LANES],
        now: [0.0; LANES],
        apart: [0.0; LANES],
    };

    /// Returns the obstacles that block the direction `(ux, uy)`: standing units within `look`, and
    /// walking units that would overlap the walker after this loop.
    ///
    /// Branch-free, so that all lanes are computed at once.
    #[inline(always)]
    fn block(&self, ux: f32, uy: f32, stride: f32, look: f32) -> [u32; LANES] {
        let mut blocked = [0; LANES];
        for (k, blocked) in blocked.iter_mut().enumerate() {
            let ahead = self.x[k] * ux + self.y[k] * uy;
            let (ex, ey) = (self.then_x[k] - ux * stride, self.then_y[k] - uy * stride);
            let along = if ahead < look { ahead } else { look };
            let passing = self.now[k] - along * (2.0 * ahead - along);
            let meeting = ex * ex + ey * ey;
            let closest = self.walks[k] * meeting + (1.0 - self.walks[k]) * passing;
            *blocked = u32::from((ahead > 0.0) & (closest < self.apart[k]));
        }
        blocked
    }
}

impl Obstacles {
    pub(super) const NONE: Self = Self { groups: 0, look: 0.0, lanes: [Lanes::NONE; GROUPS] };

    /// Sets the obstacles to the neighbours of a walker. The unit that it walks to is no obstacle.
    pub(super) fn gather(&mut self, own: &Body, spots: &[Spot], neighbours: &[u16]) {
        self.look = own.left.clamp(own.stride, LOOKAHEAD.max(own.stride));
        let mut n = 0;
        for &unit in neighbours {
            if unit == own.approaches {
                continue;
            }
            let other = &spots[usize::from(unit)];
            let (dx, dy) = (other.x - own.x, other.y - own.y);
            let apart = own.separation + other.separation - SOFTNESS;
            let now = dx * dx + dy * dy;
            let (lanes, k) = (&mut self.lanes[n / LANES], n % LANES);
            lanes.x[k] = dx;
            lanes.y[k] = dy;
            lanes.then_x[k] = dx + other.plan.0;
            lanes.then_y[k] = dy + other.plan.1;
            lanes.walks[k] = other.walks;
            lanes.now[k] = now;
            lanes.apart[k] = (now - APPROACH).min(apart * apart);
            n += 1;
        }
        self.groups = n.div_ceil(LANES);
        for n in n..self.groups * LANES {
            self.lanes[n / LANES].apart[n % LANES] = f32::NEG_INFINITY;
        }
    }

    /// Returns whether the direction `(ux, uy)`, at `stride`, is free.
    #[inline]
    pub(super) fn is_free(&self, ux: f32, uy: f32, stride: f32) -> bool {
        let groups = self.lanes[..self.groups].iter();
        let blocks = |lanes: &Lanes| {
            let [a, b, c, d] = lanes.block(ux, uy, stride, self.look);
            a | b | c | d != 0
        };
        !groups.into_iter().any(blocks)
    }

    /// Returns the position, relative to the walker, of the nearest obstacle that blocks the direction
    /// `(ux, uy)`. Units behind the walker have to avoid it themselves.
    #[inline]
    fn nearest_blocking(&self, ux: f32, uy: f32, stride: f32) -> Option<(f32, f32)> {
        let mut nearest = f32::INFINITY;
        let mut found = None;
        for lanes in &self.lanes[..self.groups] {
            let blocked = lanes.block(ux, uy, stride, self.look);
            if blocked == [0; LANES] {
                continue;
            }
            for (k, &blocks) in blocked.iter().enumerate() {
                if blocks != 0 && lanes.now[k] < nearest {
                    nearest = lanes.now[k];
                    found = Some((lanes.x[k], lanes.y[k]));
                }
            }
        }
        found
    }

    /// Chooses the turn of a walker among these obstacles: straight on if that is free, else the
    /// smallest free turn, else to stay.
    pub(super) fn steer(&self, body: &mut Body) {
        let Some((x, y)) = self.nearest_blocking(body.ux, body.uy, body.stride) else {
            body.side = 0;
            return body.choose(STRAIGHT);
        };
        if body.arrived {
            return body.choose(STAY);
        }
        let to = |(cosine, sine): Turn, side: i8| (cosine, sine * f32::from(side));
        let undecided = body.side == 0;
        let first = if undecided { body.side_away_from(x, y) } else { body.side };
        for n in 0..2 * TURNS.len() {
            // A unit that has chosen a side tries all turns to that side first.
            let (turn, other) =
                if undecided { (n / 2, n % 2 == 1) } else { (n % TURNS.len(), n >= TURNS.len()) };
            let side = if other { -first } else { first };
            let turn = to(TURNS[turn], side);
            let (x, y) = body.direction(turn);
            if self.is_free(x, y, body.stride) {
                body.side = side;
                return body.choose(turn);
            }
        }
        body.choose(STAY);
    }
}
