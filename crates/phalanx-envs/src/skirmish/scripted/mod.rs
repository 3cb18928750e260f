//! Hand-written policies for either team.
//!
//! A policy is given one [`UnitView`] at a time and returns one of SMAC's actions from the perspective
//! of the unit's own team. To add a policy, add a file, a variant and a line of [`SCRIPTED_POLICIES`].

mod attack_nearest;
mod focus_fire;
mod kiting;
mod unit_view;

pub(crate) use attack_nearest::AttackNearest;
pub(crate) use unit_view::UnitView;

use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::interface::{NO_OP, STOP};

/// The names of all policies, each with a one-sentence description. The first is SMAC's own, which
/// controls the allies with `heuristic_ai`.
pub const SCRIPTED_POLICIES: &[(&str, &str)] = &[
    ("attack_nearest", "SMAC's heuristic: attacks the nearest opponent until it is dead."),
    (
        "focus_fire",
        "Attacks the weakest opponent within range; otherwise walks to the nearest one.",
    ),
    (
        "kiting",
        "Shoots when the weapon is ready; otherwise retreats from opponents with a shorter range.",
    ),
    ("random", "Chooses uniformly among the available actions."),
    ("stop", "Never moves or attacks."),
];

/// A scripted policy of one team, with its internal state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ScriptedPolicy {
    AttackNearest(AttackNearest),
    FocusFire,
    Kiting,
    Random,
    Stop,
}

impl ScriptedPolicy {
    /// Returns the policy called `name` in [`SCRIPTED_POLICIES`], for a team of `n_units`.
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

    /// Resets the internal state for a new episode.
    pub(crate) fn forget(&mut self) {
        if let Self::AttackNearest(policy) = self {
            policy.forget();
        }
    }

    /// Returns whether this can be the saved policy of a team of `n_units`.
    pub(crate) fn is_compatible(&self, n_units: usize) -> bool {
        match self {
            Self::AttackNearest(policy) => policy.is_compatible(n_units),
            Self::FocusFire | Self::Kiting | Self::Random | Self::Stop => true,
        }
    }

    /// Returns the action of one unit. It is available under the mask, except that an attack-nearest
    /// policy without `keeps_to_mask` also attacks out of range.
    pub(crate) fn act(&mut self, view: &UnitView<'_>, keeps_to_mask: bool, rng: &mut Rng) -> u16 {
        if !view.battle.units.alive(view.unit) {
            return NO_OP;
        }
        match self {
            Self::AttackNearest(policy) => policy.act(view, keeps_to_mask),
            Self::FocusFire => focus_fire::act(view),
            Self::Kiting => kiting::act(view),
            Self::Random => rng.choose(view.mask).map_or(STOP, |action| action as u16),
            Self::Stop => STOP,
        }
    }
}
