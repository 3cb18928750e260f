//! The built-in rules that command players without an agent.

use serde::{Deserialize, Serialize};

use phalanx_core::rng::Rng;

use super::Match;

/// What the built-in rules remember between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minds {}

/// Fills the commands of the players that no agent commands.
pub fn think(_game: &mut Match, _rng: &mut Rng) {}
