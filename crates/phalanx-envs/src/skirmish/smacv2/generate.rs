//! Teams and starting positions drawn for every episode: SMACv2's `weighted_teams` and
//! `surrounded_and_reflect`.

use phalanx_core::rng::Rng;
use serde::Deserialize;

use crate::skirmish::liberty::{UNITS, unit_index};
use crate::skirmish::map::{MapError, Placed, Roster, START_SCATTER, unknown};
use crate::skirmish::terrain::Terrain;

/// How far from the middle the line of a surrounding group begins, in each coordinate.
const SURROUND_OFFSET: f32 = 2.0;
/// How far allies keep from the middle line when the teams mirror each other.
const MIDDLE_GAP: f32 = 1.0;

/// A unit with its share of a team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Its row of [`UNITS`].
    pub unit: usize,
    /// The probability of each member of a team to be one.
    pub weight: f32,
}

/// How the teams of an episode are drawn.
///
/// *Teams.* The kind of each ally is drawn by weight; a team that consists of exceptional kinds
/// only is drawn again. The enemies are the same kinds in the same order. Where they are more, the
/// others are drawn as one team by the same rule; where they are fewer, the last are left out.
///
/// *Positions*, on a map of `w` by `h`. With probability `surrounded` all allies start in the
/// middle, and the enemies in one to four groups, each on a diagonal of its own: at
/// `t (middle + 2) + (1 - t) corner` with `t` uniform (the 2 towards that corner, in both
/// coordinates). Every enemy joins each group with the same probability. Otherwise every ally
/// starts somewhere in the western half (`x < w/2 - 1`) and its enemy at the mirror image; enemies
/// beyond the allies' number start anywhere in the eastern half.
///
/// Source: Ellis et al. 2023 and the code of SMACv2. Ours is that positions outside the map's
/// edge are moved in.
#[derive(Clone, Debug, PartialEq)]
pub struct Generate {
    /// The number of allies.
    pub n_allies: usize,
    /// The number of enemies.
    pub n_enemies: usize,
    /// The kinds, in the order of the one-hot unit type; weights sum to 1.
    pub kinds: Vec<Weighted>,
    /// The kinds of which no team consists alone, as rows of [`UNITS`].
    pub exceptions: Vec<usize>,
    /// The probability that the allies start surrounded.
    pub surrounded: f32,
}

/// A [`Generate`] as it stands in a map's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Teams {
    allies: usize,
    enemies: usize,
    kinds: Vec<Kind>,
    #[serde(default)]
    exceptions: Vec<String>,
    surrounded: f32,
}

/// A kind of unit with its weight.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    unit: String,
    weight: f32,
}

impl Teams {
    /// Looks up the names and checks the numbers; the one-hot unit type has `type_bits` columns.
    pub(crate) fn check(&self, map: &str, type_bits: usize) -> Result<Generate, MapError> {
        let index = |name: &String| {
            let names = UNITS.iter().map(|unit| unit.name);
            unit_index(name).ok_or_else(|| unknown(map, "unit", name, names))
        };
        let weighted = |kind: &Kind| Ok(Weighted { unit: index(&kind.unit)?, weight: kind.weight });
        let kinds = self.kinds.iter().map(weighted).collect::<Result<Vec<_>, MapError>>()?;
        let exceptions = self.exceptions.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        let total: f32 = kinds.iter().map(|kind| kind.weight).sum();
        let sums = 1.0 - 1e-6..1.0 + 1e-6;
        let ordinary = |kind: &Weighted| kind.weight > 0.0 && !exceptions.contains(&kind.unit);
        let mistakes = [
            (
                kinds.iter().any(|kind| kind.weight < 0.0) || !sums.contains(&total),
                "the weights of the kinds do not sum to 1",
            ),
            (!kinds.iter().any(ordinary), "no kind of unit can form a team"),
            (
                !(0.0..=1.0).contains(&self.surrounded),
                "the probability of a surrounded start is not between 0 and 1",
            ),
            (kinds.len() > type_bits, "there are more kinds than type bits"),
        ];
        if let Some((_, reason)) = mistakes.into_iter().find(|&(wrong, _)| wrong) {
            return Err(MapError::Invalid { map: map.to_owned(), reason: reason.to_owned() });
        }
        Ok(Generate {
            n_allies: self.allies,
            n_enemies: self.enemies,
            kinds,
            exceptions,
            surrounded: self.surrounded,
        })
    }
}

impl Generate {
    /// Health and shield of one member of a team, on average over the weights.
    pub fn mean_toughness(&self) -> f32 {
        let toughness = |kind: &Weighted| UNITS[kind.unit].health + UNITS[kind.unit].shield;
        self.kinds.iter().map(|kind| kind.weight * toughness(kind)).sum()
    }

    /// Draws both teams and their places. Allies are sorted by name and place, as SMAC's are by
    /// its numbers for unit types.
    pub(crate) fn draw(&self, terrain: &Terrain, rng: &mut Rng, roster: &mut Roster) {
        let middle = (terrain.width() as f32 / 2.0, terrain.height() as f32 / 2.0);
        let Roster { allies, enemies } = roster;
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
        sort(allies);
    }

    /// Adds `n` members to a team; together they are not all exceptions.
    fn draw_team(&self, n: usize, at: (f32, f32), rng: &mut Rng, team: &mut Vec<Placed>) {
        if n == 0 {
            return;
        }
        let first = team.len();
        loop {
            team.truncate(first);
            team.extend((0..n).map(|_| {
                let type_bit = self.draw_kind(rng);
                Placed { unit: self.kinds[type_bit].unit, type_bit, x: at.0, y: at.1 }
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

/// Sorts a team as SMAC sorts its agents: by unit type, x and y. The unit types of its maps, and
/// of SMACv2's, are in the order of their names.
pub(crate) fn sort(team: &mut [Placed]) {
    team.sort_unstable_by(|a, b| {
        let names = UNITS[a.unit].name.cmp(UNITS[b.unit].name);
        names.then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y))
    });
}

fn surround(terrain: &Terrain, rng: &mut Rng, enemies: &mut [Placed]) {
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

fn mirror(terrain: &Terrain, rng: &mut Rng, allies: &mut [Placed], enemies: &mut [Placed]) {
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

#[cfg(test)]
mod tests {
    use crate::skirmish::map::Map;

    #[test]
    fn a_team_that_cannot_be_drawn_is_refused() {
        let good = include_str!("../maps/terran_5_vs_5.toml");
        assert!(Map::parse(good).is_ok());
        for (old, new, reason) in [
            ("weight = 0.1 ", "weight = 0.2 ", "do not sum to 1"),
            ("weight = 0.1 ", "weight = nan ", "do not sum to 1"),
            ("[\"medivac\"]", "[\"medivac\", \"marine\", \"marauder\"]", "can form a team"),
            ("surrounded = 0.5", "surrounded = 1.5", "not between 0 and 1"),
            ("unit_type_bits = 3", "unit_type_bits = 2", "more kinds than type bits"),
            ("unit = \"marine\"", "unit = \"marina\"", "did you mean `marine`?"),
            ("enemies = 5", "enemies = 0", "a team is empty"),
            (
                "[generate]",
                "allies = [{ unit = \"marine\", count = 1, at = [9.0, 9.0] }]\n[generate]",
                "either placed or generated",
            ),
        ] {
            let error = Map::parse(&good.replace(old, new)).expect_err(reason);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
