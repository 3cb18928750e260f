use super::super::keeper::{bound_for_goal, run};
use super::super::view::View;
use super::*;

/// Returns where a goalkeeper that runs with 2.6 m/s per metre would like to be.
fn target(game: &Match) -> Vec2 {
    let view = View::new(game, 0);
    let velocity = run(&view, 0, bound_for_goal(&view, 0));
    view.mate(0).position + velocity * (1.0 / 2.6)
}

#[test]
fn with_the_ball_in_the_other_half_it_stands_ten_metres_off_its_line() {
    let game = game(&[[-46.0, 1.0]], &[[50.0, 0.0]], Role::CentreBack, [20.0, 10.0]);
    assert_near(target(&game), [-45.0, 0.0], 1e-4);
}

#[test]
fn it_stands_on_the_line_that_halves_the_angle_to_the_posts() {
    // A mate covers the opponent with the ball, so it does not come out; it runs back no faster than 5 m/s.
    let left = [[-53.5, 0.5], [-35.0, 0.0]];
    let mut game = game(&left, &[[50.0, 0.0], [-25.0, 0.0]], Role::CentreBack, [-25.0, 0.0]);
    give_ball(&mut game, 1, 1);
    game.fading_possession = [0.6, 1.4];
    // 0.7 m in front of the point of the line x = -54.3 that lies on the way from the ball to the middle of the goal.
    assert_near(target(&game), [-53.6, 0.0], 1e-3);
}

#[test]
fn it_comes_out_when_nobody_else_can() {
    let mut game = game(
        &[[-53.5, 0.0], [0.0, 20.0]],
        &[[50.0, 0.0], [-25.0, 0.0]],
        Role::CentreBack,
        [-25.0, 0.0],
    );
    give_ball(&mut game, 1, 1);
    game.fading_possession = [0.6, 1.4];
    let view = View::new(&game, 0);
    let velocity = run(&view, 0, None);
    // The second opponent, its goalkeeper, is far away: all the way to the ball, at full speed.
    assert_near(velocity, [8.0, 0.0], 1e-3);
}

#[test]
fn a_shot_is_met_at_the_nearest_point_of_its_way() {
    let mut game =
        game(&[[-54.0, 0.0]], &[[50.0, 0.0], [-35.0, 0.0]], Role::CentreBack, [-35.0, 0.0]);
    let mut ball = game.ball;
    ball.velocity = Vec2::new(-25.0, 3.0);
    game.set_ball(ball);
    let view = View::new(&game, 0);
    let y = bound_for_goal(&view, 0).expect("the ball is bound for the goal");
    // 20 m at a slope of 3 / 25.
    assert!((y - 2.4).abs() < 0.02, "{y}");
    // 19 m · 25 / √634 = 18.86 m along the way from (-35, 0): the foot of the perpendicular from (-54, 0).
    assert_near(target(&game), [-53.73, 2.25], 0.01);
}

#[test]
fn a_ball_that_goes_wide_is_not_bound_for_the_goal() {
    let mut game = game(&[[-54.0, 0.0]], &[[50.0, 0.0]], Role::CentreBack, [-35.0, 0.0]);
    let mut ball = game.ball;
    ball.velocity = Vec2::new(-25.0, 6.0);
    game.set_ball(ball);
    assert_eq!(bound_for_goal(&View::new(&game, 0), 0), None);
    // Nor is one that stops before the line.
    ball.velocity = Vec2::new(-6.0, 0.0);
    game.set_ball(ball);
    assert_eq!(bound_for_goal(&View::new(&game, 0), 0), None);
}
