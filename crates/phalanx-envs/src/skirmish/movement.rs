//! Walking, walking round each other, and being kept apart.
//!
//! The terrains in use are convex, so a straight line is always a path; obstacles are other units
//! only. A walker goes straight on where that is free. Otherwise it takes the smallest turn that
//! is free, and keeps to the side it once chose until straight on is free again, so that a crowd
//! flows round those who stand and shoot. What still overlaps afterwards is pushed apart.
//!
//! The engine's own rules of collision are not documented; these are ours. They look at what was
//! true before the loop, never at the order of units.

use super::battle::{Battle, NOBODY, Order};

/// How far units may sink into each other before a step counts as blocked.
const SOFTNESS: f32 = 0.01;
/// How far ahead a walker looks for units that stand.
const LOOKAHEAD: f32 = 1.0;
/// The turns a blocked walker tries: cosine and sine of 30, 60, 90 and 120 degrees.
const TURNS: [(f32, f32); 4] =
    [(0.866_025_4, 0.5), (0.5, 0.866_025_4), (0.0, 1.0), (-0.5, 0.866_025_4)];
/// The most neighbours a walker looks at.
const MAX_NEIGHBOURS: usize = 32;

/// How often, at most, overlapping walkers are pushed apart in one loop.
const PUSHES: usize = 3;

/// A unit that could stand in the way of a walker, as it was before the loop.
#[derive(Clone, Copy, Debug, Default)]
struct Obstacle {
    unit: u16,
    walks: bool,
    /// Where it is, seen from the walker.
    x: f32,
    y: f32,
    distance_squared: f32,
    /// The squared distance below which the two overlap.
    apart_squared: f32,
}

/// Working memory for the motion of one game loop, one element per unit.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    /// The direction to a unit's goal, of length one; zero for those that stand.
    towards_x: Vec<f32>,
    towards_y: Vec<f32>,
    /// How far it may go in this loop.
    stride: Vec<f32>,
    /// The displacement the others expect of it.
    plan_x: Vec<f32>,
    plan_y: Vec<f32>,
    /// The displacement chosen.
    next_x: Vec<f32>,
    next_y: Vec<f32>,
    walks: Vec<bool>,
    walkers: Vec<u16>,
    /// Walkers that decide twice.
    rethinks: Vec<u16>,
    /// How near a unit must come to matter to a walker; zero for the dead.
    reach: Vec<f32>,
    obstacles: Vec<[Obstacle; MAX_NEIGHBOURS]>,
    n_obstacles: Vec<usize>,
}

impl Crowd {
    pub(crate) fn new(n: usize) -> Self {
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
            reach: zeros(),
            obstacles: vec![[Obstacle::default(); MAX_NEIGHBOURS]; n],
            n_obstacles: vec![0; n],
        }
    }

    /// The units that could stand in the way of walker `i`.
    #[inline]
    fn obstacles(&self, i: usize) -> &[Obstacle] {
        &self.obstacles[i][..self.n_obstacles[i]]
    }
}

impl Battle {
    /// Moves every unit that is neither attacking nor idle by one game loop.
    pub(crate) fn walk(&mut self) {
        self.crowd.walkers.clear();
        for i in 0..self.len() {
            let walks = self.set_out(i);
            self.crowd.walks[i] = walks;
            if walks {
                self.crowd.walkers.push(i as u16);
            }
            let stats = &self.stats[i];
            let motion = if walks { stats.pace } else { LOOKAHEAD };
            self.crowd.reach[i] = if self.units.alive(i) { stats.separation + motion } else { 0.0 };
        }
        let walkers = std::mem::take(&mut self.crowd.walkers);
        for &i in &walkers {
            self.look_around(usize::from(i));
        }
        // First everybody expects the others to walk straight on. Then those think again whose
        // neighbours decided otherwise.
        for &i in &walkers {
            self.decide(usize::from(i));
        }
        self.crowd.rethinks.clear();
        for &i in &walkers {
            if self.is_surprised(usize::from(i)) {
                self.crowd.rethinks.push(i);
            }
        }
        for &i in &walkers {
            let i = usize::from(i);
            self.crowd.plan_x[i] = self.crowd.next_x[i];
            self.crowd.plan_y[i] = self.crowd.next_y[i];
        }
        for again in 0..self.crowd.rethinks.len() {
            self.decide(usize::from(self.crowd.rethinks[again]));
        }
        for &i in &walkers {
            self.take_step(usize::from(i));
        }
        for _ in 0..PUSHES {
            let mut touched = false;
            for &i in &walkers {
                touched |= self.push_apart(usize::from(i));
            }
            if !touched {
                break;
            }
            for &i in &walkers {
                self.take_step(usize::from(i));
            }
        }
        self.crowd.walkers = walkers;
    }

    /// Finds the direction in which unit `i` would walk if it were alone; false if it stays.
    fn set_out(&mut self, i: usize) -> bool {
        let crowd = &mut self.crowd;
        crowd.plan_x[i] = 0.0;
        crowd.plan_y[i] = 0.0;
        if !self.units.alive(i) || self.engaged[i] {
            return false;
        }
        let target = self.units.target[i];
        let (goal_x, goal_y) = match self.units.order[i] {
            Order::Attack | Order::AttackMove { .. } if target != NOBODY => {
                (self.units.x[usize::from(target)], self.units.y[usize::from(target)])
            }
            Order::Move { x, y } | Order::AttackMove { x, y } => (x, y),
            Order::Hold | Order::Attack => return false,
        };
        let (dx, dy) = (goal_x - self.units.x[i], goal_y - self.units.y[i]);
        let distance = (dx * dx + dy * dy).sqrt();
        if distance == 0.0 {
            return false;
        }
        crowd.towards_x[i] = dx / distance;
        crowd.towards_y[i] = dy / distance;
        crowd.stride[i] = self.stats[i].pace.min(distance);
        crowd.plan_x[i] = crowd.towards_x[i] * crowd.stride[i];
        crowd.plan_y[i] = crowd.towards_y[i] * crowd.stride[i];
        true
    }

    /// Lists the units that could stand in the way of walker `i`.
    fn look_around(&mut self, i: usize) {
        let (x, y) = (self.units.x[i], self.units.y[i]);
        let own = self.stats[i].separation + self.stats[i].pace;
        let crowd = &mut self.crowd;
        let list = &mut crowd.obstacles[i];
        let mut count = 0;
        let others = self.units.x.iter().zip(&self.units.y).zip(&crowd.reach);
        for (j, ((&other_x, &other_y), &reach)) in others.enumerate() {
            let (dx, dy) = (other_x - x, other_y - y);
            let squared = dx * dx + dy * dy;
            let near = own + reach;
            if squared < near * near && reach > 0.0 && j != i && count < MAX_NEIGHBOURS {
                let apart = self.stats[i].separation + self.stats[j].separation - SOFTNESS;
                list[count] = Obstacle {
                    unit: j as u16,
                    walks: crowd.walks[j],
                    x: dx,
                    y: dy,
                    distance_squared: squared,
                    apart_squared: apart * apart,
                };
                count += 1;
            }
        }
        crowd.n_obstacles[i] = count;
    }

    fn decide(&mut self, i: usize) {
        let (dx, dy) = self.steer(i);
        self.crowd.next_x[i] = dx;
        self.crowd.next_y[i] = dy;
    }

    /// Whether a neighbour of walker `i` will not do what was expected of it.
    fn is_surprised(&self, i: usize) -> bool {
        let crowd = &self.crowd;
        crowd.obstacles(i).iter().any(|obstacle| {
            let j = usize::from(obstacle.unit);
            obstacle.walks
                && (crowd.plan_x[j] != crowd.next_x[j] || crowd.plan_y[j] != crowd.next_y[j])
        })
    }

    /// Chooses the displacement of walker `i`: straight on if that is free, else the smallest
    /// turn that is, else none.
    fn steer(&mut self, i: usize) -> (f32, f32) {
        let (ux, uy) = (self.crowd.towards_x[i], self.crowd.towards_y[i]);
        let stride = self.crowd.stride[i];
        let Some(blocker) = self.blocker(i, ux, uy) else {
            self.units.side[i] = 0;
            return (ux * stride, uy * stride);
        };
        if self.has_arrived(i) {
            return (0.0, 0.0);
        }
        let chosen = self.units.side[i];
        let first = if chosen == 0 { self.side_away_from(i, blocker) } else { chosen };
        let turned = |(cosine, sine): (f32, f32), side: i8| {
            let sine = sine * f32::from(side);
            (ux * cosine - uy * sine, ux * sine + uy * cosine)
        };
        let undecided = TURNS.into_iter().flat_map(|turn| [(turn, first), (turn, -first)]);
        let found = if chosen == 0 {
            undecided
                .map(|(turn, side)| (turned(turn, side), side))
                .find(|&((dx, dy), _)| self.blocker(i, dx, dy).is_none())
        } else {
            [first, -first]
                .into_iter()
                .flat_map(|side| TURNS.into_iter().map(move |turn| (turned(turn, side), side)))
                .find(|&((dx, dy), _)| self.blocker(i, dx, dy).is_none())
        };
        match found {
            Some(((dx, dy), side)) => {
                self.units.side[i] = side;
                (dx * stride, dy * stride)
            }
            None => (0.0, 0.0),
        }
    }

    /// The side of walker `i` that lies away from the unit in its way: 1 left, -1 right. One that
    /// stands straight ahead is passed in the north (or in the west).
    fn side_away_from(&self, i: usize, blocker: usize) -> i8 {
        let (ux, uy) = (self.crowd.towards_x[i], self.crowd.towards_y[i]);
        let bx = self.units.x[blocker] - self.units.x[i];
        let by = self.units.y[blocker] - self.units.y[i];
        let cross = ux * by - uy * bx;
        let left = if cross == 0.0 { ux > 0.0 || (ux == 0.0 && uy > 0.0) } else { cross < 0.0 };
        if left { 1 } else { -1 }
    }

    /// The nearest unit ahead that keeps walker `i` from the direction `(ux, uy)`: one that stands
    /// within [`LOOKAHEAD`], or one that walks and would overlap it after this loop. Those that
    /// follow have to look out for themselves.
    fn blocker(&self, i: usize, ux: f32, uy: f32) -> Option<usize> {
        let stride = self.crowd.stride[i];
        let (dx, dy) = (ux * stride, uy * stride);
        let mut nearest = f32::INFINITY;
        let mut found = None;
        for obstacle in self.crowd.obstacles(i) {
            let ahead = obstacle.x * ux + obstacle.y * uy;
            if ahead <= 0.0 {
                continue;
            }
            let now = obstacle.distance_squared;
            let closest = if obstacle.walks {
                let j = usize::from(obstacle.unit);
                let ex = obstacle.x + self.crowd.plan_x[j] - dx;
                let ey = obstacle.y + self.crowd.plan_y[j] - dy;
                ex * ex + ey * ey
            } else {
                let along = ahead.min(LOOKAHEAD);
                now - along * (2.0 * ahead - along)
            };
            if closest < obstacle.apart_squared && closest < now && now < nearest {
                nearest = now;
                found = Some(usize::from(obstacle.unit));
            }
        }
        found
    }

    /// Whether a blocked unit stands among those that have reached the same goal: within the disc
    /// that its team would fill around it.
    fn has_arrived(&self, i: usize) -> bool {
        let Order::AttackMove { x, y } = self.units.order[i] else {
            return false;
        };
        if self.units.target[i] != NOBODY {
            return false;
        }
        let team = if i < self.n_allies { self.n_allies } else { self.len() - self.n_allies };
        let (dx, dy) = (x - self.units.x[i], y - self.units.y[i]);
        let separation = self.stats[i].separation;
        dx * dx + dy * dy <= separation * separation * team as f32
    }

    /// Collects in `next` how far walker `i` must move to stand clear of its neighbours: half way
    /// from those that walk as well, all the way from those that stand. False if it need not.
    fn push_apart(&mut self, i: usize) -> bool {
        let (mut push_x, mut push_y) = (0.0, 0.0);
        for obstacle in self.crowd.obstacles(i) {
            let j = usize::from(obstacle.unit);
            let (dx, dy) = (self.units.x[i] - self.units.x[j], self.units.y[i] - self.units.y[j]);
            let apart = self.stats[i].separation + self.stats[j].separation;
            let squared = dx * dx + dy * dy;
            if squared >= apart * apart {
                continue;
            }
            let share = if obstacle.walks { 0.5 } else { 1.0 };
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

    /// Moves walker `i` by the displacement in `next`, as far as cliffs allow.
    fn take_step(&mut self, i: usize) {
        let (dx, dy) = (self.crowd.next_x[i], self.crowd.next_y[i]);
        if dx == 0.0 && dy == 0.0 {
            return;
        }
        let from = (self.units.x[i], self.units.y[i]);
        let to = (from.0 + dx, from.1 + dy);
        let margin = self.stats[i].unit.inner_radius;
        let (x, y) = self.terrain.slide(from, to, margin);
        self.units.x[i] = x;
        self.units.y[i] = y;
    }
}
