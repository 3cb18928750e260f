//! Tests of the built-in rules: positions are computed by hand from the rules.

mod defending;
mod formation;
mod keeping;
mod marking;
mod play;

use phalanx_core::rng::{Purpose, Rng};

use super::super::Match;
use super::super::setup::{MatchSetup, PlayerSetup};
use super::super::state::{PlayerId, Role};
use super::super::vec2::Vec2;

/// Returns a match in which the players stand at these places, in the frame of the left team; the first of each team is
/// a goalkeeper, the others have the role given.
fn game(left: &[[f32; 2]], right: &[[f32; 2]], role: Role, ball: [f32; 2]) -> Match {
    let mut setup = MatchSetup { ball: Vec2::new(ball[0], ball[1]), ..MatchSetup::default() };
    setup.difficulty = [1.0, 1.0];
    for (team, places) in [left, right].into_iter().enumerate() {
        setup.counts[team] = places.len();
        for (index, place) in places.iter().enumerate() {
            setup.players[team][index] = PlayerSetup {
                role: if index == 0 { Role::Goalkeeper } else { role },
                position: Vec2::new(place[0], place[1]),
                ..PlayerSetup::default()
            };
        }
    }
    let mut game = Match::new(&setup);
    super::remember(&mut game, &mut Rng::stream(0, Purpose::Check, 0));
    game
}

/// Gives the ball to a player in the eyes of the minds: it is the designated one of its team and of the match.
fn give_ball(game: &mut Match, team: u8, index: u8) {
    game.designated[team as usize] = index;
    game.main = PlayerId { team, index };
    game.best_team = Some(team);
    game.team_possession[team as usize] = true;
    game.player_mut(game.main).has_possession = true;
    for other in 0..2 {
        let time = if other == team { 0.05 } else { 1.0 };
        game.team_time_to_ball[other as usize] = time;
        for player in &mut game.players[other as usize] {
            player.time_to_ball = time.max(0.5);
        }
    }
    game.player_mut(game.main).time_to_ball = 0.05;
    for team in 0..2 {
        for index in 0..game.counts[team] {
            game.minds.players[team][index].time_to_ball = game.players[team][index].time_to_ball;
        }
    }
}

/// Checks two positions for equality, in metres.
fn assert_near(actual: Vec2, expected: [f32; 2], tolerance: f32) {
    let expected = Vec2::new(expected[0], expected[1]);
    assert!(actual.distance(expected) <= tolerance, "{actual:?} instead of {expected:?}");
}
