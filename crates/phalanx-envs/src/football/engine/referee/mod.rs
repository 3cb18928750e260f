//! The rules of the game: goals, the ball out of play, offside, fouls and restarts.
//!
//! A whistle arranges the restart in the same frame: the time until players are back in place is
//! not played. Then [`Match::mode`] names the restart until the taker touches the ball. Kick-offs
//! are not awaited: play goes on.
//!
//! - `out_of_play` finds goals and balls over the lines.
//! - `offside` marks players when their team touches the ball.
//! - `fouls` judges trips, keeps the advantage window and shows cards.
//! - `restarts` puts everybody in place.

mod fouls;
mod offside;
mod out_of_play;
mod restarts;

use serde::{Deserialize, Serialize};

use super::Match;
use super::state::{GameMode, PlayerId};
use super::vec2::Vec2;
use fouls::Foul;

/// The frames after a restart in which the side line is not judged.
const RELAXED_FRAMES: u16 = 40;

/// What the referee remembers between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Referee {
    /// The player that takes the restart.
    pub taker: Option<PlayerId>,
    /// The step after which the second half begins, while the first one is played.
    pub second_half: Option<u32>,
    /// The number of whistles since the match began, those for goals included.
    pub whistles: u32,
    /// The frames left in which the side line is not judged.
    relaxed: u16,
    /// The team whose players were offside at the last touch, and these players, by bit.
    offside: (u8, u16),
    /// The foul that is under way.
    foul: Option<Foul>,
}

/// Where play goes on after a whistle.
#[derive(Clone, Copy, Debug)]
struct Restart {
    mode: GameMode,
    /// The team that takes it.
    team: usize,
    position: Vec2,
}

/// Rules on a frame: on the ball's flight in it, and on what the bodies did in the frame before.
pub fn frame(game: &mut Match) {
    let touched = game.last_touch.filter(|touch| touch.frame + 1 == game.frame);
    if !game.in_play() {
        if touched.is_some_and(|touch| Some(touch.player) == game.referee.taker) {
            offside::mark(game, !matches!(game.mode, GameMode::ThrowIn | GameMode::Corner));
            game.mode = GameMode::Normal;
            game.referee.taker = None;
            game.referee.relaxed = RELAXED_FRAMES;
            game.referee.foul = None;
        }
        return;
    }
    fouls::notice(game);
    let restart = second_half(game)
        .or_else(|| out_of_play::judge(game))
        .or_else(|| touched.and_then(|touch| offside::judge(game, touch.player)))
        .or_else(|| fouls::judge(game));
    if let Some(restart) = restart {
        whistle(game, restart);
    } else if touched.is_some() {
        offside::mark(game, true);
    }
    game.referee.relaxed = game.referee.relaxed.saturating_sub(1);
}

/// Returns whether the left team is nearer to the ball when the match begins.
fn left_kicks_off(game: &Match) -> bool {
    let nearest = |team: usize| {
        let players = &game.setup.players[team][..game.setup.counts[team]];
        let distance = players.iter().map(|player| player.position.distance(game.setup.ball));
        distance.fold(f32::MAX, f32::min)
    };
    nearest(0) < nearest(1)
}

/// Begins the second half, with a kick-off by the other team and rested players.
fn second_half(game: &mut Match) -> Option<Restart> {
    let step = game.frame / super::pitch::FRAMES_PER_STEP as u32;
    game.referee.second_half.filter(|&second| step >= second)?;
    game.referee.second_half = None;
    for player in game.players.iter_mut().flatten() {
        player.tired = 0.0;
    }
    let team = usize::from(left_kicks_off(game));
    Some(Restart { mode: GameMode::KickOff, team, position: game.setup.ball })
}

/// Stops play and arranges the restart.
fn whistle(game: &mut Match, restart: Restart) {
    game.referee.whistles += 1;
    game.referee.foul = None;
    game.referee.offside = (0, 0);
    restarts::arrange(game, restart);
}
