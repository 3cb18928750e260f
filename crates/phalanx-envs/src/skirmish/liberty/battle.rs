//! The state of a battle and its game loop.

use std::ops::Range;

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::crowd::Crowd;
use super::unit_table::UNITS;
use super::units::{LOOPS_PER_SECOND, Unit};
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::map::{Map, March, Placed, Roster, START_SCATTER};
use crate::skirmish::terrain::Terrain;

/// What a unit has been told to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Stand still, and attack nobody of one's own accord.
    Hold,
    /// Walk to a point.
    Move { x: f32, y: f32 },
    /// Attack [`Units::target`], walking after it where necessary. A unit that heals heals it.
    Attack,
    /// Walk to a point; attack whom one meets.
    AttackMove { x: f32, y: f32 },
}

/// No target.
pub(crate) const NOBODY: u16 = u16::MAX;
/// The wind-up of a unit that is not about to shoot.
pub(crate) const AT_REST: f32 = f32::INFINITY;

/// What changes in a battle, one element per unit; the allies come first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Units {
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
    /// Zero for the dead.
    pub(crate) health: Vec<f32>,
    pub(crate) shield: Vec<f32>,
    /// Zero for units without energy.
    pub(crate) energy: Vec<f32>,
    /// Game loops until the next attack may start. Below zero only while winding up.
    pub(crate) cooldown: Vec<f32>,
    /// Game loops until the shot that is being prepared; [`AT_REST`] without one.
    pub(crate) windup: Vec<f32>,
    /// Game loops until the unit may walk after its last shot.
    pub(crate) backswing: Vec<f32>,
    /// Game loops until the unit may call for help again.
    pub(crate) silence: Vec<f32>,
    pub(crate) order: Vec<Order>,
    /// Whom the unit attacks, or [`NOBODY`].
    pub(crate) target: Vec<u16>,
    /// On which side the unit walks round an obstacle: 1 left, -1 right, 0 not decided.
    pub(crate) side: Vec<i8>,
}

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
            order: vec![Order::Hold; n],
            target: vec![NOBODY; n],
            side: vec![0; n],
        }
    }

    /// Whether this can be the state of a battle of `n` units.
    pub(crate) fn fits(&self, n: usize) -> bool {
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
        ];
        numbers.iter().all(|column| column.len() == n)
            && self.order.len() == n
            && self.target.len() == n
            && self.side.len() == n
            && self.target.iter().all(|&target| target == NOBODY || usize::from(target) < n)
    }

    #[inline]
    pub(crate) fn alive(&self, i: usize) -> bool {
        self.health[i] > 0.0
    }

    /// The squared distance between the centres of two units.
    #[inline]
    pub(crate) fn distance_squared(&self, i: usize, j: usize) -> f32 {
        let (dx, dy) = (self.x[j] - self.x[i], self.y[j] - self.y[i]);
        dx * dx + dy * dy
    }

    /// Replaces the order of unit `i`. An attack on the same target goes on; another order cuts
    /// short what is left of the last one.
    pub(crate) fn command(&mut self, i: usize, order: Order, target: u16) {
        if self.target[i] != target || target == NOBODY {
            self.target[i] = target;
            self.windup[i] = AT_REST;
            self.backswing[i] = 0.0;
        }
        self.order[i] = order;
    }
}

/// A unit's constants, converted to game loops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stats {
    pub(crate) unit: &'static Unit,
    /// Length units per loop.
    pub(crate) pace: f32,
    pub(crate) radius: f32,
    pub(crate) separation: f32,
    /// Zero for a unit without a weapon, as are the next four.
    pub(crate) range: f32,
    pub(crate) slop: f32,
    pub(crate) period: f32,
    pub(crate) damage_point: f32,
    pub(crate) backswing: f32,
    pub(crate) armed: bool,
}

impl Stats {
    fn new(unit: &'static Unit) -> Self {
        let weapon = unit.weapon.as_ref();
        Self {
            unit,
            pace: unit.speed / LOOPS_PER_SECOND,
            radius: unit.radius,
            separation: unit.separation,
            range: weapon.map_or(0.0, |weapon| weapon.range),
            slop: weapon.map_or(0.0, |weapon| weapon.range_slop),
            period: weapon.map_or(0.0, |weapon| weapon.period * LOOPS_PER_SECOND),
            damage_point: weapon.map_or(0.0, |weapon| weapon.damage_point * LOOPS_PER_SECOND),
            backswing: weapon.map_or(0.0, |weapon| weapon.backswing * LOOPS_PER_SECOND),
            armed: weapon.is_some(),
        }
    }
}

/// One volley, to be taken in when all units have acted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shot {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

/// A battle under the rule set `liberty`.
///
/// One game loop lets all units act at once: everybody decides on what was true before the loop,
/// and damage and motion take effect together. So no team gains by the order of its units.
#[derive(Clone, Debug)]
pub(crate) struct Battle {
    pub(crate) units: Units,
    pub(crate) stats: Vec<Stats>,
    pub(crate) terrain: Terrain,
    pub(crate) n_allies: usize,
    /// Units that stand still in this loop because their target is in range.
    pub(crate) engaged: Vec<bool>,
    pub(crate) shots: Vec<Shot>,
    /// Units that turned to an attacker, or were called to help, in this loop.
    pub(crate) turned: Vec<bool>,
    pub(crate) crowd: Crowd,
    deterministic: bool,
    scatter: f32,
}

impl Battle {
    /// The battle of `map`, before [`Battle::deploy`].
    pub(crate) fn new(map: &Map, args: &SkirmishArgs) -> Self {
        let placed = map.allies.iter().chain(&map.enemies);
        let stats: Vec<_> = placed.map(|placed| Stats::new(&UNITS[placed.unit])).collect();
        let n = stats.len();
        Self {
            units: Units::new(n),
            stats,
            terrain: map.terrain.clone(),
            n_allies: map.allies.len(),
            engaged: vec![false; n],
            shots: Vec::with_capacity(n),
            turned: vec![false; n],
            crowd: Crowd::new(n),
            deterministic: args.deterministic,
            scatter: if args.start_scatter { START_SCATTER } else { 0.0 },
        }
    }

    /// Takes over the kinds of all units, which may differ from episode to episode.
    pub(crate) fn enlist(&mut self, roster: &Roster) {
        for (stats, placed) in self.stats.iter_mut().zip(roster.units()) {
            *stats = Stats::new(&UNITS[placed.unit]);
        }
    }

    /// Puts every unit (almost) where the roster has it. Allies hold; enemies march.
    pub(crate) fn deploy(&mut self, roster: &Roster, march: March, rng: &mut Rng) {
        self.enlist(roster);
        let goal = match march {
            March::Point(x, y) => Some((x, y)),
            March::Between(a, b) => {
                let share = rng.uniform();
                Some((a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1)))
            }
            March::Allies | March::Stay => None,
        };
        let march = |placed: &Placed| {
            let (x, y) = goal.unwrap_or((placed.x, placed.y));
            Order::AttackMove { x, y }
        };
        let orders = std::iter::repeat_n(Order::Hold, roster.allies.len())
            .chain(roster.enemies.iter().map(march));
        let units = &mut self.units;
        for (i, (placed, order)) in roster.units().zip(orders).enumerate() {
            units.x[i] = placed.x + self.scatter * rng.range(-1.0, 1.0);
            units.y[i] = placed.y + self.scatter * rng.range(-1.0, 1.0);
            units.health[i] = UNITS[placed.unit].health;
            units.shield[i] = UNITS[placed.unit].shield;
            units.energy[i] = UNITS[placed.unit].energy.map_or(0.0, |energy| energy.start);
            units.cooldown[i] = 0.0;
            units.windup[i] = AT_REST;
            units.backswing[i] = 0.0;
            units.silence[i] = 0.0;
            units.order[i] = order;
            units.target[i] = NOBODY;
            units.side[i] = 0;
        }
    }

    /// The number of units of both teams.
    pub(crate) fn len(&self) -> usize {
        self.stats.len()
    }

    /// The opponents of unit `i`.
    #[inline]
    pub(crate) fn opponents(&self, i: usize) -> Range<usize> {
        if i < self.n_allies { self.n_allies..self.len() } else { 0..self.n_allies }
    }

    /// Whether anybody of the units `team` lives.
    pub(crate) fn any_alive(&self, team: Range<usize>) -> bool {
        self.units.health[team].iter().any(|&health| health > 0.0)
    }

    /// Plays one game loop.
    pub(crate) fn advance(&mut self, rng: &mut Rng) {
        self.acquire();
        self.fight();
        self.walk();
        self.land_shots(rng);
    }

    /// The random part of a weapon's period, in game loops: uniform in `[-1, 2)`.
    ///
    /// Source: the default random delay of the game's weapons, -0.0625 to 0.125 seconds.
    #[inline]
    pub(crate) fn random_delay(&self, rng: &mut Rng) -> f32 {
        if self.deterministic { 0.0 } else { rng.range(-1.0, 2.0) }
    }
}
