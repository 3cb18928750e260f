//! The rules of the game: goals, the ball out of play, offside, fouls and restarts.

use serde::{Deserialize, Serialize};

use phalanx_core::rng::Rng;

use super::Match;

/// What the referee remembers between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Referee {}

/// Rules on a frame.
pub fn frame(_game: &mut Match, _rng: &mut Rng) {}
