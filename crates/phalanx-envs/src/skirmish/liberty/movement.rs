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
use super::crowd::LOOKAHEAD;

/// The turns a blocked walker tries: cosine and sine of 30, 60, 90 and 120 degrees.
const TURNS: [(f32, f32); 4] =
    [(0.866_025_4, 0.5), (0.5, 0.866_025_4), (0.0, 1.0), (-0.5, 0.866_025_4)];
/// How often, at most, overlapping walkers are pushed apart in one loop.
const PUSHES: usize = 3;

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
