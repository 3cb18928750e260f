//! JaxMARL's scenarios: the teams of each battle.

use super::units::UNIT_TYPES;

/// A number of units of one type, as an index into [`UNIT_TYPES`](super::UNIT_TYPES).
pub type Squad = (usize, u8);

/// A scenario: two teams, each a list of squads in the order of its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// JaxMARL's name.
    pub name: &'static str,
    /// The team of the agents.
    pub allies: &'static [Squad],
    /// The other team.
    pub enemies: &'static [Squad],
    /// Draws types and positions anew in every episode; the squads then only give the number of units.
    pub procedural: bool,
}

const MARINE: u8 = 0;
const STALKER: u8 = 2;
const ZEALOT: u8 = 3;
const HYDRALISK: u8 = 5;

const fn fixed(
    name: &'static str,
    allies: &'static [Squad],
    enemies: &'static [Squad],
) -> Scenario {
    Scenario { name, allies, enemies, procedural: false }
}

const fn procedural(name: &'static str, team: &'static [Squad]) -> Scenario {
    Scenario { name, allies: team, enemies: team, procedural: true }
}

/// All scenarios of JaxMARL v0.2.0.
pub const SCENARIOS: &[Scenario] = &[
    fixed("3m", &[(3, MARINE)], &[(3, MARINE)]),
    fixed("2s3z", &[(2, STALKER), (3, ZEALOT)], &[(2, STALKER), (3, ZEALOT)]),
    fixed("25m", &[(25, MARINE)], &[(25, MARINE)]),
    fixed("3s5z", &[(3, STALKER), (5, ZEALOT)], &[(3, STALKER), (5, ZEALOT)]),
    fixed("8m", &[(8, MARINE)], &[(8, MARINE)]),
    fixed("5m_vs_6m", &[(5, MARINE)], &[(6, MARINE)]),
    fixed("10m_vs_11m", &[(10, MARINE)], &[(11, MARINE)]),
    fixed("27m_vs_30m", &[(27, MARINE)], &[(30, MARINE)]),
    fixed("3s5z_vs_3s6z", &[(3, STALKER), (5, ZEALOT)], &[(3, STALKER), (6, ZEALOT)]),
    fixed("3s_vs_5z", &[(3, STALKER)], &[(5, ZEALOT)]),
    fixed("6h_vs_8z", &[(6, HYDRALISK)], &[(8, ZEALOT)]),
    procedural("smacv2_5_units", &[(5, MARINE)]),
    procedural("smacv2_10_units", &[(10, MARINE)]),
    procedural("smacv2_20_units", &[(20, MARINE)]),
];

impl Scenario {
    /// Returns the scenario called `name`.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name).copied()
    }

    /// Returns the identifier of its environment.
    pub fn id(&self) -> String {
        format!("smax/{}", self.name)
    }

    /// Returns a one-sentence summary of the teams.
    pub fn summary(&self) -> String {
        format!("SMAX battle: {}.", self.sides())
    }

    /// Returns the two teams in words.
    pub(crate) fn sides(&self) -> String {
        if self.procedural {
            let (allies, enemies) = (self.n_allies(), self.n_enemies());
            format!(
                "{allies} random units against {enemies} of the same types, drawn anew in every episode"
            )
        } else {
            format!("{} against {}", team(self.allies), team(self.enemies))
        }
    }

    /// Returns the number of allies.
    pub fn n_allies(&self) -> usize {
        size(self.allies)
    }

    /// Returns the number of enemies.
    pub fn n_enemies(&self) -> usize {
        size(self.enemies)
    }

    /// Returns the types of all units, allies first.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = u8> {
        let squads = self.allies.iter().chain(self.enemies);
        squads.flat_map(|&(count, kind)| std::iter::repeat_n(kind, count))
    }
}

fn team(squads: &[Squad]) -> String {
    let squads = squads.iter().map(|&(count, kind)| {
        let name = UNIT_TYPES[usize::from(kind)].name;
        if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
    });
    squads.collect::<Vec<_>>().join(" and ")
}

fn size(team: &[Squad]) -> usize {
    team.iter().map(|&(count, _)| count).sum()
}
