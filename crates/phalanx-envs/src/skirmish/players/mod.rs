//! Scripted players: policies written by hand, for either team.
//!
//! A player answers one [`Turn`] at a time, with one of SMAC's actions as seen from the unit's own
//! team. A further player is one file, one variant and one line of [`PLAYERS`].

mod attack_nearest;
mod focus_fire;
mod kiting;
mod turn;

pub(crate) use attack_nearest::AttackNearest;
pub(crate) use turn::Turn;

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::smac::{NO_OP, STOP};

/// The names of all players, each with what it does. The first is SMAC's own, which `heuristic_ai`
/// lets lead the allies.
pub const PLAYERS: &[(&str, &str)] = &[
    ("attack_nearest", "SMAC's heuristic: attacks the nearest opponent until it is dead."),
    ("focus_fire", "Attacks the weakest opponent in reach, or else walks to the nearest."),
    ("kiting", "Shoots when its weapon is ready and walks away from shorter ranges until then."),
    ("random", "Chooses evenly among the available actions."),
    ("stop", "Never moves or attacks."),
];

/// A scripted player of one team, with what it remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Player {
    AttackNearest(AttackNearest),
    FocusFire,
    Kiting,
    Random,
    Stop,
}

impl Player {
    /// The player called `name` in [`PLAYERS`], for a team of `n_units`.
    pub(crate) fn new(name: &str, n_units: usize) -> Option<Self> {
        match name {
            "attack_nearest" => Some(Self::AttackNearest(AttackNearest::new(n_units))),
            "focus_fire" => Some(Self::FocusFire),
            "kiting" => Some(Self::Kiting),
            "random" => Some(Self::Random),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }

    /// Forgets the last episode.
    pub(crate) fn forget(&mut self) {
        if let Self::AttackNearest(player) = self {
            player.forget();
        }
    }

    /// Whether this can be a saved player of a team of `n_units`.
    pub(crate) fn fits(&self, n_units: usize) -> bool {
        match self {
            Self::AttackNearest(player) => player.fits(n_units),
            Self::FocusFire | Self::Kiting | Self::Random | Self::Stop => true,
        }
    }

    /// The action of one unit. It is legal under the mask, except that an attack-nearest player who
    /// does not keep to the mask attacks out of range too.
    pub(crate) fn act(&mut self, turn: &Turn<'_>, keeps_to_mask: bool, rng: &mut Rng) -> u16 {
        if !turn.battle.units.alive(turn.unit) {
            return NO_OP;
        }
        match self {
            Self::AttackNearest(player) => player.act(turn, keeps_to_mask),
            Self::FocusFire => focus_fire::act(turn),
            Self::Kiting => kiting::act(turn),
            Self::Random => rng.choose(turn.mask).map_or(STOP, |action| action as u16),
            Self::Stop => STOP,
        }
    }
}
