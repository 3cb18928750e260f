use phalanx_core::rng::{Purpose, Rng};

use super::super::on_ball::{Outlook, decide, dribble};
use super::super::set_piece;
use super::super::think;
use super::super::view::View;
use super::*;
use crate::football::engine::control::{self, Key};
use crate::football::engine::state::{GameMode, Kick};

fn rng() -> Rng {
    Rng::stream(1, Purpose::Check, 0)
}

fn with_outlooks(mut game: Match) -> Match {
    for team in 0..2 {
        for index in 0..game.counts[team] {
            game.minds.players[team][index].outlook = Outlook::of(&View::new(&game, team), index);
        }
    }
    game
}

#[test]
fn the_outlook_counts_nearness_and_space() {
    let game = game(
        &[[-50.0, 0.0], [0.0, 0.0]],
        &[[50.0, 0.0], [2.0, 0.0]],
        Role::CentralMidfield,
        [0.0, 0.0],
    );
    let outlook = Outlook::of(&View::new(&game, 0), 1);
    // (1 - 55 / 110)^1.5.
    assert!((outlook.forward - 0.353_553).abs() < 1e-4);
    // The opponent 2 m away: 1 - 0.6 / 2.5. It reaches the place 4 m ahead: 2 m - 2.4 m: 1 - 1 / 2.5.
    assert!((outlook.space - 0.76).abs() < 1e-4);
    assert!((outlook.ahead - 0.6).abs() < 1e-4);
}

#[test]
fn a_free_mate_in_front_gets_a_pass() {
    let game = game(
        &[[-50.0, 0.0], [0.0, 0.0], [15.0, 5.0]],
        &[[50.0, 0.0], [3.0, -8.0]],
        Role::CentralMidfield,
        [0.4, 0.0],
    );
    let mut game = with_outlooks(game);
    give_ball(&mut game, 0, 1);
    let kick = decide(&View::new(&game, 0), 1, &mut rng()).kick.expect("a pass");
    assert_eq!(kick.target, Some(PlayerId { team: 0, index: 2 }));
}

#[test]
fn an_opponent_on_the_line_blocks_low_passes() {
    // Opponents near both ends and in the middle: no pass arrives.
    let right = [[50.0, 0.0], [2.0, 0.5], [8.0, 2.6], [14.0, 4.6]];
    let game =
        game(&[[-50.0, 0.0], [0.0, 0.0], [15.0, 5.0]], &right, Role::CentralMidfield, [0.4, 0.0]);
    let mut game = with_outlooks(game);
    give_ball(&mut game, 0, 1);
    assert!(decide(&View::new(&game, 0), 1, &mut rng()).kick.is_none());
}

#[test]
fn a_player_in_front_of_the_goal_shoots() {
    let game = game(&[[-50.0, 0.0], [45.0, 0.0]], &[[54.0, 3.0]], Role::CentreForward, [45.4, 0.0]);
    let mut game = with_outlooks(game);
    give_ball(&mut game, 0, 1);
    let kick = decide(&View::new(&game, 0), 1, &mut rng()).kick.expect("a shot");
    assert_eq!((kick.kick, kick.target), (Kick::Shot, None));
    assert!(kick.direction.x > 0.9);
}

#[test]
fn dribbling_leads_to_the_goal_and_around_opponents() {
    let mut game =
        game(&[[-50.0, 0.0], [0.0, 0.0]], &[[50.0, 0.0]], Role::CentralMidfield, [0.4, 0.0]);
    assert_near(dribble(&View::new(&game, 0), 1), [8.0, 0.0], 1e-3);
    game = self::game(
        &[[-50.0, 0.0], [0.0, 0.0]],
        &[[50.0, 0.0], [4.0, -1.0]],
        Role::CentralMidfield,
        [0.4, 0.0],
    );
    let velocity = dribble(&View::new(&game, 0), 1);
    assert!(velocity.y > 0.2, "{velocity:?}");
}

#[test]
fn lazy_players_never_act() {
    let mut game =
        game(&[[-50.0, 0.0], [0.0, 0.0]], &[[50.0, 0.0], [0.5, 0.0]], Role::CentreBack, [0.3, 0.0]);
    game.players[1][1].lazy = true;
    give_ball(&mut game, 1, 1);
    for _ in 0..50 {
        think(&mut game, &mut rng());
        game.frame += 1;
        let command = game.players[1][1].command;
        assert!(command.kick.is_none() && command.speed == 0.0 && !command.slide);
    }
}

#[test]
fn mates_of_agents_never_kick() {
    let mut game = game(
        &[[-50.0, 0.0], [45.0, 0.0], [40.0, 9.0]],
        &[[54.0, 3.0]],
        Role::CentreForward,
        [45.4, 0.0],
    );
    control::begin(&mut game, [&[2], &[]], true);
    control::press(&mut game, 0, [Key::Idle].into_iter());
    give_ball(&mut game, 0, 1);
    for _ in 0..50 {
        think(&mut game, &mut rng());
        game.frame += 1;
        assert!(game.players[0][1].command.kick.is_none());
    }
    control::press(&mut game, 0, [Key::Builtin].into_iter());
    let mut kicks = 0;
    for _ in 0..50 {
        think(&mut game, &mut rng());
        game.frame += 1;
        kicks += i32::from(game.players[0][1].command.kick.is_some());
    }
    assert!(kicks > 0);
}

#[test]
fn a_goalkeeper_holds_the_ball_until_its_mate_is_free_or_four_seconds_passed() {
    let left = [[-50.0, 0.0], [-30.0, 0.0]];
    let mut game = game(&left, &[[50.0, 0.0], [-25.0, 0.0]], Role::CentreBack, [-50.0, 0.0]);
    game.holder = Some(PlayerId { team: 0, index: 0 });
    let view = View::new(&game, 0);
    assert!(set_piece::take(&view, 0, &mut rng()).kick.is_none());
    game.players[0][0].possession_frames = 401;
    let kick = set_piece::take(&View::new(&game, 0), 0, &mut rng()).kick.expect("a throw");
    assert_eq!((kick.kick, kick.target), (Kick::HighPass, Some(PlayerId { team: 0, index: 1 })));
    game.players[0][0].possession_frames = 0;
    game.players[1][1].position = Vec2::new(-15.0, 0.0);
    assert!(set_piece::take(&View::new(&game, 0), 0, &mut rng()).kick.is_some());
}

#[test]
fn opponents_keep_their_distance_at_free_kicks() {
    let left = [[-50.0, 0.0], [0.0, 1.0], [-5.0, 2.0], [9.0, 9.0]];
    let right = [[50.0, 0.0], [3.0, 1.0], [6.0, 2.0], [12.0, 5.0]];
    let mut game = game(&left, &right, Role::CentralMidfield, [20.0, 10.0]);
    game.mode = GameMode::FreeKick;
    set_piece::arrange(&mut game, 0);
    for player in &game.players[1][..4] {
        assert!(player.position.distance(game.ball.position) >= 9.14);
    }
    let taker = game.minds.taker.expect("a taker");
    assert_near(game.player(taker).position, [17.7, 10.0], 1e-3);
}

#[test]
fn the_other_team_kicks_off_from_exchanged_places() {
    let left = [[-50.0, 0.0], [0.0, 1.0]];
    let right = [[50.0, 0.0], [3.0, 0.0]];
    let mut game = game(&left, &right, Role::CentralMidfield, [0.0, 0.0]);
    game.mode = GameMode::KickOff;
    set_piece::arrange(&mut game, 1);
    assert_near(game.players[1][1].position, [0.0, -1.0], 1e-4);
    assert_near(game.players[0][1].position, [-3.0, 0.0], 1e-4);
}
