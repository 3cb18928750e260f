//! The state of a battle and its game loop.

use std::ops::Range;

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::alive::AliveUnits;
use super::steering::Steering;
use super::units::{Stats, UNITS};
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::maps::{EnemyOrder, Map, Rosters, START_SCATTER, Spawn};
use crate::skirmish::terrain::Terrain;

/// The order of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Stand still; attack only on command.
    Hold,
    /// Walk to a point.
    Move { x: f32, y: f32 },
    /// Attack [`Units::target`], following it if necessary. A healer heals it.
    Attack,
    /// Walk to a point; attack opponents on the way.
    AttackMove { x: f32, y: f32 },
    /// Attack the nearest opponent anywhere, and the next one when it is dead.
    Hunt,
}

/// No unit.
pub(crate) const NO_UNIT: u16 = u16::MAX;
/// The wind-up of a unit that is not preparing a shot.
pub(crate) const AT_REST: f32 = f32::INFINITY;

/// Damage in flight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hit {
    /// Game loops until the damage is dealt.
    pub(crate) due: f32,
    pub(crate) from: u16,
    pub(crate) to: u16,
    /// For a weapon that hits along a line: the middle of the line, and its direction of length one.
    pub(crate) place: (f32, f32),
    pub(crate) along: (f32, f32),
}

/// The changing part of a battle, one element per unit; the allies come first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Units {
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
    /// Zero for dead units.
    pub(crate) health: Vec<f32>,
    pub(crate) shield: Vec<f32>,
    /// Zero for units without energy.
    pub(crate) energy: Vec<f32>,
    /// Game loops until the next attack can start. Negative only during the wind-up.
    pub(crate) cooldown: Vec<f32>,
    /// Game loops until the prepared shot; [`AT_REST`] if there is none.
    pub(crate) windup: Vec<f32>,
    /// Game loops until the unit can walk after its last shot.
    pub(crate) backswing: Vec<f32>,
    /// Game loops until the unit can call for help again.
    pub(crate) silence: Vec<f32>,
    /// Game loops since the unit was last damaged.
    pub(crate) unharmed: Vec<f32>,
    /// Speed in length units per loop; zero for a unit that stands.
    pub(crate) speed: Vec<f32>,
    pub(crate) order: Vec<Order>,
    /// The unit that is attacked or healed, or [`NO_UNIT`].
    pub(crate) target: Vec<u16>,
    /// The side on which the unit passes an obstacle: 1 left, -1 right, 0 undecided.
    pub(crate) side: Vec<i8>,
    /// Damage in flight, in the order of launch.
    pub(crate) hits: Vec<Hit>,
    /// Game loops played.
    pub(crate) clock: u32,
}

/// Reserved capacity for hits in flight, per unit: a colossus has at most two.
const HITS_PER_UNIT: usize = 4;

impl Units {
    fn new(n: usize) -> Self {
        Self {
            x: vec![0.0; n],
            y: vec![0.0; n],
            health: vec![0.0; n],
            shield: vec![0.0; n],
            energy: vec![0.0; n],
            cooldown: vec![0.0; n],
            windup: vec![AT_REST; n],
            backswing: vec![0.0; n],
            silence: vec![0.0; n],
            unharmed: vec![0.0; n],
            speed: vec![0.0; n],
            order: vec![Order::Hold; n],
            target: vec![NO_UNIT; n],
            side: vec![0; n],
            hits: Vec::with_capacity(HITS_PER_UNIT * n),
            clock: 0,
        }
    }

    /// Returns whether this can be the state of a battle of `n` units.
    pub(crate) fn is_compatible(&self, n: usize) -> bool {
        let numbers = [
            &self.x,
            &self.y,
            &self.health,
            &self.shield,
            &self.energy,
            &self.cooldown,
            &self.windup,
            &self.backswing,
            &self.silence,
            &self.unharmed,
            &self.speed,
        ];
        let known = |unit: u16| usize::from(unit) < n;
        numbers.iter().all(|column| column.len() == n)
            && self.order.len() == n
            && self.target.len() == n
            && self.side.len() == n
            && self.target.iter().all(|&target| target == NO_UNIT || known(target))
            && self.hits.iter().all(|hit| known(hit.from) && known(hit.to))
    }

    /// Restores a saved state without giving up the capacity reserved for hits.
    pub(crate) fn restore(&mut self, mut saved: Self) {
        saved.hits.reserve(HITS_PER_UNIT * saved.x.len());
        *self = saved;
    }

    #[inline]
    pub(crate) fn alive(&self, i: usize) -> bool {
        self.health[i] > 0.0
    }

    /// Returns the squared distance between the centres of two units.
    #[inline]
    pub(crate) fn distance_squared(&self, i: usize, j: usize) -> f32 {
        let (dx, dy) = (self.x[j] - self.x[i], self.y[j] - self.y[i]);
        dx * dx + dy * dy
    }

    /// Replaces the order of unit `i`. An attack on the same target continues; another order cancels the
    /// rest of the previous one.
    pub(crate) fn command(&mut self, i: usize, order: Order, target: u16) {
        if self.target[i] != target || target == NO_UNIT {
            self.aim(i, target);
            self.backswing[i] = 0.0;
        }
        self.order[i] = order;
    }

    /// Sets or clears the target of unit `i`; a prepared shot is lost.
    #[inline]
    pub(crate) fn aim(&mut self, i: usize, target: u16) {
        self.target[i] = target;
        self.windup[i] = AT_REST;
    }
}

/// The state of a battle and its game loop.
///
/// All units act at once in a game loop: every unit decides on the state before the loop, and damage and
/// motion take effect together. No team gains from the order of its units.
#[derive(Clone, Debug)]
pub(crate) struct Battle {
    pub(crate) units: Units,
    pub(crate) stats: Vec<Stats>,
    pub(crate) terrain: Terrain,
    pub(crate) n_allies: usize,
    /// Units that stand still in this loop because their target is within range.
    pub(crate) engaged: Vec<bool>,
    /// The attacker of each unit in this loop: the nearest living opponent that hit it, or [`NO_UNIT`].
    pub(crate) struck_by: Vec<u16>,
    /// The units damaged in this loop.
    pub(crate) struck: Vec<u16>,
    /// Units that exploded in this loop, before their damage is dealt.
    pub(crate) bursts: Vec<u16>,
    /// Units that turned to an attacker, or were called for help, in this loop.
    pub(crate) turned: Vec<bool>,
    /// Units that were healed in this loop.
    pub(crate) healed: Vec<bool>,
    /// The living allies and enemies when targets were chosen.
    pub(crate) living: [AliveUnits; 2],
    pub(crate) steering: Steering,
    /// Whether any unit accelerates, heals, or regains health or energy.
    pub(crate) recovers: bool,
    /// The largest radius of a unit.
    pub(crate) widest: f32,
    table: Vec<Stats>,
    deterministic: bool,
    scatter: f32,
}

impl Battle {
    /// Creates the battle of `map`, before [`Battle::spawn`].
    pub(crate) fn new(map: &Map, args: &SkirmishArgs) -> Self {
        let table = Stats::table();
        let n = map.allies.len() + map.enemies.len();
        let stats = vec![table[0]; n];
        let mut battle = Self {
            units: Units::new(n),
            terrain: map.terrain.clone(),
            n_allies: map.allies.len(),
            engaged: vec![false; n],
            struck_by: vec![NO_UNIT; n],
            struck: Vec::with_capacity(n),
            bursts: Vec::with_capacity(n),
            turned: vec![false; n],
            healed: vec![false; n],
            living: [AliveUnits::default(), AliveUnits::default()],
            steering: Steering::new(&stats, map.terrain.width(), map.terrain.height()),
            stats,
            recovers: false,
            widest: table.iter().map(|stats| stats.radius).fold(0.0, f32::max),
            table,
            deterministic: args.deterministic,
            scatter: if args.start_scatter { START_SCATTER } else { 0.0 },
        };
        battle.set_rosters(map.allies.iter().chain(&map.enemies).map(|placed| placed.unit));
        battle
    }

    /// Places every unit at its position in the rosters, up to the scatter. Allies hold; enemies follow
    /// their order.
    pub(crate) fn spawn(&mut self, rosters: &Rosters, enemy_order: EnemyOrder, rng: &mut Rng) {
        self.set_rosters(rosters.units().map(|placed| placed.unit));
        let goal = match enemy_order {
            EnemyOrder::AttackMove(x, y) => Some((x, y)),
            EnemyOrder::AttackMoveBetween(a, b) => {
                let share = rng.uniform();
                Some((a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1)))
            }
            EnemyOrder::AttackAllies | EnemyOrder::Hold => None,
        };
        let order = |placed: &Spawn| match (goal, enemy_order) {
            (Some((x, y)), _) => Order::AttackMove { x, y },
            (None, EnemyOrder::AttackAllies) => Order::Hunt,
            (None, _) => Order::AttackMove { x: placed.x, y: placed.y },
        };
        let orders = std::iter::repeat_n(Order::Hold, rosters.allies.len())
            .chain(rosters.enemies.iter().map(order));
        let n = self.len();
        let units = &mut self.units;
        units.hits.clear();
        // A clone loses spare capacity.
        units.hits.reserve(HITS_PER_UNIT * n);
        units.clock = 0;
        for (i, (placed, order)) in rosters.units().zip(orders).enumerate() {
            let unit = &UNITS[placed.unit];
            units.x[i] = placed.x + self.scatter * rng.range(-1.0, 1.0);
            units.y[i] = placed.y + self.scatter * rng.range(-1.0, 1.0);
            units.health[i] = unit.health;
            units.shield[i] = unit.shield;
            units.energy[i] = unit.energy.map_or(0.0, |energy| energy.start);
            units.cooldown[i] = 0.0;
            units.windup[i] = AT_REST;
            units.backswing[i] = 0.0;
            units.silence[i] = 0.0;
            units.unharmed[i] = f32::MAX;
            units.speed[i] = 0.0;
            units.order[i] = order;
            units.target[i] = NO_UNIT;
            units.side[i] = 0;
        }
    }

    /// Sets the row of [`UNITS`] of each unit.
    pub(crate) fn set_rosters(&mut self, kinds: impl Iterator<Item = usize>) {
        for (i, kind) in kinds.enumerate() {
            self.stats[i] = self.table[kind];
        }
        self.steering.set_rosters(&self.stats);
        self.living[0].reserve(self.n_allies);
        self.living[1].reserve(self.stats.len() - self.n_allies);
        for list in [&mut self.struck, &mut self.bursts] {
            list.clear();
            list.reserve(self.stats.len());
        }
        self.recovers = self.stats.iter().any(|stats| {
            let unit = stats.unit;
            unit.shield > 0.0 || unit.regeneration > 0.0 || unit.energy.is_some()
        });
    }

    #[cfg(test)]
    pub(crate) fn set_deterministic(&mut self, deterministic: bool) {
        self.deterministic = deterministic;
    }

    /// Returns the number of units of both teams.
    pub(crate) fn len(&self) -> usize {
        self.stats.len()
    }

    /// Returns the opponents of unit `i`.
    #[inline]
    pub(crate) fn opponents(&self, i: usize) -> Range<usize> {
        if i < self.n_allies { self.n_allies..self.len() } else { 0..self.n_allies }
    }

    /// Returns the team of unit `i`.
    #[inline]
    pub(crate) fn team(&self, i: usize) -> Range<usize> {
        if i < self.n_allies { 0..self.n_allies } else { self.n_allies..self.len() }
    }

    /// Returns whether any unit of `team` is alive.
    pub(crate) fn any_alive(&self, team: Range<usize>) -> bool {
        self.units.health[team].iter().any(|&health| health > 0.0)
    }

    /// Returns whether the edges of units `i` and `j` are at most `range` apart.
    #[inline]
    pub(crate) fn within(&self, i: usize, j: usize, range: f32) -> bool {
        let reach = range + self.stats[i].radius + self.stats[j].radius;
        self.units.distance_squared(i, j) <= reach * reach
    }

    /// Plays the game loops of one step. Units choose targets and directions in every second loop,
    /// beginning with the first.
    pub(crate) fn play(&mut self, loops: u32, rng: &mut Rng) {
        for index in 0..loops {
            self.advance(rng, index);
        }
    }

    fn advance(&mut self, rng: &mut Rng, index: u32) {
        let may_choose = index.is_multiple_of(2);
        if self.recovers {
            self.regenerate();
        }
        if may_choose {
            self.acquire();
        }
        self.fight(rng);
        self.walk(may_choose, index == 0);
        self.land_hits();
        self.units.clock += 1;
    }

    /// Returns the random part of a weapon's period, in game loops: uniform in `[-1, 2)`.
    ///
    /// Source: the default random delay of the game's weapons, -0.0625 to 0.125 seconds.
    #[inline]
    pub(crate) fn random_delay(&self, rng: &mut Rng) -> f32 {
        if self.deterministic { 0.0 } else { rng.range(-1.0, 2.0) }
    }
}
