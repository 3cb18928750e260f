//! Units in each other's way: how a crowd flows round those who stand, and is kept apart.
//!
//! A walker goes straight on where that is free. Otherwise it takes the smallest turn that is free,
//! and keeps to the side it once chose until straight on is free again. What still overlaps
//! afterwards is pushed apart. Units get in the way of those only that move as they do: on the
//! ground, over cliffs, or in the air.
//!
//! The engine's own rules of collision are not documented; these are ours. They look at what was
//! true before the loop, never at the order of units.

use super::battle::NOBODY;
use super::neighbours::{MAX_NEIGHBOURS, Neighbours};
use super::stats::Stats;
use super::units::Motion;
use crate::skirmish::terrain::Terrain;

/// How far units may sink into each other before a step counts as blocked.
const SOFTNESS: f32 = 0.01;
/// How far ahead a walker looks for units that stand.
const LOOKAHEAD: f32 = 1.0;
/// The turns a blocked walker tries: cosine and sine of 30, 60, 90 and 120 degrees.
const TURNS: [(f32, f32); 4] =
    [(0.866_025_4, 0.5), (0.5, 0.866_025_4), (0.0, 1.0), (-0.5, 0.866_025_4)];
/// How often, at most, overlapping walkers are pushed apart in one loop.
const PUSHES: usize = 3;

/// A unit as an obstacle and as a walker, for one game loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) separation: f32,
    /// The distance it keeps from cliffs.
    pub(crate) margin: f32,
    pub(crate) motion: Motion,
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
    /// Whom it walks up to, or [`NOBODY`].
    pub(crate) approaches: u16,
    /// Whether it stays where it is when something is in its way.
    pub(crate) arrived: bool,
    /// On which side it walks round an obstacle: 1 left, -1 right, 0 not decided.
    pub(crate) side: i8,
    /// The displacement the others expect of it.
    plan_x: f32,
    plan_y: f32,
    /// The displacement chosen.
    next_x: f32,
    next_y: f32,
}

impl Body {
    /// The body of a unit that is not on the field yet.
    pub(crate) fn of(stats: &Stats) -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            separation: stats.separation,
            margin: stats.unit.inner_radius,
            motion: stats.motion,
            pace: stats.pace,
            alive: false,
            walks: false,
            ux: 0.0,
            uy: 0.0,
            stride: 0.0,
            left: 0.0,
            approaches: NOBODY,
            arrived: false,
            side: 0,
            plan_x: 0.0,
            plan_y: 0.0,
            next_x: 0.0,
            next_y: 0.0,
        }
    }

    /// How near another must come to matter.
    fn reach(&self) -> f32 {
        let motion = if self.walks { self.pace } else { LOOKAHEAD };
        if self.alive { self.separation + motion } else { f32::NEG_INFINITY }
    }

    /// The side that lies away from an obstacle at `(x, y)`, seen from the walker: 1 left, -1
    /// right. One that stands straight ahead is passed in the north (or in the west).
    fn side_away_from(&self, x: f32, y: f32) -> i8 {
        let cross = self.ux * y - self.uy * x;
        let north = self.ux > 0.0 || (self.ux == 0.0 && self.uy > 0.0);
        let left = if cross == 0.0 { north } else { cross < 0.0 };
        if left { 1 } else { -1 }
    }

    /// Goes by `(next_x, next_y)`, as far as cliffs allow.
    fn go(&mut self, terrain: &Terrain) {
        if self.next_x == 0.0 && self.next_y == 0.0 {
            return;
        }
        let to = (self.x + self.next_x, self.y + self.next_y);
        (self.x, self.y) = match self.motion {
            Motion::Ground => terrain.slide((self.x, self.y), to, self.margin),
            Motion::OverCliffs | Motion::Flying => terrain.stay_on_map(to, self.margin),
        };
    }
}

/// Moves all units of a battle by one game loop.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    /// `[unit]`, filled in before [`Crowd::flow`].
    pub(crate) bodies: Vec<Body>,
    walkers: Vec<u16>,
    /// Walkers that decide twice.
    rethinks: Vec<u16>,
    neighbours: Neighbours,
    obstacles: Obstacles,
}

impl Crowd {
    /// Room for these units on a map of `width` by `height`.
    pub(crate) fn new(stats: &[Stats], width: usize, height: usize) -> Self {
        let n = stats.len();
        Self {
            bodies: stats.iter().map(Body::of).collect(),
            walkers: Vec::with_capacity(n),
            rethinks: Vec::with_capacity(n),
            neighbours: Neighbours::new(n, width, height),
            obstacles: Obstacles::NONE,
        }
    }

    /// Moves every body that walks.
    pub(crate) fn flow(&mut self, terrain: &Terrain) {
        self.walkers.clear();
        for (i, body) in self.bodies.iter_mut().enumerate() {
            (body.plan_x, body.plan_y) = if body.walks {
                self.walkers.push(i as u16);
                (body.ux * body.stride, body.uy * body.stride)
            } else {
                (0.0, 0.0)
            };
        }
        if self.walkers.is_empty() {
            return;
        }
        self.find_neighbours();
        // First everybody expects the others to walk straight on. Then those think again whose
        // neighbours decided otherwise.
        for index in 0..self.walkers.len() {
            self.decide(usize::from(self.walkers[index]));
        }
        self.rethinks.clear();
        for &i in &self.walkers {
            if self.is_surprised(usize::from(i)) {
                self.rethinks.push(i);
            }
        }
        for &i in &self.walkers {
            let body = &mut self.bodies[usize::from(i)];
            (body.plan_x, body.plan_y) = (body.next_x, body.next_y);
        }
        for index in 0..self.rethinks.len() {
            self.decide(usize::from(self.rethinks[index]));
        }
        self.go(terrain);
        for _ in 0..PUSHES {
            if !self.push_apart() {
                break;
            }
            self.go(terrain);
        }
    }

    fn find_neighbours(&mut self) {
        let bodies = &self.bodies;
        self.neighbours.place(bodies.iter().map(|body| (body.x, body.y, body.reach())));
        for &i in &self.walkers {
            let i = usize::from(i);
            let own = &bodies[i];
            let alike = |j: usize| bodies[j].motion == own.motion;
            self.neighbours.find(i, own.separation + own.pace, alike);
        }
    }

    fn go(&mut self, terrain: &Terrain) {
        for &i in &self.walkers {
            self.bodies[usize::from(i)].go(terrain);
        }
    }

    /// Whether a neighbour of walker `i` will not do what was expected of it.
    fn is_surprised(&self, i: usize) -> bool {
        self.neighbours.of(i).iter().any(|&j| {
            let other = &self.bodies[usize::from(j)];
            other.walks && (other.plan_x != other.next_x || other.plan_y != other.next_y)
        })
    }

    /// Chooses the displacement of walker `i`: straight on if that is free, else the smallest
    /// turn that is, else none.
    fn decide(&mut self, i: usize) {
        self.obstacles.gather(i, &self.bodies, &self.neighbours);
        let body = &mut self.bodies[i];
        let (direction, side) = self.obstacles.steer(body);
        body.side = side;
        (body.next_x, body.next_y) = (direction.0 * body.stride, direction.1 * body.stride);
    }

    /// Chooses how far every walker must move to stand clear of its neighbours: half way from
    /// those that walk as well, all the way from those that stand. False if nobody need move.
    fn push_apart(&mut self) -> bool {
        let mut touched = false;
        for &i in &self.walkers {
            let i = usize::from(i);
            let own = self.bodies[i];
            let (mut push_x, mut push_y) = (0.0, 0.0);
            for &j in self.neighbours.of(i) {
                let other = &self.bodies[usize::from(j)];
                let (dx, dy) = (own.x - other.x, own.y - other.y);
                let apart = own.separation + other.separation;
                let squared = dx * dx + dy * dy;
                if squared >= apart * apart {
                    continue;
                }
                let share = if other.walks { 0.5 } else { 1.0 };
                let distance = squared.sqrt();
                if distance > 0.0 {
                    let scale = share * (apart - distance) / distance;
                    push_x += dx * scale;
                    push_y += dy * scale;
                } else {
                    push_y += if i < usize::from(j) { share * apart } else { -share * apart };
                }
            }
            (self.bodies[i].next_x, self.bodies[i].next_y) = (push_x, push_y);
            touched |= push_x != 0.0 || push_y != 0.0;
        }
        touched
    }
}

/// How many obstacles are held against a direction at once.
const LANES: usize = 4;

/// The units that could stand in the way of one walker, as they were before the loop.
///
/// One array per quantity, so that a direction is held against several of them at once. The last
/// block is filled up with copies of an obstacle that blocks nothing.
#[derive(Clone, Debug)]
struct Obstacles {
    n: usize,
    /// How far ahead the walker looks for those that stand.
    look: f32,
    /// Where it is, seen from the walker.
    x: [f32; MAX_NEIGHBOURS],
    y: [f32; MAX_NEIGHBOURS],
    /// Where it is expected to be after the loop, seen from where the walker is now.
    then_x: [f32; MAX_NEIGHBOURS],
    then_y: [f32; MAX_NEIGHBOURS],
    /// 1 for an obstacle that walks, else 0.
    walks: [f32; MAX_NEIGHBOURS],
    /// The squared distance now.
    now: [f32; MAX_NEIGHBOURS],
    /// The squared distance below which it blocks: where the two overlap, but never above `now`.
    apart: [f32; MAX_NEIGHBOURS],
}

impl Obstacles {
    const NONE: Self = Self {
        n: 0,
        look: 0.0,
        x: [0.0; MAX_NEIGHBOURS],
        y: [0.0; MAX_NEIGHBOURS],
        then_x: [0.0; MAX_NEIGHBOURS],
        then_y: [0.0; MAX_NEIGHBOURS],
        walks: [0.0; MAX_NEIGHBOURS],
        now: [0.0; MAX_NEIGHBOURS],
        apart: [0.0; MAX_NEIGHBOURS],
    };

    /// Whether obstacle `k` keeps the walker from the direction `(ux, uy)`: it stands
    /// within `look`, or it walks and would overlap the walker after this loop.
    ///
    /// Without a branch, so that several obstacles are computed at once.
    #[inline(always)]
    fn blocks(&self, k: usize, ux: f32, uy: f32, stride: f32) -> bool {
        let ahead = self.x[k] * ux + self.y[k] * uy;
        let (ex, ey) = (self.then_x[k] - ux * stride, self.then_y[k] - uy * stride);
        let along = if ahead < self.look { ahead } else { self.look };
        let passing = self.now[k] - along * (2.0 * ahead - along);
        let meeting = ex * ex + ey * ey;
        let closest = self.walks[k] * meeting + (1.0 - self.walks[k]) * passing;
        (ahead > 0.0) & (closest < self.apart[k])
    }

    /// Takes in the neighbours of walker `i`. Whom it walks up to is no obstacle.
    fn gather(&mut self, i: usize, bodies: &[Body], neighbours: &Neighbours) {
        let own = bodies[i];
        self.look = own.left.clamp(own.stride, LOOKAHEAD.max(own.stride));
        let mut k = 0;
        for &unit in neighbours.of(i) {
            if unit == own.approaches {
                continue;
            }
            let other = &bodies[usize::from(unit)];
            let (dx, dy) = (other.x - own.x, other.y - own.y);
            let apart = own.separation + other.separation - SOFTNESS;
            let now = dx * dx + dy * dy;
            self.x[k] = dx;
            self.y[k] = dy;
            self.then_x[k] = dx + other.plan_x;
            self.then_y[k] = dy + other.plan_y;
            self.walks[k] = if other.walks { 1.0 } else { 0.0 };
            self.now[k] = now;
            self.apart[k] = now.min(apart * apart);
            k += 1;
        }
        self.n = k;
        for k in k..k.next_multiple_of(LANES) {
            self.apart[k] = 0.0;
            self.x[k] = 0.0;
            self.y[k] = 0.0;
        }
    }

    /// Whether the direction `(ux, uy)`, at `stride`, is free.
    #[inline]
    fn is_free(&self, ux: f32, uy: f32, stride: f32) -> bool {
        let mut blocked = 0_u32;
        for k in 0..self.n.next_multiple_of(LANES).min(MAX_NEIGHBOURS) {
            blocked |= u32::from(self.blocks(k, ux, uy, stride));
        }
        blocked == 0
    }

    /// The nearest obstacle that keeps the walker from the direction `(ux, uy)`. Those that follow
    /// have to look out for themselves.
    #[inline]
    fn nearest_blocking(&self, ux: f32, uy: f32, stride: f32) -> Option<usize> {
        if self.is_free(ux, uy, stride) {
            return None;
        }
        let mut nearest = f32::INFINITY;
        let mut found = None;
        for k in 0..self.n {
            if self.blocks(k, ux, uy, stride) && self.now[k] < nearest {
                nearest = self.now[k];
                found = Some(k);
            }
        }
        found
    }

    /// The direction and the side that a walker among these obstacles chooses.
    fn steer(&self, body: &Body) -> ((f32, f32), i8) {
        let (ux, uy, stride) = (body.ux, body.uy, body.stride);
        let Some(blocker) = self.nearest_blocking(ux, uy, stride) else {
            return ((ux, uy), 0);
        };
        if body.arrived {
            return ((0.0, 0.0), body.side);
        }
        let turned = |(cosine, sine): (f32, f32), side: i8| {
            let sine = sine * f32::from(side);
            (ux * cosine - uy * sine, ux * sine + uy * cosine)
        };
        let free = |(x, y): (f32, f32)| self.is_free(x, y, stride);
        if body.side == 0 {
            let first = body.side_away_from(self.x[blocker], self.y[blocker]);
            for turn in TURNS {
                for side in [first, -first] {
                    let direction = turned(turn, side);
                    if free(direction) {
                        return (direction, side);
                    }
                }
            }
        } else {
            for side in [body.side, -body.side] {
                for turn in TURNS {
                    let direction = turned(turn, side);
                    if free(direction) {
                        return (direction, side);
                    }
                }
            }
        }
        ((0.0, 0.0), body.side)
    }
}
