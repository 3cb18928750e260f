//! Steering and collision avoidance.
//!
//! A walker goes straight on if that is free. Otherwise it takes the smallest free turn, and keeps to
//! the side it chose until straight on is free again. Remaining overlaps are pushed apart. Units
//! interact only with units of the same kind of motion: on the ground, over cliffs, or in the air.
//!
//! Directions are chosen in every second game loop and kept in the loop between, in which no unit starts
//! to walk.
//!
//! The engine's own rules of collision are not documented; these are ours. They depend only on the state
//! before the loop, never on the order of units.

mod body;
mod neighbours;
mod obstacles;

use super::units::Stats;
use crate::skirmish::terrain::Terrain;
pub(crate) use body::Body;
use body::{LOOPS_PER_CHOICE, Spot};
use neighbours::Neighbours;
use obstacles::Obstacles;

/// The maximum number of rounds in which overlapping walkers are pushed apart in one loop.
const PUSHES: usize = 2;

/// Moves all units of a battle by one game loop.
#[derive(Clone, Debug)]
pub(crate) struct Steering {
    /// The bodies, `[unit]`, filled in before a loop.
    pub(crate) bodies: Vec<Body>,
    spots: Vec<Spot>,
    walkers: Vec<u16>,
    /// Walkers that decide a second time.
    rethinks: Vec<u16>,
    neighbours: Neighbours,
    obstacles: Obstacles,
    /// Whether all units have the same kind of motion.
    alike: bool,
}

impl Steering {
    /// Reserves capacity for these units on a map of `width` by `height`.
    pub(crate) fn new(stats: &[Stats], width: usize, height: usize) -> Self {
        let n = stats.len();
        Self {
            bodies: stats.iter().map(Body::of).collect(),
            spots: vec![Spot::default(); n],
            walkers: Vec::with_capacity(n),
            rethinks: Vec::with_capacity(n),
            neighbours: Neighbours::new(n, width, height),
            obstacles: Obstacles::NONE,
            alike: false,
        }
    }

    /// Sets the types of all units.
    pub(crate) fn set_rosters(&mut self, stats: &[Stats]) {
        for (body, stats) in self.bodies.iter_mut().zip(stats) {
            *body = Body::of(stats);
        }
        for list in [&mut self.walkers, &mut self.rethinks] {
            list.clear();
            list.reserve(stats.len());
        }
        self.neighbours.reserve();
        self.alike = stats.iter().all(|one| one.motion == stats[0].motion);
    }

    /// Moves every walking body, then pushes apart those that overlap.
    pub(crate) fn go(&mut self, terrain: &Terrain) {
        self.walkers.clear();
        for ((i, body), spot) in self.bodies.iter().enumerate().zip(&mut self.spots) {
            spot.walks = if body.walks { 1.0 } else { 0.0 };
            (spot.x, spot.y) = (body.x, body.y);
            if body.walks {
                self.walkers.push(i as u16);
            }
        }
        self.step(terrain);
        for _ in 0..PUSHES {
            self.push_apart();
            self.step(terrain);
        }
    }

    /// Chooses the direction of every walker. First every unit expects the others to walk straight on.
    /// Then those choose again that would collide with a neighbour that decided otherwise.
    pub(crate) fn choose_directions(&mut self) {
        self.walkers.clear();
        for ((i, body), spot) in self.bodies.iter_mut().enumerate().zip(&mut self.spots) {
            body.set_out = body.walks;
            if body.walks {
                self.walkers.push(i as u16);
            }
            let stride = if body.walks { body.stride } else { 0.0 };
            *spot = Spot {
                x: body.x,
                y: body.y,
                separation: body.separation,
                walks: if body.walks { 1.0 } else { 0.0 },
                plan: (body.ux * stride, body.uy * stride),
            };
        }
        if self.walkers.is_empty() {
            return;
        }
        self.find_neighbours();
        for index in 0..self.walkers.len() {
            let i = usize::from(self.walkers[index]);
            self.obstacles.gather(&self.bodies[i], &self.spots, self.neighbours.of(i));
            self.obstacles.steer(&mut self.bodies[i]);
        }
        self.rethinks.clear();
        for &i in &self.walkers {
            if self.is_surprised(usize::from(i)) {
                self.rethinks.push(i);
            }
        }
        for &i in &self.walkers {
            let (body, spot) = (&self.bodies[usize::from(i)], &mut self.spots[usize::from(i)]);
            spot.plan = body.next;
        }
        for index in 0..self.rethinks.len() {
            let i = usize::from(self.rethinks[index]);
            self.obstacles.gather(&self.bodies[i], &self.spots, self.neighbours.of(i));
            let body = &mut self.bodies[i];
            let (x, y) = body.direction(body.turn);
            if !self.obstacles.is_free(x, y, body.stride) {
                self.obstacles.steer(body);
            }
        }
    }

    fn find_neighbours(&mut self) {
        let bodies = &self.bodies;
        let living = bodies.iter().enumerate().filter(|(_, body)| body.alive);
        let place = |(i, body): (usize, &Body)| (i as u16, body.x, body.y, body.reach());
        self.neighbours.place(living.map(place));
        for &i in &self.walkers {
            let i = usize::from(i);
            let own = &bodies[i];
            let alike = |j: u16| self.alike || bodies[usize::from(j)].motion == own.motion;
            let reach = own.separation + LOOPS_PER_CHOICE * own.pace;
            self.neighbours.find(i, (own.x, own.y), reach, alike);
        }
    }

    fn step(&mut self, terrain: &Terrain) {
        for &i in &self.walkers {
            let (body, spot) = (&mut self.bodies[usize::from(i)], &mut self.spots[usize::from(i)]);
            body.go(terrain);
            (spot.x, spot.y) = (body.x, body.y);
        }
    }

    /// Returns whether a neighbour of walker `i` will not move as expected.
    fn is_surprised(&self, i: usize) -> bool {
        self.neighbours.of(i).iter().any(|&j| {
            let (other, spot) = (&self.bodies[usize::from(j)], &self.spots[usize::from(j)]);
            other.walks && spot.plan != other.next
        })
    }

    /// Chooses the displacement that separates each walker from its neighbours: half of the overlap if
    /// the neighbour walks too, all of it if the neighbour stands. Only walkers that must move remain in
    /// the list.
    fn push_apart(&mut self) {
        let mut kept = 0;
        for index in 0..self.walkers.len() {
            let unit = self.walkers[index];
            let i = usize::from(unit);
            let own = self.spots[i];
            let (mut push_x, mut push_y) = (0.0, 0.0);
            for &j in self.neighbours.of(i) {
                let other = &self.spots[usize::from(j)];
                let (dx, dy) = (own.x - other.x, own.y - other.y);
                let apart = own.separation + other.separation;
                let squared = dx * dx + dy * dy;
                if squared >= apart * apart {
                    continue;
                }
                let share = 1.0 - 0.5 * other.walks;
                let distance = squared.sqrt();
                if distance > 0.0 {
                    let scale = share * (apart - distance) / distance;
                    push_x += dx * scale;
                    push_y += dy * scale;
                } else {
                    let push = share * apart;
                    push_y += if unit < j { push } else { -push };
                }
            }
            if push_x != 0.0 || push_y != 0.0 {
                self.bodies[i].next = (push_x, push_y);
                self.walkers[kept] = unit;
                kept += 1;
            }
        }
        self.walkers.truncate(kept);
    }
}
