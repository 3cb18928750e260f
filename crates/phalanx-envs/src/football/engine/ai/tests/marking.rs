use super::super::marking::{
    cover, dangerous_opponents, hold_line, marks, meeting_point, must_move, offside_depth,
};
use super::super::off_ball::{hunting_range, hunts};
use super::super::view::{Figure, View};
use super::*;

fn at(x: f32, y: f32) -> Figure {
    Figure { position: Vec2::new(x, y), velocity: Vec2::ZERO }
}

#[test]
fn the_opponents_nearest_to_goal_and_ball_are_dangerous() {
    let game = game(
        &[[-50.0, 0.0]],
        &[[50.0, 0.0], [-30.0, 0.0], [0.0, 0.0], [-40.0, 5.0]],
        Role::CentreForward,
        [0.0, 0.0],
    );
    let (dangerous, count) = dangerous_opponents(&View::new(&game, 0));
    assert_eq!((dangerous, count), ([3, 1, 2], 3));
}

#[test]
fn the_best_placed_mate_marks_the_most_dangerous_opponent() {
    let left = [[-50.0, 0.0], [-38.0, 10.0], [-32.0, 0.5], [-10.0, 0.0]];
    let game =
        game(&left, &[[50.0, 0.0], [-30.0, 0.0], [-28.0, 12.0]], Role::CentreBack, [-28.0, 12.0]);
    let marks = marks(&View::new(&game, 0), &[1, 2]);
    assert_eq!(marks[..4], [None, Some(2), Some(1), None]);
}

#[test]
fn defenders_meet_opponents_on_their_way_to_the_goal() {
    // Equally far from both: the way (-55, 0) - (-15, 0) crosses the perpendicular through the middle at x = -20;
    // 0.8 m further on.
    let target = meeting_point(Vec2::new(-25.0, 0.0), at(-15.0, 0.0));
    assert_near(target, [-20.8, 0.0], 1e-4);
    // From the side, at 45°: (-15, 0) to (-15, 10) never crosses the way to the goal ahead; the opponent is past.
    let target = meeting_point(Vec2::new(-15.0, 10.0), at(-15.0, 0.0));
    assert_near(target, [-15.8, 0.0], 1e-4);
}

#[test]
fn a_defender_waits_for_opponents_straight_ahead() {
    let here = Vec2::new(-25.0, 0.0);
    assert!(!must_move(here, Vec2::new(-20.0, 0.0)));
    assert!(must_move(here, Vec2::new(-25.2, 0.0)));
    assert!(must_move(here, Vec2::new(-20.0, 4.0)));
}

#[test]
fn hunters_come_from_within_their_range_only() {
    let near = game(
        &[[-50.0, 0.0], [-25.0, 6.0]],
        &[[50.0, 0.0], [-25.0, -12.0]],
        Role::CentreBack,
        [-25.0, -12.0],
    );
    let mut game = near;
    give_ball(&mut game, 1, 1);
    assert!((hunting_range(&View::new(&game, 0), 1) - 20.0).abs() < 1e-4);
    assert!(hunts(&View::new(&game, 0), 1).0);
    game.setup.difficulty[0] = 0.6;
    // 20 m · 0.72 = 14.4 m are less than the 18 m to the opponent.
    assert!(!hunts(&View::new(&game, 0), 1).0);
}

#[test]
fn markers_do_not_hunt() {
    let mut game = game(
        &[[-50.0, 0.0], [-25.0, 6.0]],
        &[[50.0, 0.0], [-25.0, -2.0]],
        Role::CentreBack,
        [-25.0, -2.0],
    );
    give_ball(&mut game, 1, 1);
    assert!(hunts(&View::new(&game, 0), 1).0);
    game.minds.teams[0].marks[1] = Some(1);
    assert!(!hunts(&View::new(&game, 0), 1).0);
}

#[test]
fn a_marker_stays_nearer_to_the_shooting_point_than_its_opponent() {
    let mut game = game(
        &[[-50.0, 0.0], [-40.0, 0.0]],
        &[[50.0, 0.0], [0.0, 0.0]],
        Role::CentreBack,
        [0.0, 0.0],
    );
    give_ball(&mut game, 1, 1);
    let view = View::new(&game, 0);
    // The opponent shoots from 24 m, at x = -31, 31 m away; the mate may be 27 m from there: it stays.
    assert_near(cover(&view, 1, Vec2::new(-40.0, 0.0), 1, -55.0), [-40.0, 0.0], 1e-4);
    // One that would stand 40 m from there goes 13 m towards it.
    assert_near(cover(&view, 1, Vec2::new(9.0, 0.0), 1, -55.0), [-4.0, 0.0], 1e-3);
    // The trap at x = -10 makes the opponent's way 10 m long: the mate may be 6 m from there, and is too late by 20 m.
    let late = cover(&view, 1, Vec2::new(-40.0, 0.0), 1, -10.0);
    assert_near(late, [-16.0 - 14.0, 0.0], 1e-3);
}

#[test]
fn the_offside_trap_presses_the_line_together() {
    assert_near(hold_line(Vec2::new(-10.0, 3.0), -20.0), [-10.0, 3.0], 1e-5);
    assert_near(hold_line(Vec2::new(-20.0, 3.0), -20.0), [-19.0, 3.0], 1e-5);
    assert_near(hold_line(Vec2::new(-40.0, 3.0), -20.0), [-20.0, 3.0], 1e-5);
}

#[test]
fn the_offside_line_runs_through_the_second_deepest_player_or_the_ball() {
    let right = [[54.0, 0.0], [30.0, 5.0], [20.0, 0.0]];
    let mut game = game(&[[-50.0, 0.0]], &right, Role::CentreBack, [0.0, 0.0]);
    assert!((offside_depth(&View::new(&game, 0), 1, 0, 0.0) - 30.0).abs() < 1e-4);
    game.place_ball(Vec2::new(40.0, 0.0));
    assert!((offside_depth(&View::new(&game, 0), 1, 0, 0.0) - 40.0).abs() < 1e-4);
}
