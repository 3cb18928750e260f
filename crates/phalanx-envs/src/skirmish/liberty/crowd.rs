//! Units in each other's way: who stands near a walker, what blocks it, and what is pushed.

use super::battle::{Battle, NOBODY};
use super::neighbours::{MAX_NEIGHBOURS, Neighbours};

/// How far units may sink into each other before a step counts as blocked.
const SOFTNESS: f32 = 0.01;
/// How far ahead a walker looks for units that stand.
pub(crate) const LOOKAHEAD: f32 = 1.0;

/// Working memory for the motion of one game loop, one element per unit.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    /// The direction to a unit's goal, of length one; zero for those that stand.
    pub(crate) towards_x: Vec<f32>,
    pub(crate) towards_y: Vec<f32>,
    /// How far it may go in this loop.
    pub(crate) stride: Vec<f32>,
    /// The displacement the others expect of it.
    pub(crate) plan_x: Vec<f32>,
    pub(crate) plan_y: Vec<f32>,
    /// The displacement chosen.
    pub(crate) next_x: Vec<f32>,
    pub(crate) next_y: Vec<f32>,
    pub(crate) walks: Vec<bool>,
    pub(crate) walkers: Vec<u16>,
    /// Walkers that decide twice.
    pub(crate) rethinks: Vec<u16>,
    pub(crate) neighbours: Neighbours,
    obstacles: Obstacles,
}

impl Crowd {
    /// Room for `n` units on a map of `width` by `height`.
    pub(crate) fn new(n: usize, width: usize, height: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self {
            towards_x: zeros(),
            towards_y: zeros(),
            stride: zeros(),
            plan_x: zeros(),
            plan_y: zeros(),
            next_x: zeros(),
            next_y: zeros(),
            walks: vec![false; n],
            walkers: Vec::with_capacity(n),
            rethinks: Vec::with_capacity(n),
            neighbours: Neighbours::new(n, width, height),
            obstacles: Obstacles::default(),
        }
    }
}

/// The units that could stand in the way of one walker, as they were before the loop.
///
/// One array per quantity, so that a direction is held against several of them at once.
#[derive(Clone, Debug, Default)]
struct Obstacles {
    n: usize,
    unit: [u16; MAX_NEIGHBOURS],
    /// Where it is, seen from the walker.
    x: [f32; MAX_NEIGHBOURS],
    y: [f32; MAX_NEIGHBOURS],
    /// The displacement expected of it.
    plan_x: [f32; MAX_NEIGHBOURS],
    plan_y: [f32; MAX_NEIGHBOURS],
    walks: [bool; MAX_NEIGHBOURS],
    /// The squared distance now.
    now: [f32; MAX_NEIGHBOURS],
    /// The squared distance below which the two overlap.
    apart: [f32; MAX_NEIGHBOURS],
}

impl Obstacles {
    /// Whether obstacle `k` keeps the walker from the direction `(ux, uy)`: it stands within
    /// [`LOOKAHEAD`], or it walks and would overlap the walker after this loop.
    #[inline(always)]
    fn blocks(&self, k: usize, ux: f32, uy: f32, dx: f32, dy: f32) -> bool {
        let ahead = self.x[k] * ux + self.y[k] * uy;
        let (ex, ey) = (self.x[k] + self.plan_x[k] - dx, self.y[k] + self.plan_y[k] - dy);
        let along = ahead.min(LOOKAHEAD);
        let passing = self.now[k] - along * (2.0 * ahead - along);
        let closest = if self.walks[k] { ex * ex + ey * ey } else { passing };
        (ahead > 0.0) & (closest < self.apart[k]) & (closest < self.now[k])
    }

    /// Whether the direction `(ux, uy)`, at `stride`, is free.
    #[inline]
    fn is_free(&self, ux: f32, uy: f32, stride: f32) -> bool {
        let (dx, dy) = (ux * stride, uy * stride);
        !(0..self.n).any(|k| self.blocks(k, ux, uy, dx, dy))
    }

    /// The nearest obstacle that keeps the walker from the direction `(ux, uy)`. Those that follow
    /// have to look out for themselves.
    #[inline]
    fn nearest_blocking(&self, ux: f32, uy: f32, stride: f32) -> Option<usize> {
        let (dx, dy) = (ux * stride, uy * stride);
        let mut nearest = f32::INFINITY;
        let mut found = None;
        for k in 0..self.n {
            if self.blocks(k, ux, uy, dx, dy) && self.now[k] < nearest {
                nearest = self.now[k];
                found = Some(usize::from(self.unit[k]));
            }
        }
        found
    }
}

impl Battle {
    /// Finds the neighbours of every walker.
    pub(crate) fn look_around(&mut self) {
        let (units, crowd) = (&self.units, &mut self.crowd);
        let reach = |i: usize| {
            let stats = &self.stats[i];
            let motion = if crowd.walks[i] { stats.pace } else { LOOKAHEAD };
            if units.health[i] > 0.0 { stats.separation + motion } else { f32::NEG_INFINITY }
        };
        let near = &mut crowd.neighbours;
        near.place(&units.x, &units.y, reach);
        for &i in &crowd.walkers {
            let i = usize::from(i);
            let own = &self.stats[i];
            near.find(i, own.separation + own.pace, |j| self.stats[j].motion == own.motion);
        }
    }

    /// Prepares the obstacles of walker `i`. Whom it walks up to is none.
    pub(crate) fn gather_obstacles(&mut self, i: usize) {
        let (units, crowd) = (&self.units, &mut self.crowd);
        let (x, y) = (units.x[i], units.y[i]);
        let (target, separation) = (units.target[i], self.stats[i].separation - SOFTNESS);
        let list = &mut crowd.obstacles;
        list.n = 0;
        for &unit in crowd.neighbours.of(i) {
            if unit == target && target != NOBODY {
                continue;
            }
            let (j, k) = (usize::from(unit), list.n);
            let (dx, dy) = (units.x[j] - x, units.y[j] - y);
            let apart = separation + self.stats[j].separation;
            list.unit[k] = unit;
            list.x[k] = dx;
            list.y[k] = dy;
            list.plan_x[k] = crowd.plan_x[j];
            list.plan_y[k] = crowd.plan_y[j];
            list.walks[k] = crowd.walks[j];
            list.now[k] = dx * dx + dy * dy;
            list.apart[k] = apart * apart;
            list.n += 1;
        }
    }

    /// The nearest unit that keeps walker `i` from the direction `(ux, uy)`.
    #[inline]
    pub(crate) fn blocker(&self, i: usize, ux: f32, uy: f32) -> Option<usize> {
        self.crowd.obstacles.nearest_blocking(ux, uy, self.crowd.stride[i])
    }

    /// Whether walker `i` may go in the direction `(ux, uy)`.
    #[inline]
    pub(crate) fn is_free(&self, i: usize, ux: f32, uy: f32) -> bool {
        self.crowd.obstacles.is_free(ux, uy, self.crowd.stride[i])
    }

    /// Collects in `next` how far walker `i` must move to stand clear of its neighbours: half way
    /// from those that walk as well, all the way from those that stand. False if it need not.
    pub(crate) fn push_apart(&mut self, i: usize) -> bool {
        let (mut push_x, mut push_y) = (0.0, 0.0);
        for &j in self.crowd.neighbours.of(i) {
            let j = usize::from(j);
            let (dx, dy) = (self.units.x[i] - self.units.x[j], self.units.y[i] - self.units.y[j]);
            let apart = self.stats[i].separation + self.stats[j].separation;
            let squared = dx * dx + dy * dy;
            if squared >= apart * apart {
                continue;
            }
            let share = if self.crowd.walks[j] { 0.5 } else { 1.0 };
            let distance = squared.sqrt();
            if distance > 0.0 {
                let scale = share * (apart - distance) / distance;
                push_x += dx * scale;
                push_y += dy * scale;
            } else {
                push_y += if i < j { share * apart } else { -share * apart };
            }
        }
        self.crowd.next_x[i] = push_x;
        self.crowd.next_y[i] = push_y;
        push_x != 0.0 || push_y != 0.0
    }
}
