//! Teams and starting positions drawn anew in every episode: SMACv2's `weighted_teams` and
//! `surrounded_and_reflect`.

use phalanx_core::rng::Rng;

use crate::skirmish::engine::UNITS;
use crate::skirmish::maps::{Rosters, START_SCATTER, Spawn};
use crate::skirmish::terrain::Terrain;

/// The distance from the middle at which the line of a surrounding group begins, in each coordinate.
const SURROUND_OFFSET: f32 = 2.0;
/// The distance that allies keep from the middle line when the teams mirror each other.
const MIDDLE_GAP: f32 = 1.0;

/// A unit type with its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The row of [`UNITS`].
    pub unit: usize,
    /// The probability that a member of a team is of this type.
    pub weight: f32,
}

/// The rule by which the teams of an episode are drawn.
///
/// *Teams.* The type of each ally is drawn by weight; a team that consists only of exceptional types is
/// drawn again. The enemies have the same types in the same order. If there are more enemies, the others
/// are drawn as one team by the same rule; if there are fewer, the last ones are omitted.
///
/// *Positions*, on a map of `w` by `h`. With probability `surrounded` all allies start in the
/// middle, and the enemies in one to four groups, each on a separate diagonal: at
/// `t (middle + 2) + (1 - t) corner` with `t` uniform (the 2 towards that corner, in both
/// coordinates). Every enemy joins each group with the same probability. Otherwise every ally
/// starts somewhere in the western half (`x < w/2 - 1`) and its enemy at the mirror image; enemies
/// beyond the allies' number start anywhere in the eastern half.
///
/// Source: Ellis et al. 2023 and the code of SMACv2. Our own addition: positions outside the map are
/// moved to its edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// The number of allies.
    pub n_allies: usize,
    /// The number of enemies.
    pub n_enemies: usize,
    /// The unit types, in the order of the one-hot unit type; weights sum to 1.
    pub kinds: Vec<Weighted>,
    /// The types that cannot make up a team alone, as rows of [`UNITS`].
    pub exceptions: Vec<usize>,
    /// The probability that the allies start surrounded.
    pub surrounded: f32,
}

impl Generate {
    /// Returns the mean health and shield of one member of a team.
    pub fn mean_toughness(&self) -> f32 {
        let toughness = |kind: &Weighted| UNITS[kind.unit].health + UNITS[kind.unit].shield;
        self.kinds.iter().map(|kind| kind.weight * toughness(kind)).sum()
    }

    /// Draws both teams and their positions. Allies are sorted by name and position, as SMAC sorts its
    /// agents by the numbers of their unit types.
    pub(crate) fn draw(&self, terrain: &Terrain, rng: &mut Rng, rosters: &mut Rosters) {
        let middle = (terrain.width() as f32 / 2.0, terrain.height() as f32 / 2.0);
        let Rosters { allies, enemies } = rosters;
        allies.clear();
        enemies.clear();
        self.draw_team(self.n_allies, middle, rng, allies);
        enemies.extend_from_slice(&allies[..self.n_allies.min(self.n_enemies)]);
        self.draw_team(self.n_enemies - enemies.len(), middle, rng, enemies);
        if rng.uniform() < self.surrounded {
            surround(terrain, rng, enemies);
        } else {
            mirror(terrain, rng, allies, enemies);
        }
        for placed in allies.iter_mut().chain(enemies) {
            let margin = UNITS[placed.unit].inner_radius + START_SCATTER;
            placed.x = placed.x.clamp(margin, terrain.width() as f32 - margin);
            placed.y = placed.y.clamp(margin, terrain.height() as f32 - margin);
        }
        sort_units(allies);
    }

    /// Adds `n` members to a team; together they are not all of exceptional types.
    fn draw_team(&self, n: usize, at: (f32, f32), rng: &mut Rng, team: &mut Vec<Spawn>) {
        if n == 0 {
            return;
        }
        let first = team.len();
        loop {
            team.truncate(first);
            team.extend((0..n).map(|_| {
                let type_bit = self.draw_kind(rng);
                Spawn { unit: self.kinds[type_bit].unit, type_bit, x: at.0, y: at.1 }
            }));
            if team[first..].iter().any(|placed| !self.exceptions.contains(&placed.unit)) {
                break;
            }
        }
    }

    fn draw_kind(&self, rng: &mut Rng) -> usize {
        let mut rest = rng.uniform();
        let last = self.kinds.len() - 1;
        for (bit, kind) in self.kinds[..last].iter().enumerate() {
            if rest < kind.weight {
                return bit;
            }
            rest -= kind.weight;
        }
        last
    }
}

/// Sorts a team as SMAC sorts its agents: by unit type, x and y. SMAC's and SMACv2's unit types are in
/// alphabetical order.
pub(crate) fn sort_units(team: &mut [Spawn]) {
    team.sort_unstable_by(|a, b| {
        let names = UNITS[a.unit].name.cmp(UNITS[b.unit].name);
        names.then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y))
    });
}

fn surround(terrain: &Terrain, rng: &mut Rng, enemies: &mut [Spawn]) {
    let (width, height) = (terrain.width() as f32, terrain.height() as f32);
    let n_groups = 1 + rng.below(4);
    let mut sizes = [0; 4];
    for _ in 0..enemies.len() {
        sizes[rng.below(n_groups)] += 1;
    }
    let mut corners = [(0.0, 0.0), (0.0, height), (width, height), (width, 0.0)];
    rng.shuffle(&mut corners);
    let mut rest = enemies;
    for (&size, (x, y)) in sizes[..n_groups].iter().zip(corners) {
        let (group, others) = rest.split_at_mut(size);
        rest = others;
        let share = rng.uniform();
        let towards = |corner: f32, extent: f32| {
            let start =
                extent / 2.0 + if corner > 0.0 { SURROUND_OFFSET } else { -SURROUND_OFFSET };
            share * start + (1.0 - share) * corner
        };
        for placed in group {
            (placed.x, placed.y) = (towards(x, width), towards(y, height));
        }
    }
}

fn mirror(terrain: &Terrain, rng: &mut Rng, allies: &mut [Spawn], enemies: &mut [Spawn]) {
    let (width, height) = (terrain.width() as f32, terrain.height() as f32);
    for placed in &mut *allies {
        placed.x = rng.range(0.0, width / 2.0 - MIDDLE_GAP);
        placed.y = rng.range(0.0, height);
    }
    for (i, placed) in enemies.iter_mut().enumerate() {
        (placed.x, placed.y) = match allies.get(i) {
            Some(ally) => (width - ally.x, ally.y),
            None => (rng.range(width / 2.0, width), rng.range(0.0, height)),
        };
    }
}
