//! Units in each other's way: who stands near a walker, what blocks it, and what is pushed.

use super::battle::Battle;

/// How far units may sink into each other before a step counts as blocked.
const SOFTNESS: f32 = 0.01;
/// How far ahead a walker looks for units that stand.
pub(crate) const LOOKAHEAD: f32 = 1.0;
/// The most neighbours a walker looks at.
const MAX_NEIGHBOURS: usize = 32;

/// A unit that could stand in the way of a walker, as it was before the loop.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Obstacle {
    pub(crate) unit: u16,
    pub(crate) walks: bool,
    /// Where it is, seen from the walker.
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) distance_squared: f32,
    /// The squared distance below which the two overlap.
    pub(crate) apart_squared: f32,
}

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
    /// How near a unit must come to matter to a walker; zero for the dead.
    pub(crate) reach: Vec<f32>,
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
    pub(crate) fn obstacles(&self, i: usize) -> &[Obstacle] {
        &self.obstacles[i][..self.n_obstacles[i]]
    }
}

impl Battle {
    /// Lists the units that could stand in the way of walker `i`.
    pub(crate) fn look_around(&mut self, i: usize) {
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

    /// The nearest unit ahead that keeps walker `i` from the direction `(ux, uy)`: one that stands
    /// within [`LOOKAHEAD`], or one that walks and would overlap it after this loop. Those that
    /// follow have to look out for themselves.
    pub(crate) fn blocker(&self, i: usize, ux: f32, uy: f32) -> Option<usize> {
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

    /// Collects in `next` how far walker `i` must move to stand clear of its neighbours: half way
    /// from those that walk as well, all the way from those that stand. False if it need not.
    pub(crate) fn push_apart(&mut self, i: usize) -> bool {
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
}
