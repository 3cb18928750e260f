//! Units in each other's way: how a crowd flows round those who stand, and is kept apart.
//!
//! A walker goes straight on where that is free. Otherwise it takes the smallest turn that is free,
//! and keeps to the side it once chose until straight on is free again. What still overlaps
//! afterwards is pushed apart. Units get in the way of those only that move as they do: on the
//! ground, over cliffs, or in the air.
//!
//! Directions are chosen in every second game loop and kept in the one between, in which nobody
//! sets out.
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
/// By how much the squared distance must shrink for two that overlap to block each other, so that
/// no rounding decides about those who walk side by side.
const APPROACH: f32 = 1e-4;
/// How far ahead a walker looks for units that stand.
const LOOKAHEAD: f32 = 1.0;
/// A turn to the left, as cosine and sine.
type Turn = (f32, f32);
/// Straight on.
const STRAIGHT: Turn = (1.0, 0.0);
/// Not at all.
const STAY: Turn = (0.0, 0.0);
/// The turns a blocked walker tries: by 30, 60, 90 and 120 degrees.
const TURNS: [Turn; 4] = [(0.866_025_4, 0.5), (0.5, 0.866_025_4), (0.0, 1.0), (-0.5, 0.866_025_4)];
/// For how many game loops a direction is kept.
const LOOPS_PER_CHOICE: f32 = 2.0;
/// How often, at most, overlapping walkers are pushed apart in one loop.
const PUSHES: usize = 2;

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
    /// The next corner of its way round cliffs.
    pub(crate) corner: Option<(f32, f32)>,
    /// How far it is to that corner, or to the goal.
    pub(crate) leg: f32,
    /// How the direction chosen differs from the one wanted.
    turn: Turn,
    /// Whether it walked when directions were chosen.
    pub(crate) set_out: bool,
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
            corner: None,
            leg: 0.0,
            turn: STAY,
            set_out: false,
            next_x: 0.0,
            next_y: 0.0,
        }
    }

    /// How near another must come to matter.
    fn reach(&self) -> f32 {
        self.separation + if self.walks { LOOPS_PER_CHOICE * self.pace } else { LOOKAHEAD }
    }

    /// Goes on in the direction chosen last.
    pub(crate) fn keep_on(&mut self, speed: f32) {
        self.leg -= self.stride;
        self.stride = speed.min(self.leg.max(0.0));
        self.choose(self.turn);
    }

    /// The direction in which it goes after this turn.
    fn direction(&self, (cosine, sine): Turn) -> (f32, f32) {
        (self.ux * cosine - self.uy * sine, self.ux * sine + self.uy * cosine)
    }

    /// Makes this turn its choice.
    fn choose(&mut self, turn: Turn) {
        let (x, y) = self.direction(turn);
        self.turn = turn;
        (self.next_x, self.next_y) = (x * self.stride, y * self.stride);
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

/// The little of a body that is read most often.
#[derive(Clone, Copy, Debug, Default)]
struct Spot {
    x: f32,
    y: f32,
    separation: f32,
    /// 1 for a unit that walks, else 0.
    walks: f32,
    /// The displacement the others expect of it.
    plan_x: f32,
    plan_y: f32,
}

/// Moves all units of a battle by one game loop.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    /// `[unit]`, filled in before a loop.
    pub(crate) bodies: Vec<Body>,
    spots: Vec<Spot>,
    walkers: Vec<u16>,
    /// Walkers that decide twice.
    rethinks: Vec<u16>,
    neighbours: Neighbours,
    obstacles: Obstacles,
    /// Whether all move in the same way.
    alike: bool,
}

impl Crowd {
    /// Room for these units on a map of `width` by `height`.
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

    /// Takes over the kinds of all units.
    pub(crate) fn enlist(&mut self, stats: &[Stats]) {
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

    /// Moves every body that walks, and pushes apart those that overlap then.
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

    /// Lets every walker choose its direction. First everybody expects the others to walk straight
    /// on. Then those choose again who would run into a neighbour that decided otherwise.
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
                plan_x: body.ux * stride,
                plan_y: body.uy * stride,
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
            (spot.plan_x, spot.plan_y) = (body.next_x, body.next_y);
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

    /// Whether a neighbour of walker `i` will not do what was expected of it.
    fn is_surprised(&self, i: usize) -> bool {
        self.neighbours.of(i).iter().any(|&j| {
            let (other, spot) = (&self.bodies[usize::from(j)], &self.spots[usize::from(j)]);
            other.walks && (spot.plan_x != other.next_x || spot.plan_y != other.next_y)
        })
    }

    /// Chooses how far every walker must move to stand clear of its neighbours: half way from
    /// those that walk as well, all the way from those that stand. Only those that must move remain
    /// among the walkers.
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
                (self.bodies[i].next_x, self.bodies[i].next_y) = (push_x, push_y);
                self.walkers[kept] = unit;
                kept += 1;
            }
        }
        self.walkers.truncate(kept);
    }
}

/// How many obstacles are held against a direction at once.
const LANES: usize = 4;
/// How many such groups there are.
const GROUPS: usize = MAX_NEIGHBOURS / LANES;

/// The units that could stand in the way of one walker, as they were before the loop.
///
/// One array per quantity, so that a direction is held against several of them at once. The last
/// group is filled up with obstacles that block nothing.
#[derive(Clone, Debug)]
struct Obstacles {
    groups: usize,
    /// How far ahead the walker looks for those that stand.
    look: f32,
    lanes: [Lanes; GROUPS],
}

/// A group of obstacles.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    /// Where it is, seen from the walker.
    x: [f32; LANES],
    y: [f32; LANES],
    /// Where it is expected to be after the loop, seen from where the walker is now.
    then_x: [f32; LANES],
    then_y: [f32; LANES],
    /// 1 for an obstacle that walks, else 0.
    walks: [f32; LANES],
    /// The squared distance now.
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

    /// Which of these obstacles keep the walker from the direction `(ux, uy)`: those that stand
    /// within `look`, and those that walk and would overlap the walker after this loop.
    ///
    /// Without a branch, so that all lanes are computed at once.
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
    const NONE: Self = Self { groups: 0, look: 0.0, lanes: [Lanes::NONE; GROUPS] };

    /// Takes in the neighbours of a walker. Whom it walks up to is no obstacle.
    fn gather(&mut self, own: &Body, spots: &[Spot], neighbours: &[u16]) {
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
            lanes.then_x[k] = dx + other.plan_x;
            lanes.then_y[k] = dy + other.plan_y;
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

    /// Whether the direction `(ux, uy)`, at `stride`, is free.
    #[inline]
    fn is_free(&self, ux: f32, uy: f32, stride: f32) -> bool {
        let groups = self.lanes[..self.groups].iter();
        let blocks = |lanes: &Lanes| {
            let [a, b, c, d] = lanes.block(ux, uy, stride, self.look);
            a | b | c | d != 0
        };
        !groups.into_iter().any(blocks)
    }

    /// Where the nearest obstacle is, seen from the walker, that keeps it from the direction
    /// `(ux, uy)`. Those that follow have to look out for themselves.
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

    /// Lets a walker among these obstacles choose: straight on if that is free, else the smallest
    /// turn that is, else to stay.
    fn steer(&self, body: &mut Body) {
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
            // One who has chosen a side tries all turns to it before those to the other.
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
