//! The commands of players that agents control.

use serde::{Deserialize, Serialize};

use super::Match;

/// What the agents' controllers remember between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {}

/// Fills the commands of the players that agents control.
pub fn command(_game: &mut Match) {}
