//! Restarts: the ball and the players in place, and nothing left of what went before.

use super::super::Match;
use super::super::ai::set_piece;
use super::super::control;
use super::super::player::{Body, Player};
use super::super::state::{Command, GameMode};
use super::super::vec2::Vec2;
use super::Restart;

/// Puts the ball and all players in place.
pub(super) fn arrange(game: &mut Match, restart: Restart) {
    game.place_ball(restart.position);
    game.holder = None;
    game.owner = None;
    game.last_touch = None;
    game.last_touch_of = [None; 2];
    game.last_trip = None;
    game.best_team = None;
    game.team_possession = [false; 2];
    game.players.iter_mut().flatten().for_each(Player::come_to_rest);
    game.mode = restart.mode;
    set_piece::arrange(game, restart.team);
    for team in 0..2 {
        control::let_go(game, team);
    }
    if restart.mode == GameMode::KickOff {
        game.mode = GameMode::Normal;
        game.referee.taker = None;
        return;
    }
    game.referee.taker = game.minds.taker;
    if let Some(taker) = game.minds.taker {
        game.designated[usize::from(taker.team)] = taker.index;
        game.main = taker;
        game.holder = Some(taker).filter(|_| restart.mode == GameMode::ThrowIn);
    }
}

impl Player {
    /// Stops everything that the player does.
    fn come_to_rest(&mut self) {
        self.velocity = Vec2::ZERO;
        self.obeyed = Vec2::ZERO;
        self.body = Body::Free;
        self.latency = 0;
        self.command = Command::default();
        self.has_possession = false;
        self.possession_frames = 0;
        self.last_touch = None;
        self.time_to_ball = 1.0;
        self.optimistic_time_to_ball = 1.0;
    }
}
