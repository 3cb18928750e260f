//! The state of a battle and its game loop, whose parts are `combat`, `movement` and `collision`.

use phalanx_core::rng::Rng;

use super::args::SmaxArgs;
use super::collision::{MAX_PAIRS, Pair};
use super::simd::{CAPACITY, LANES, Numbers, groups, groups_mut};
use super::units::{Combatant, STRIDE, TYPE_BITS};

/// Added to squared distances from dead units: beyond any sight or weapon range.
pub(crate) const FAR: f32 = 1e12;

/// The initial gap up to which pairs are listed: about as much as two units can approach each other in
/// five game loops. In measurements, 1.2 to 3 made little difference.
const MARGIN: f32 = 2.0;

/// The first four actions walk in these directions: north, east, south, west.
pub(crate) const DIRECTIONS: [(f32, f32); 4] = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)];
/// The action that does nothing; the only one of dead units.
pub(crate) const STOP: u16 = 4;
/// The number of actions before the first attack.
pub(crate) const ATTACK: u16 = 5;

/// The units of both teams, and the rules of the game.
#[derive(Clone, Debug)]
pub(crate) struct Battle {
    pub(crate) n_allies: usize,
    pub(crate) n_units: usize,
    /// The number of groups of [`LANES`] that hold the units.
    pub(crate) n_groups: usize,
    pub(crate) args: SmaxArgs,
    kinds: [Combatant; TYPE_BITS],

    /// The type of each unit.
    pub(crate) kind: [u8; CAPACITY],
    pub(crate) x: Numbers,
    pub(crate) y: Numbers,
    pub(crate) health: Numbers,
    /// Seconds until the weapon is ready; not clamped at zero.
    pub(crate) cooldown: Numbers,
    /// The last joint action, in each unit's own numbering.
    pub(crate) action: [u16; CAPACITY],

    /// Zero for living units and [`FAR`] for dead ones.
    pub(crate) away: Numbers,
    pub(crate) radius: Numbers,
    /// Displacement per game loop in this step; zero for dead units.
    pub(crate) stride_x: Numbers,
    pub(crate) stride_y: Numbers,
    /// Attackers and their targets in this step.
    pub(crate) attacks: [(u8, u8); CAPACITY],
    pub(crate) n_attacks: usize,
    /// Cooldowns of the units that have fired in this game loop.
    pub(crate) fired: [(u8, f32); CAPACITY],

    /// The largest sum of two radii.
    pub(crate) reach: f32,
    /// The largest stride of this step.
    pub(crate) fastest: f32,
    /// The listed pairs.
    pub(crate) pairs: Box<[Pair; MAX_PAIRS]>,
    pub(crate) n_pairs: usize,
    /// Pairs with a larger gap than this are not listed.
    pub(crate) margin: f32,
    /// How much nearer two units may come before an unlisted pair can touch.
    pub(crate) slack: f32,
    /// How far any unit may go before it can touch the edge.
    pub(crate) room: f32,
    /// The most that two units can approach each other in one game loop of this step.
    approach: f32,
    /// The displacements caused by collisions.
    pub(crate) push_x: Numbers,
    pub(crate) push_y: Numbers,
}

impl Battle {
    /// Creates an empty battlefield; [`Battle::begin`] fills it.
    pub(crate) fn new(n_allies: usize, n_enemies: usize, args: SmaxArgs) -> Self {
        let zeros = [0.0; CAPACITY];
        assert!(n_allies + n_enemies <= CAPACITY, "the scenarios fit the arrays");
        Self {
            n_allies,
            n_units: n_allies + n_enemies,
            n_groups: (n_allies + n_enemies).div_ceil(LANES),
            kinds: Combatant::all(args.time_per_step),
            args,
            kind: [0; CAPACITY],
            x: zeros,
            y: zeros,
            health: zeros,
            cooldown: zeros,
            action: [STOP; CAPACITY],
            away: [FAR; CAPACITY],
            radius: zeros,
            stride_x: zeros,
            stride_y: zeros,
            attacks: [(0, 0); CAPACITY],
            n_attacks: 0,
            fired: [(0, 0.0); CAPACITY],
            reach: 0.0,
            fastest: 0.0,
            pairs: Box::new([Pair::default(); MAX_PAIRS]),
            n_pairs: 0,
            margin: MARGIN,
            slack: 0.0,
            room: 0.0,
            approach: 0.0,
            push_x: zeros,
            push_y: zeros,
        }
    }

    /// Returns the numbers of a unit's type.
    #[inline]
    pub(crate) fn stats(&self, unit: usize) -> &Combatant {
        &self.kinds[usize::from(self.kind[unit])]
    }

    #[inline]
    pub(crate) fn alive(&self, unit: usize) -> bool {
        self.away[unit] == 0.0
    }

    /// Returns whether any unit of `units` is alive.
    pub(crate) fn any_alive(&self, mut units: std::ops::Range<usize>) -> bool {
        units.any(|unit| self.alive(unit))
    }

    /// Starts a battle with the current types and positions, at full health.
    pub(crate) fn begin(&mut self) {
        for unit in 0..self.n_units {
            self.health[unit] = self.stats(unit).unit.health;
        }
        self.cooldown.fill(0.0);
        self.action.fill(STOP);
        self.refresh();
        self.push_apart();
    }

    /// Recomputes the values derived from types and health.
    pub(crate) fn refresh(&mut self) {
        let mut largest = 0.0_f32;
        for unit in 0..self.n_units {
            self.radius[unit] = self.stats(unit).unit.radius;
            largest = largest.max(self.radius[unit]);
            self.away[unit] = if self.health[unit] > 0.0 { 0.0 } else { FAR };
        }
        self.reach = largest + largest;
        self.slack = 0.0;
        self.room = 0.0;
    }

    /// Returns the unit that `unit` attacks with `action`, which must be an attack.
    ///
    /// Enemies number their targets backwards, as they observe them.
    #[inline]
    pub(crate) fn target(&self, unit: usize, action: u16) -> usize {
        let slot = usize::from(action - ATTACK);
        if unit < self.n_allies { self.n_allies + slot } else { self.n_allies - 1 - slot }
    }

    /// Plays one step of [`Battle::action`], the joint action.
    pub(crate) fn advance(&mut self, rng: &mut Rng) {
        self.give_orders();
        for _ in 0..self.args.world_steps_per_env_step {
            let shot = self.shoot(rng);
            let touched = self.move_units();
            if shot || touched {
                self.bury();
            }
            self.slack -= self.approach;
            self.push_apart();
        }
    }

    fn give_orders(&mut self) {
        let (mut first, mut second) = (0.0_f32, 0.0_f32);
        self.n_attacks = 0;
        for unit in 0..self.n_units {
            let action = self.action[unit];
            let (mut dx, mut dy) = (0.0, 0.0);
            if self.alive(unit) {
                if action >= ATTACK {
                    let target = self.target(unit, action);
                    self.attacks[self.n_attacks] = (unit as u8, target as u8);
                    self.n_attacks += 1;
                } else if action < STOP {
                    let pace = self.stats(unit).pace;
                    let (x, y) = DIRECTIONS[usize::from(action)];
                    (dx, dy) = (x * pace, y * pace);
                    if pace > first {
                        second = first;
                        first = pace;
                    } else if pace > second {
                        second = pace;
                    }
                }
            }
            self.stride_x[unit] = dx;
            self.stride_y[unit] = dy;
        }
        self.approach = first + second;
        self.fastest = first;
    }

    /// Writes the squared distances of all units from `unit`; at least [`FAR`] for dead units.
    #[inline]
    pub(crate) fn squared_distances(&self, unit: usize, out: &mut Numbers) {
        let n = self.n_groups;
        let (x, y) = (self.x[unit], self.y[unit]);
        let places = groups(&self.x, n).iter().zip(groups(&self.y, n)).zip(groups(&self.away, n));
        for (out, ((xs, ys), away)) in groups_mut(out, n).iter_mut().zip(places) {
            for lane in 0..LANES {
                let (dx, dy) = (xs[lane] - x, ys[lane] - y);
                out[lane] = dx * dx + dy * dy + away[lane];
            }
        }
    }

    /// Returns a unit's last movement, as a vector, as other units observe it.
    #[inline]
    pub(crate) fn last_movement(&self, unit: usize) -> (f32, f32) {
        let directions = DIRECTIONS.get(usize::from(self.action[unit]));
        directions.map_or((0.0, 0.0), |&(x, y)| (x * STRIDE, y * STRIDE))
    }

    /// Returns a unit's last attack as other units observe it: the action over the largest action, or
    /// zero.
    #[inline]
    pub(crate) fn last_attack(&self, unit: usize) -> f32 {
        let action = self.action[unit];
        if action < ATTACK {
            return 0.0;
        }
        let n_enemies = self.n_units - self.n_allies;
        let n_targets = if unit < self.n_allies { n_enemies } else { self.n_allies };
        f32::from(action) / (n_targets + usize::from(ATTACK) - 1) as f32
    }
}
