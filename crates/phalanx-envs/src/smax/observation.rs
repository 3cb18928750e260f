//! Observations, masks and the state, equal to JaxMARL's element by element.

use phalanx_core::env::StepBuffers;

use super::args::{ObservationType, SmaxArgs};
use super::battle::{ATTACK, Battle};
use super::conic_observation;
use super::simd::{CAPACITY, Numbers};
use super::units::TYPE_BITS;

/// The number of features of another unit: health, relative position, last movement, last attack,
/// cooldown, type.
pub(crate) const OTHER: usize = 7 + TYPE_BITS;
/// The number of features of the agent itself: health, position, cooldown, type.
pub(crate) const OWN: usize = 4 + TYPE_BITS;
/// The number of features of a unit in the state, before teams and types.
const STATE_ROW: usize = OWN;

/// The features of each unit that do not depend on the observer.
pub(crate) type Looks = [[f32; OTHER]; CAPACITY];

/// Writes observations, masks and the state.
#[derive(Clone, Debug)]
pub(crate) struct ObservationWriter {
    layout: ObservationType,
    see_enemy_actions: bool,
    pub(crate) n_actions: usize,
    pub(crate) obs_dim: usize,
    pub(crate) state_dim: usize,
    looks: Box<Looks>,
}

impl ObservationWriter {
    /// Creates a writer for a battle of `n_allies` and `n_enemies`.
    pub(crate) fn new(n_allies: usize, n_enemies: usize, args: &SmaxArgs) -> Self {
        let n_units = n_allies + n_enemies;
        let n_targets = if args.self_play { n_allies.max(n_enemies) } else { n_enemies };
        let rows = match args.observation_type {
            ObservationType::UnitList => n_units - 1,
            ObservationType::Conic => conic_observation::SECTIONS * conic_observation::PER_SECTION,
        };
        Self {
            layout: args.observation_type,
            see_enemy_actions: args.see_enemy_actions,
            n_actions: usize::from(ATTACK) + n_targets,
            obs_dim: rows * OTHER + OWN,
            state_dim: n_units * (STATE_ROW + 2),
            looks: Box::new([[0.0; OTHER]; CAPACITY]),
        }
    }

    /// Writes observations, state, masks and `alive` flags.
    pub(crate) fn write(&mut self, battle: &Battle, out: &mut StepBuffers<'_>) {
        self.look(battle);
        self.write_state(battle, out.state);
        let mut squared = [0.0; CAPACITY];
        let obs = out.obs.chunks_exact_mut(self.obs_dim);
        let masks = out.avail.chunks_exact_mut(self.n_actions);
        for (agent, ((obs, mask), alive)) in obs.zip(masks).zip(out.alive.iter_mut()).enumerate() {
            *alive = battle.alive(agent);
            if !*alive {
                obs.fill(0.0);
                mask.fill(false);
                mask[usize::from(ATTACK) - 1] = true;
                continue;
            }
            battle.squared_distances(agent, &mut squared);
            write_mask(battle, agent, &squared, mask);
            let (others, own) = obs.split_at_mut(self.obs_dim - OWN);
            match self.layout {
                ObservationType::UnitList => self.write_list(battle, agent, &squared, others),
                ObservationType::Conic => conic_observation::write(self, battle, agent, others),
            }
            let looks = &self.looks[agent % CAPACITY];
            for own in own.as_chunks_mut::<OWN>().0 {
                own[0] = looks[0];
                own[1] = battle.x[agent] / battle.args.map_width;
                own[2] = battle.y[agent] / battle.args.map_height;
                own[3..].copy_from_slice(&looks[6..]);
            }
        }
    }

    fn look(&mut self, battle: &Battle) {
        for unit in 0..battle.n_units {
            let looks = &mut self.looks[unit];
            let stats = battle.stats(unit);
            let cooldown = battle.cooldown[unit] / stats.unit.cooldown;
            looks[0] = battle.health[unit] / stats.unit.health;
            (looks[3], looks[4]) = battle.last_movement(unit);
            looks[5] = battle.last_attack(unit);
            looks[6] = cooldown.clamp(0.0, 1.0);
            looks[7..].fill(0.0);
            looks[7 + usize::from(battle.kind[unit]) % TYPE_BITS] = 1.0;
        }
    }

    /// Writes the features of the unit `other` as `agent` sees them.
    #[inline]
    pub(crate) fn write_other(
        &self,
        battle: &Battle,
        agent: usize,
        other: usize,
        row: &mut [f32; OTHER],
    ) {
        let sight = battle.stats(agent).unit.sight;
        *row = self.looks[other % CAPACITY];
        row[1] = (battle.x[other] - battle.x[agent]) / sight;
        row[2] = (battle.y[other] - battle.y[agent]) / sight;
        let teammate = (agent < battle.n_allies) == (other < battle.n_allies);
        if !(teammate || self.see_enemy_actions) {
            row[3..6].fill(0.0);
        }
    }

    /// Writes the rows of the other units. Those of an ally run from the first unit to the last, those
    /// of an enemy from the last to the first, so that the own team always comes first.
    fn write_list(&self, battle: &Battle, agent: usize, squared: &Numbers, out: &mut [f32]) {
        let limit = battle.stats(agent).sight_limit;
        let (rows, _) = out.as_chunks_mut::<OTHER>();
        let write = |other: usize, row: &mut [f32; OTHER]| {
            if squared[other % CAPACITY] < limit {
                self.write_other(battle, agent, other, row);
            } else {
                *row = [0.0; OTHER];
            }
        };
        if agent < battle.n_allies {
            let (before, after) = rows.split_at_mut(agent);
            before.iter_mut().enumerate().for_each(|(other, row)| write(other, row));
            after.iter_mut().enumerate().for_each(|(i, row)| write(agent + 1 + i, row));
        } else {
            let last = battle.n_units - 1;
            let (before, after) = rows.split_at_mut(last - agent);
            before.iter_mut().enumerate().for_each(|(i, row)| write(last - i, row));
            after.iter_mut().enumerate().for_each(|(i, row)| write(agent - 1 - i, row));
        }
    }

    fn write_state(&self, battle: &Battle, state: &mut [f32]) {
        let n_units = battle.n_units;
        let (rows, rest) = state.split_at_mut(n_units * STATE_ROW);
        let (rows, _) = rows.as_chunks_mut::<STATE_ROW>();
        for (unit, row) in rows.iter_mut().enumerate() {
            if !battle.alive(unit) {
                *row = [0.0; STATE_ROW];
                continue;
            }
            let looks = &self.looks[unit % CAPACITY];
            row[0] = looks[0];
            row[1] = battle.x[unit];
            row[2] = battle.y[unit];
            row[3] = battle.cooldown[unit];
            row[4..].copy_from_slice(&looks[7..]);
        }
        let (teams, kinds) = rest.split_at_mut(n_units);
        for (unit, (team, kind)) in teams.iter_mut().zip(kinds).enumerate() {
            *team = if unit < battle.n_allies { 0.0 } else { 1.0 };
            *kind = f32::from(battle.kind[unit]);
        }
    }
}

/// Writes the mask of a living unit: it can walk, stop, and attack opponents within weapon range.
fn write_mask(battle: &Battle, agent: usize, squared: &Numbers, mask: &mut [bool]) {
    let limit = battle.stats(agent).range_limit;
    let (always, attacks) = mask.split_at_mut(usize::from(ATTACK));
    always.fill(true);
    let (allies, enemies) = squared[..battle.n_units].split_at(battle.n_allies);
    if agent < battle.n_allies {
        let (attacks, beyond) = attacks.split_at_mut(enemies.len());
        attacks.iter_mut().zip(enemies).for_each(|(open, &squared)| *open = squared < limit);
        beyond.fill(false);
    } else {
        let (attacks, beyond) = attacks.split_at_mut(allies.len());
        let targets = allies.iter().rev();
        attacks.iter_mut().zip(targets).for_each(|(open, &squared)| *open = squared < limit);
        beyond.fill(false);
    }
}
