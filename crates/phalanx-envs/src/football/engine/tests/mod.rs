//! Tests of bodies and the ball against numbers measured on the original engine.

mod ball;
mod carrying;
mod kicks;
mod movement;
mod whole;

use phalanx_core::rng::{Purpose, Rng};

use super::Match;
use super::setup::{MatchSetup, PlayerSetup};
use super::state::{PlayerId, Role};
use super::vec2::Vec2;

/// A match in which tests command the players.
pub(super) struct Drill {
    pub(super) game: Match,
    pub(super) rng: Rng,
}

impl Drill {
    /// Begins with the left team's players at some places, in metres, after a goalkeeper, and a lone right goalkeeper.
    pub(super) fn new(seed: u64, ball: Vec2, left: &[Vec2], keeper: Vec2) -> Self {
        let mut setup = MatchSetup {
            ball,
            difficulty: [1.0, 0.6],
            first_team: (seed % 2) as usize,
            ..Default::default()
        };
        setup.counts = [left.len() + 1, 1];
        setup.players[0][0] = PlayerSetup { position: Vec2::new(-55.0, 0.0), ..Default::default() };
        for (player, &position) in setup.players[0][1..].iter_mut().zip(left) {
            *player = PlayerSetup {
                role: Role::CentreBack,
                position,
                controllable: true,
                ..Default::default()
            };
        }
        setup.players[1][0] = PlayerSetup { position: keeper, ..Default::default() };
        Self { game: Match::new(&setup), rng: Rng::stream(seed, Purpose::Check, 0) }
    }

    /// Plays a frame; `command` fills the commands.
    pub(super) fn frame(&mut self, command: impl FnOnce(&mut Match)) {
        self.game.before_minds();
        command(&mut self.game);
        self.game.after_minds(&mut self.rng);
    }
}

/// Returns a player of the left team.
pub(super) fn left(index: u8) -> PlayerId {
    PlayerId { team: 0, index }
}
