//! Walking, walking round each other, and being kept apart.
//!
//! A walker goes straight on towards the next corner of its route where that is free. Otherwise it
//! takes the smallest turn that is free, and keeps to the side it once chose until straight on is
//! free again, so that a crowd flows round those who stand and shoot. What still overlaps
//! afterwards is pushed apart. Units get in the way of those only that move as they do: on the
//! ground, over cliffs, or in the air.
//!
//! The engine's own rules of collision are not documented; these are ours. They look at what was
//! true before the loop, never at the order of units.

use super::battle::{Battle, NOBODY, Order};
use super::units::{LOOPS_PER_SECOND, Motion};

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
        }
        if self.crowd.walkers.is_empty() {
            return;
        }
        self.look_around();
        let walkers = std::mem::take(&mut self.crowd.walkers);
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
        self.crowd.plan_x[i] = 0.0;
        self.crowd.plan_y[i] = 0.0;
        if !self.units.alive(i) {
            return false;
        }
        let from = (self.units.x[i], self.units.y[i]);
        let goal = if self.engaged[i] { None } else { self.goal(i) };
        let (mut dx, mut dy) = match goal {
            None => (0.0, 0.0),
            Some(goal) => {
                let next = match self.stats[i].motion {
                    Motion::Ground => self.terrain.waypoint(from, goal),
                    Motion::OverCliffs | Motion::Flying => goal,
                };
                (next.0 - from.0, next.1 - from.1)
            }
        };
        if let Some(acceleration) = self.stats[i].unit.acceleration {
            (dx, dy) = self.accelerate(i, (dx, dy), acceleration);
        }
        let distance = (dx * dx + dy * dy).sqrt();
        if distance == 0.0 {
            return false;
        }
        let crowd = &mut self.crowd;
        crowd.towards_x[i] = dx / distance;
        crowd.towards_y[i] = dy / distance;
        crowd.stride[i] = self.stats[i].pace.min(distance);
        crowd.plan_x[i] = crowd.towards_x[i] * crowd.stride[i];
        crowd.plan_y[i] = crowd.towards_y[i] * crowd.stride[i];
        true
    }

    /// Where unit `i` wants to be; `None` if it wants to stay.
    fn goal(&self, i: usize) -> Option<(f32, f32)> {
        let target = self.units.target[i];
        let place = |j: usize| (self.units.x[j], self.units.y[j]);
        match self.units.order[i] {
            Order::Attack | Order::AttackMove { .. } | Order::Hunt if target != NOBODY => {
                Some(place(usize::from(target)))
            }
            Order::Move { x, y } | Order::AttackMove { x, y } => Some((x, y)),
            Order::Hunt if self.stats[i].unit.heal.is_some() => self.nearest_armed(i).map(place),
            Order::Hold | Order::Attack | Order::Hunt => None,
        }
    }

    /// The nearest comrade of unit `i` that can attack.
    fn nearest_armed(&self, i: usize) -> Option<usize> {
        let armed = self.team(i).filter(|&j| self.stats[j].armed && self.units.alive(j));
        let distance = |j: usize| self.units.distance_squared(i, j);
        armed.min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
    }

    /// The displacement of a unit that cannot start and stop at once and would like to move by
    /// `wish`: its velocity changes towards the wish by at most the acceleration.
    fn accelerate(&mut self, i: usize, wish: (f32, f32), acceleration: f32) -> (f32, f32) {
        let most = acceleration / (LOOPS_PER_SECOND * LOOPS_PER_SECOND);
        let distance = (wish.0 * wish.0 + wish.1 * wish.1).sqrt();
        // The fastest velocity from which it can still stop at the goal.
        let speed = self.stats[i].pace.min((2.0 * most * distance).sqrt()).min(distance);
        let scale = if distance > 0.0 { speed / distance } else { 0.0 };
        let velocity = &mut self.units.velocity[i];
        let (cx, cy) = (wish.0 * scale - velocity.0, wish.1 * scale - velocity.1);
        let change = (cx * cx + cy * cy).sqrt();
        let share = if change > most { most / change } else { 1.0 };
        *velocity = (velocity.0 + cx * share, velocity.1 + cy * share);
        *velocity
    }

    fn decide(&mut self, i: usize) {
        self.gather_obstacles(i);
        let (dx, dy) = self.steer(i);
        self.crowd.next_x[i] = dx;
        self.crowd.next_y[i] = dy;
    }

    /// Whether a neighbour of walker `i` will not do what was expected of it.
    fn is_surprised(&self, i: usize) -> bool {
        let crowd = &self.crowd;
        crowd.neighbours.of(i).iter().any(|&j| {
            let j = usize::from(j);
            crowd.walks[j]
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
                .find(|&((dx, dy), _)| self.is_free(i, dx, dy))
        } else {
            [first, -first]
                .into_iter()
                .flat_map(|side| TURNS.into_iter().map(move |turn| (turned(turn, side), side)))
                .find(|&((dx, dy), _)| self.is_free(i, dx, dy))
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
        let team = self.team(i).len();
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
        let (x, y) = match self.stats[i].motion {
            Motion::Ground => self.terrain.slide(from, to, margin),
            Motion::OverCliffs | Motion::Flying => self.terrain.stay_on_map(to, margin),
        };
        self.units.x[i] = x;
        self.units.y[i] = y;
    }
}
