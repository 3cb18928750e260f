//! One team's view of a battle: builds its observations, masks and state.

use std::ops::Range;

use phalanx_core::rng::Rng;

use super::super::actions::{SHOOT_RANGE, SIGHT_RANGE};
use super::super::history::TeamHistory;
use super::layout::Layout;
use crate::skirmish::args::SkirmishArgs;
use crate::skirmish::engine::{Battle, UNITS, Unit};
use crate::skirmish::maps::{Map, Rosters};
use crate::skirmish::smacv2::FieldOfView;

/// The constants of a unit during an episode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitConstants {
    /// The column in the one-hot unit type.
    pub(crate) bit: usize,
    pub(crate) sight: f32,
    pub(crate) shoot_squared: f32,
    pub(crate) cooldown_scale: f32,
    pub(crate) heals: bool,
}

/// The features of a unit in one step that do not depend on the observer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UnitSnapshot {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// Health as a fraction of its maximum.
    pub(crate) health: f32,
    /// Shield as a fraction of its maximum.
    pub(crate) shield: f32,
    pub(crate) alive: bool,
}

/// Writes observations, masks and state for one team.
#[derive(Clone, Debug)]
pub(crate) struct TeamView {
    pub(crate) layout: Layout,
    /// The units of the team, as indices into the battle's units.
    pub(crate) own: Range<usize>,
    /// Its opponents.
    pub(crate) opponents: Range<usize>,
    /// The column of each row of `UNITS` in the one-hot type, for an ally and for an opponent.
    pub(crate) bits: [Vec<usize>; 2],
    pub(crate) constants: Vec<UnitConstants>,
    pub(crate) snapshots: Vec<UnitSnapshot>,
    pub(crate) cone: Option<FieldOfView>,
    /// Whether [`TeamHistory::sightings`] decide which agents can see an enemy.
    pub(crate) sightings: bool,
    /// Whether an unseen enemy also hides the enemies listed before it.
    pub(crate) blanks: bool,
    /// The order in which agents look, which matters because the first to see an enemy counts.
    order: Vec<usize>,
}

/// The slices of one team's agents. Rows can be longer than the team needs.
pub(crate) struct TeamRows<'a> {
    /// The observations, `[agent, obs_dim]`.
    pub(crate) obs: &'a mut [f32],
    /// The available actions, `[agent, n_actions]`.
    pub(crate) avail: &'a mut [bool],
    /// Whether each agent is alive, `[agent]`.
    pub(crate) alive: &'a mut [bool],
}

impl TeamView {
    /// Returns the view of team `team` (0 the allies, 1 the enemies) on `map`.
    pub(crate) fn new(map: &Map, args: &SkirmishArgs, limit: usize, team: usize) -> Self {
        let layout = Layout::new(map, args, limit, team);
        let (n_allies, n) = (map.allies.len(), map.allies.len() + map.enemies.len());
        let (mut own, mut opponents) = (0..n_allies, n_allies..n);
        if team == 1 {
            std::mem::swap(&mut own, &mut opponents);
        }
        let partly_seen = args.prob_obs_enemy < 1.0;
        let blanks = !args.fix_quirks && (partly_seen || map.generate.is_some());
        let mut view = Self {
            bits: [type_bits(map, true), type_bits(map, args.fix_quirks)],
            constants: Vec::with_capacity(n),
            snapshots: vec![UnitSnapshot::default(); n],
            cone: args.conic_fov.then(|| FieldOfView::new(args.num_fov_actions, args.fix_quirks)),
            sightings: partly_seen || blanks,
            blanks,
            order: (0..layout.n_agents).collect(),
            layout,
            own,
            opponents,
        };
        view.set_rosters(&map.rosters());
        view
    }

    /// Sets the types of all units at the start of an episode.
    pub(crate) fn set_rosters(&mut self, rosters: &Rosters) {
        let args = &self.layout.args;
        self.constants.clear();
        for (i, placed) in rosters.units().enumerate() {
            let unit = &UNITS[placed.unit];
            let (sight, shoot) = if args.use_unit_ranges {
                (unit.sight, attack_range(unit).max(args.min_attack_range))
            } else {
                (SIGHT_RANGE, SHOOT_RANGE)
            };
            self.constants.push(UnitConstants {
                bit: self.bits[usize::from(self.opponents.contains(&i))][placed.unit],
                sight,
                shoot_squared: shoot * shoot,
                cooldown_scale: cooldown_scale(unit, args.fix_quirks),
                heals: unit.heal.is_some(),
            });
        }
    }

    /// Reads the battle. Must be called before anything is written.
    pub(crate) fn observe(&mut self, battle: &Battle) {
        let units = &battle.units;
        for (i, now) in self.snapshots.iter_mut().enumerate() {
            let unit = battle.stats[i].unit;
            *now = UnitSnapshot {
                x: units.x[i],
                y: units.y[i],
                health: units.health[i] / unit.health,
                shield: units.shield[i] / unit.shield.max(1.0),
                alive: units.alive(i),
            };
        }
    }

    /// Writes masks, observations and `alive` flags of the team.
    pub(crate) fn write(
        &mut self,
        battle: &Battle,
        step: usize,
        history: &mut TeamHistory,
        rng: &mut Rng,
        out: TeamRows<'_>,
    ) {
        self.observe(battle);
        let n_agents = self.layout.n_agents;
        let (obs_width, mask_width) = (out.obs.len() / n_agents, out.avail.len() / n_agents);
        let shuffled = self.sightings && history.sightings.open();
        if shuffled {
            self.order.iter_mut().enumerate().for_each(|(turn, agent)| *agent = turn);
            rng.shuffle(&mut self.order);
        }
        for turn in 0..n_agents {
            let agent = if shuffled { self.order[turn] } else { turn };
            out.alive[agent] = self.snapshots[self.own.start + agent].alive;
            let mask = &mut out.avail[agent * mask_width..][..mask_width];
            let row = &mut out.obs[agent * obs_width..][..obs_width];
            self.write_reachable(battle, agent, history.looks[agent], mask);
            self.write_obs(battle, agent, step, history, rng, mask, row);
            self.open_mask(agent, mask);
        }
    }

    /// Writes only the masks.
    pub(crate) fn write_masks(
        &mut self,
        battle: &Battle,
        history: &TeamHistory,
        avail: &mut [bool],
    ) {
        self.observe(battle);
        let width = avail.len() / self.layout.n_agents;
        for (agent, mask) in avail.chunks_exact_mut(width).enumerate() {
            self.write_reachable(battle, agent, history.looks[agent], mask);
            self.open_mask(agent, mask);
        }
    }

    /// Clears the visibility records of dead units.
    pub(crate) fn count_dead(&self, battle: &Battle, history: &mut TeamHistory) {
        if !self.sightings {
            return;
        }
        let dead = |unit: &usize| !battle.units.alive(*unit);
        for agent in self.own.clone().filter(dead) {
            history.sightings.lose_agent(agent - self.own.start);
        }
        for enemy in self.opponents.clone().filter(dead) {
            history.sightings.lose_enemy(enemy - self.opponents.start);
        }
    }
}

/// Returns the column of each row of `UNITS` in the one-hot unit type, as the map assigns it to the
/// allies or to the enemies. A type that this team lacks has the column of the other team.
fn type_bits(map: &Map, as_ally: bool) -> Vec<usize> {
    let mut bits = vec![0; UNITS.len()];
    let (other, own) =
        if as_ally { (&map.enemies, &map.allies) } else { (&map.allies, &map.enemies) };
    for placed in other.iter().chain(own) {
        bits[placed.unit] = placed.type_bit;
    }
    if let Some(generate) = &map.generate {
        for (bit, kind) in generate.kinds.iter().enumerate() {
            bits[kind.unit] = bit;
        }
    }
    bits
}

/// Returns the attack range that SMACv2 assumes for a unit. A colossus has the 7 of its mask, one more
/// than its weapon has here.
pub(super) fn attack_range(unit: &Unit) -> f32 {
    if unit.name == "colossus" {
        return 7.0;
    }
    let heal = unit.heal.map_or(0.0, |heal| heal.range);
    unit.weapon.map_or(heal, |weapon| weapon.range)
}

fn cooldown_scale(unit: &Unit, fixed: bool) -> f32 {
    match unit.name {
        "stalker" if fixed => 24.0,
        "colossus" if fixed => 35.0,
        _ => unit.cooldown_scale,
    }
}
