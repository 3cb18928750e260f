//! Termination of a battle.

use std::ops::Range;

use crate::skirmish::engine::Battle;

/// The winner of a battle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The allies.
    Victory,
    /// The enemies.
    Defeat,
    /// None: both teams are dead.
    Draw,
}

impl Ending {
    /// Returns whether the allies have won; `None` for a draw.
    pub(crate) fn won(self) -> Option<bool> {
        match self {
            Self::Victory => Some(true),
            Self::Defeat => Some(false),
            Self::Draw => None,
        }
    }
}

/// The rule by which a battle ends, which depends on healers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HealerRule {
    /// There are no healers: a team is beaten when no unit is alive.
    None,
    /// SMAC: the battle is lost when only healers are left of the allies, and otherwise won when at most
    /// one enemy is left and it is a healer.
    Smac,
    /// SMACv2: the same, but won when only healers are left of the enemies.
    SmacV2,
    /// Ours (`fix_quirks`): a team is beaten when only healers are left of it; when both are, the battle
    /// is a draw.
    Fair,
}

impl HealerRule {
    /// Returns the winner of the battle, if it has ended.
    pub(crate) fn judge(self, battle: &Battle) -> Option<Ending> {
        let (allies, enemies) = (0..battle.n_allies, battle.n_allies..battle.len());
        let (lost, won) = match self {
            Self::None => (!battle.any_alive(allies), !battle.any_alive(enemies)),
            Self::Smac => {
                let enemies = Count::of(battle, enemies);
                let won = enemies.fighters == 0 && enemies.healers <= 1;
                (Count::of(battle, allies).fighters == 0, won)
            }
            Self::SmacV2 | Self::Fair => {
                (Count::of(battle, allies).fighters == 0, Count::of(battle, enemies).fighters == 0)
            }
        };
        if lost && won && matches!(self, Self::None | Self::Fair) {
            return Some(Ending::Draw);
        }
        match (lost, won) {
            (true, _) => Some(Ending::Defeat),
            (false, true) => Some(Ending::Victory),
            (false, false) => None,
        }
    }
}

/// The number of living units of a team.
#[derive(Default)]
struct Count {
    fighters: usize,
    healers: usize,
}

impl Count {
    fn of(battle: &Battle, team: Range<usize>) -> Self {
        let mut count = Self::default();
        for unit in team.filter(|&unit| battle.units.alive(unit)) {
            if battle.stats[unit].unit.heal.is_some() {
                count.healers += 1;
            } else {
                count.fighters += 1;
            }
        }
        count
    }
}
