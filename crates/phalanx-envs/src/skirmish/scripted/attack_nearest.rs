//! SMAC's own scripted policy.

use serde::{Deserialize, Serialize};

use super::UnitView;
use crate::skirmish::interface::STOP;

/// SMAC's heuristic: every unit attacks the nearest opponent until it is dead, then chooses again. A
/// healer heals the nearest injured ally until it is healed or dead. Opponents at which the weapon
/// cannot be aimed are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttackNearest {
    /// The target of each unit, `[unit of the team]`.
    targets: Vec<Option<u16>>,
}

impl AttackNearest {
    pub(crate) fn new(n_units: usize) -> Self {
        Self { targets: vec![None; n_units] }
    }

    pub(crate) fn forget(&mut self) {
        self.targets.fill(None);
    }

    pub(crate) fn is_compatible(&self, n_units: usize) -> bool {
        self.targets.len() == n_units
    }

    /// Returns the action of one unit. With `keeps_to_mask` it walks towards a target out of range,
    /// along the longer axis (`heuristic_rest` in SMAC). Otherwise it attacks regardless of range, as in
    /// SMAC.
    pub(crate) fn act(&mut self, view: &UnitView<'_>, keeps_to_mask: bool) -> u16 {
        let chosen = &mut self.targets[view.number()];
        *chosen = chosen.filter(|&target| view.is_useful(target)).or_else(|| view.nearest());
        match *chosen {
            None => STOP,
            Some(target) if keeps_to_mask => view.approach(target),
            Some(target) => view.aim(target),
        }
    }
}
