//! Movement: the goal and speed of every unit in a game loop.

use super::battle::{Battle, NO_UNIT, Order};
use super::units::Motion;

impl Battle {
    /// Moves every unit that is neither attacking nor idle by one game loop. Directions are chosen in
    /// the loops in which units can choose, and kept in the loop after that.
    pub(crate) fn walk(&mut self, may_choose: bool, first: bool) {
        if may_choose {
            for i in 0..self.len() {
                self.set_out(i, first);
            }
            self.steering.choose_directions();
        } else {
            for i in 0..self.len() {
                self.keep_on(i);
            }
        }
        self.steering.go(&self.terrain);
        for (i, body) in self.steering.bodies.iter().enumerate() {
            if body.walks {
                self.units.x[i] = body.x;
                self.units.y[i] = body.y;
                self.units.side[i] = body.side;
            }
        }
    }

    /// Continues the motion of unit `i`, if it walked and is not blocked.
    fn keep_on(&mut self, i: usize) {
        let (alive, stats) = (self.units.alive(i), &self.stats[i]);
        let body = &mut self.steering.bodies[i];
        body.alive = alive;
        body.walks = body.set_out && alive && !self.engaged[i];
        if body.walks {
            self.units.speed[i] = (self.units.speed[i] + stats.acceleration).min(stats.pace);
            body.keep_on(self.units.speed[i]);
        } else {
            self.units.speed[i] = 0.0;
        }
    }

    /// Prepares the body of unit `i`: its position, and the direction in which it would walk on its own.
    /// A path around cliffs is computed in the first loop of a step, and again when its corner is
    /// reached.
    fn set_out(&mut self, i: usize, first: bool) {
        let from = (self.units.x[i], self.units.y[i]);
        let body = &mut self.steering.bodies[i];
        let corner = body.corner.take().filter(|_| !first && body.walks && body.leg > body.pace);
        (body.x, body.y) = from;
        body.alive = self.units.alive(i);
        body.walks = false;
        if !body.alive {
            return;
        }
        let goal = if self.engaged[i] { None } else { self.goal(i) };
        let Some(goal) = goal else {
            self.units.speed[i] = 0.0;
            return;
        };
        let next = match self.stats[i].motion {
            Motion::Ground => {
                let margin = self.stats[i].unit.inner_radius;
                corner.unwrap_or_else(|| self.terrain.waypoint(from, goal, margin))
            }
            Motion::OverCliffs | Motion::Flying => goal,
        };
        let (dx, dy) = (next.0 - from.0, next.1 - from.1);
        let squared = dx * dx + dy * dy;
        if squared == 0.0 {
            return;
        }
        let (gx, gy) = (goal.0 - from.0, goal.1 - from.1);
        let stats = &self.stats[i];
        self.units.speed[i] = (self.units.speed[i] + stats.acceleration).min(stats.pace);
        let arrived = self.has_arrived(i, gx * gx + gy * gy);
        let left = (gx * gx + gy * gy).sqrt() - self.reach_of_order(i);
        let body = &mut self.steering.bodies[i];
        let distance = squared.sqrt();
        body.walks = true;
        body.ux = dx / distance;
        body.uy = dy / distance;
        body.stride = self.units.speed[i].min(distance);
        body.leg = distance;
        body.left = left;
        body.corner = (next != goal).then_some(next);
        body.approaches = self.units.target[i];
        body.arrived = arrived;
        body.side = self.units.side[i];
    }

    /// Returns the distance from its goal at which unit `i` stops: the range at which it can attack or
    /// heal its target.
    fn reach_of_order(&self, i: usize) -> f32 {
        let target = self.units.target[i];
        if target == NO_UNIT {
            return 0.0;
        }
        let range = self.stats[i].unit.heal.map_or(self.stats[i].range, |heal| heal.range);
        range + self.stats[i].radius + self.stats[usize::from(target)].radius
    }

    /// Returns whether a unit at this squared distance from its goal stands among those that have
    /// reached it: within the disc that its team would fill around the goal.
    fn has_arrived(&self, i: usize, squared: f32) -> bool {
        let attack_moves = matches!(self.units.order[i], Order::AttackMove { .. });
        let separation = self.stats[i].separation;
        let disc = separation * separation * self.team(i).len() as f32;
        attack_moves && self.units.target[i] == NO_UNIT && squared <= disc
    }

    /// Returns the goal of unit `i`; `None` if it stands.
    fn goal(&self, i: usize) -> Option<(f32, f32)> {
        let target = self.units.target[i];
        let place = |j: usize| (self.units.x[j], self.units.y[j]);
        match self.units.order[i] {
            Order::Attack | Order::AttackMove { .. } | Order::Hunt if target != NO_UNIT => {
                Some(place(usize::from(target)))
            }
            Order::Move { x, y } | Order::AttackMove { x, y } => Some((x, y)),
            Order::Hunt if self.stats[i].unit.heal.is_some() => self.nearest_armed(i).map(place),
            Order::Hold | Order::Attack | Order::Hunt => None,
        }
    }

    /// Returns the nearest ally of unit `i` that can attack.
    fn nearest_armed(&self, i: usize) -> Option<usize> {
        let armed = self.team(i).filter(|&j| self.stats[j].armed && self.units.alive(j));
        let distance = |j: usize| self.units.distance_squared(i, j);
        armed.min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
    }
}
