use phalanx_core::rng::{Purpose, Rng};

use super::*;
use crate::football::engine::player::Body;
use crate::football::engine::state::{GameMode, Role};
use crate::football::engine::{Trip, referee};

/// A standing tackle.
const TACKLE: Body = Body::Tackle {
    meeting: Vec2::ZERO,
    tackle: 0,
    side: 1.0,
    frame: 0,
    heading: Vec2::new(1.0, 0.0),
};

/// A full game in its first frames.
fn full_game() -> Field {
    let mut field = Field::of("11_vs_11_stochastic", "");
    field.game().frame = 100;
    field
}

/// Moves the ball along a line in one frame and lets the referee judge.
fn fly(game: &mut Match, from: (f32, f32, f32), to: (f32, f32, f32)) {
    game.ball.position = Vec2::new(from.0, from.1);
    game.ball.height = from.2;
    game.previous_ball = game.ball;
    game.ball.position = Vec2::new(to.0, to.1);
    game.ball.height = to.2;
    referee::frame(game);
}

/// Lets a player touch the ball in the frame before the one that is judged next.
fn touch(game: &mut Match, player: PlayerId, kick: Option<Kick>) {
    game.record_touch(player, kick);
    game.frame += 1;
}

#[test]
fn a_goal_is_a_ball_that_crosses_the_line_between_the_posts_and_below_the_bar() {
    let goal = |from, to| {
        let mut field = full_game();
        let game = field.game();
        fly(game, from, to);
        game.score
    };
    assert_eq!(goal((55.1, 0.0, 0.11), (55.3, 0.0, 0.11)), [1, 0]);
    assert_eq!(goal((-55.1, 3.6, 2.4), (-55.3, 3.6, 2.4)), [0, 1]);
    assert_eq!(goal((55.0, 0.0, 0.11), (55.16, 0.0, 0.11)), [0, 0], "not yet behind the line");
    assert_eq!(goal((55.1, 3.8, 0.11), (55.3, 3.8, 0.11)), [0, 0], "beside the post");
    assert_eq!(goal((55.1, 0.0, 2.6), (55.3, 0.0, 2.6)), [0, 0], "above the bar");
    assert_eq!(goal((55.0, 3.8, 0.11), (55.4, 3.5, 0.11)), [0, 0], "through the side netting");
}

#[test]
fn after_a_goal_the_other_team_kicks_off_at_once() {
    let mut field = full_game();
    let game = field.game();
    fly(game, (55.1, 0.0, 0.11), (55.3, 0.0, 0.11));
    assert_eq!((game.mode, game.ball.position), (GameMode::Normal, Vec2::ZERO));
    let near =
        |team: usize| game.players[team].iter().filter(|p| p.position.length() < 2.0).count();
    assert_eq!((near(0), near(1)), (0, 2), "the right team kicks off");
    assert!(game.players[0].iter().all(|player| player.position.x <= 0.0));
    assert!(game.players[1].iter().all(|player| player.position.x >= 0.0));
}

#[test]
fn a_ball_over_the_goal_line_is_a_corner_or_a_goal_kick() {
    for (x, last, mode, place) in [
        (55.3, id(1, 3), GameMode::Corner, (55.0, 36.0)),
        (55.3, id(0, 3), GameMode::GoalKick, (50.6, 0.0)),
        (-55.3, id(0, 3), GameMode::Corner, (-55.0, 36.0)),
        (-55.3, id(1, 3), GameMode::GoalKick, (-50.6, 0.0)),
    ] {
        let mut field = full_game();
        let game = field.game();
        touch(game, last, None);
        game.frame += 5;
        fly(game, (x * 0.99, 20.0, 0.11), (x, 20.0, 0.11));
        assert_eq!(game.mode, mode);
        assert!(game.ball.position.distance(Vec2::new(place.0, place.1)) < 1e-3, "{mode:?}");
        let taker = game.referee.taker.expect("somebody takes it");
        assert_eq!(taker.team, 1 - last.team);
        assert!(game.player(taker).position.distance(game.ball.position) < 3.0);
    }
}

#[test]
fn a_ball_over_the_side_line_is_thrown_in_by_hand() {
    let mut field = full_game();
    let game = field.game();
    touch(game, id(0, 3), None);
    game.frame += 5;
    fly(game, (10.0, -36.1, 0.11), (10.1, -36.3, 0.11));
    assert_eq!(game.mode, GameMode::ThrowIn);
    assert_eq!(game.holder, game.referee.taker);
    assert_eq!(game.holder.map(|holder| holder.team), Some(1));
    assert!(game.ball.position.distance(Vec2::new(10.1, -36.0)) < 1e-3);
}

#[test]
fn play_goes_on_when_the_taker_touches_the_ball() {
    let mut field = full_game();
    let game = field.game();
    touch(game, id(0, 3), None);
    game.frame += 5;
    fly(game, (55.0, 20.0, 0.11), (55.3, 20.0, 0.11));
    let taker = game.referee.taker.expect("somebody takes it");
    touch(game, id(1 - taker.team, 4), None);
    referee::frame(game);
    assert_eq!(game.mode, GameMode::GoalKick, "another player touched it");
    touch(game, taker, Some(Kick::ShortPass));
    referee::frame(game);
    assert_eq!((game.mode, game.referee.taker), (GameMode::Normal, None));
}

/// A pass by left player 3 at (10, 0), with left player 2 at `x` and the last two opponents at 50 m
/// and 30 m.
fn pass_forward(x: f32, offsides: bool) -> Field {
    let mut field = full_game();
    let game = field.game();
    game.setup.offsides = offsides;
    for player in &mut game.players[1] {
        player.position.x = 5.0;
    }
    for player in &mut game.players[0] {
        player.position.x = -5.0;
    }
    game.players[1][0].position.x = 50.0;
    game.players[1][4].position.x = 30.0;
    game.players[0][2].position = Vec2::new(x, 4.0);
    game.players[0][3].position = Vec2::new(10.0, 0.0);
    game.place_ball(Vec2::new(10.0, 0.0));
    touch(game, id(0, 3), Some(Kick::LongPass));
    referee::frame(game);
    field
}

#[test]
fn a_player_beyond_the_last_but_one_opponent_is_offside_when_it_touches_the_ball() {
    for (x, offsides, mode) in [
        (31.0, true, GameMode::FreeKick),
        (29.0, true, GameMode::Normal),
        (31.0, false, GameMode::Normal),
    ] {
        let mut field = pass_forward(x, offsides);
        let game = field.game();
        game.frame += 50;
        touch(game, id(0, 2), None);
        referee::frame(game);
        assert_eq!(game.mode, mode, "at {x}, offsides: {offsides}");
    }
    let mut field = pass_forward(31.0, true);
    let game = field.game();
    touch(game, id(1, 4), None);
    referee::frame(game);
    touch(game, id(0, 2), None);
    referee::frame(game);
    assert_eq!(game.mode, GameMode::Normal, "an opponent touched it in between");
}

/// Lets right player 4 bring down left player 3 at `x`, near the ball that the left team has.
fn trip(game: &mut Match, x: f32, by_slide: bool) {
    game.fading_possession = [1.4, 0.6];
    let place = Vec2::new(x, 1.0);
    let player = &mut game.players[0][3];
    (player.position, player.facing) = (place, Vec2::new(1.0, 0.0));
    game.place_ball(place + Vec2::new(0.5, 0.0));
    game.players[1][4].body = TACKLE;
    game.last_trip = Some(Trip {
        frame: game.frame,
        victim: id(0, 3),
        offender: id(1, 4),
        fell: true,
        by_slide,
    });
    game.frame += 1;
}

#[test]
fn a_foul_is_whistled_once_its_victims_lose_the_ball_and_forgotten_after_three_seconds() {
    let mut field = full_game();
    let game = field.game();
    trip(game, 0.0, false);
    for _ in 0..200 {
        referee::frame(game);
        game.frame += 1;
    }
    assert_eq!(game.mode, GameMode::Normal, "the victims still have the ball");
    game.fading_possession = [0.9, 1.1];
    referee::frame(game);
    assert_eq!(game.mode, GameMode::FreeKick);
    assert_eq!(game.ball.position, Vec2::new(0.0, 1.0));
    assert_eq!(game.referee.taker.map(|taker| taker.team), Some(0));
    for player in &game.players[1] {
        assert!(
            player.position.distance(game.ball.position) >= 9.1 || player.role == Role::Goalkeeper
        );
    }

    let mut field = full_game();
    let game = field.game();
    trip(game, 0.0, false);
    for _ in 0..302 {
        referee::frame(game);
        game.frame += 1;
    }
    game.fading_possession = [0.9, 1.1];
    referee::frame(game);
    assert_eq!(game.mode, GameMode::Normal);
}

#[test]
fn a_foul_in_the_penalty_area_is_a_penalty_at_once() {
    let mut field = full_game();
    let game = field.game();
    trip(game, 45.0, false);
    referee::frame(game);
    assert_eq!((game.mode, game.ball.position), (GameMode::Penalty, Vec2::new(44.0, 0.0)));
}

#[test]
fn a_slide_from_behind_is_a_card_and_the_second_yellow_one_sends_off() {
    let mut field = full_game();
    for count in 1..=2 {
        let game = field.game();
        game.mode = GameMode::Normal;
        game.players[1][4].last_touch = None;
        trip(game, 0.0, true);
        let slider = &mut game.players[1][4];
        slider.position = Vec2::new(-1.0, 1.0);
        slider.body = Body::Slide { frame: 16, frames: 60, direction: Vec2::new(1.0, 0.0) };
        // In time, half a metre from the ball, straight from behind: 0.5 · 0.25 + 1 exceeds 1, but
        // not 1.4.
        referee::frame(game);
        assert_eq!((game.mode, game.players[1][4].yellow_cards), (GameMode::FreeKick, count - 1));
        game.mode = GameMode::Normal;
        game.players[1][4].yellow_cards = count - 1;
        trip(game, 0.0, true);
        let slider = &mut game.players[1][4];
        slider.position = Vec2::new(-1.0, 1.0);
        slider.body = Body::Slide { frame: 40, frames: 60, direction: Vec2::new(1.0, 0.0) };
        referee::frame(game);
        let slider = &game.players[1][4];
        assert_eq!((slider.yellow_cards, slider.on_pitch), (count, count < 2));
    }
}

#[test]
fn the_second_half_begins_with_a_kick_off_of_the_other_team_and_rested_players() {
    let mut field = Field::of("11_vs_11_kaggle", "");
    let game = field.game();
    let near =
        |game: &Match, team: usize| game.players[team].iter().any(|p| p.position.length() < 2.0);
    let first = usize::from(near(game, 1));
    game.players[0][5].tired = 0.4;
    game.frame = 15_000 - 1;
    referee::frame(game);
    assert_eq!(game.referee.whistles, 0);
    game.frame = 15_000;
    referee::frame(game);
    assert_eq!(game.referee.whistles, 1);
    assert!(near(game, 1 - first) && !near(game, first));
    assert_eq!(game.players[0][5].tired, 0.0);
    game.frame += 100;
    referee::frame(game);
    assert_eq!(game.referee.whistles, 1);
}

#[test]
fn a_player_that_is_sent_off_leaves_its_agent() {
    let mut field = Field::of("11_vs_11_stochastic", "agents = 11");
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let game = field.game();
    game.players[0][4].on_pitch = false;
    crate::football::engine::control::release(game, id(0, 4));
    game.frame(&mut rng);
    field.rewrite();
    assert!(!field.rows.alive[4] && field.rows.alive[3]);
    assert_eq!(field.mask(4).iter().filter(|&&open| open).count(), 1);
}
