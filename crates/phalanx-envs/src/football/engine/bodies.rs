//! Bodies: they move, touch, kick and save as commanded, and collide.

use phalanx_core::rng::Rng;

use super::Match;

/// Moves all bodies by a frame.
pub(super) fn frame(_game: &mut Match, _rng: &mut Rng) {}
