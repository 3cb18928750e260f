use phalanx_core::env::StepStatus;

use super::*;

/// Lets a team own the ball at the feet of one of its players.
fn own(field: &mut Field, player: PlayerId) {
    give_ball(field.game(), player);
}

#[test]
fn an_episode_ends_when_the_other_team_wins_the_ball() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    own(&mut field, id(0, 1));
    assert_eq!(field.idle().status, StepStatus::Running);
    assert_eq!(field.rows.obs[94..97], [0.0, 1.0, 0.0], "the left team owns the ball");
    own(&mut field, id(1, 0));
    assert_eq!(field.idle().status, StepStatus::Terminated);
    assert_eq!(field.info("possession_lost"), 1.0);
}

#[test]
fn the_last_owner_is_remembered_while_the_ball_is_free() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    own(&mut field, id(0, 1));
    field.idle();
    field.game().place_ball(Vec2::new(0.0, 30.0));
    assert_eq!(field.idle().status, StepStatus::Running);
    own(&mut field, id(1, 0));
    assert_eq!(field.idle().status, StepStatus::Terminated);
}

#[test]
fn a_corner_does_not_end_when_the_ball_is_lost() {
    let mut field = Field::of("academy_corner", "");
    own(&mut field, id(0, 5));
    field.idle();
    own(&mut field, id(1, 0));
    assert_eq!(field.idle().status, StepStatus::Running);
}

#[test]
fn a_whistle_ends_an_academy_episode_but_not_in_its_first_step() {
    let out = |field: &mut Field| {
        let mut ball = field.game().ball;
        ball.position = Vec2::new(40.0, 36.3);
        ball.velocity = Vec2::new(0.0, 10.0);
        field.game().set_ball(ball);
    };
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    out(&mut field);
    // The original compares with the phase of the step before, which the first step does not have.
    assert_eq!(field.idle().status, StepStatus::Running);

    field.reset();
    field.idle();
    out(&mut field);
    let result = field.idle();
    assert_eq!((result.reward, result.status), (0.0, StepStatus::Terminated));
    assert_eq!(field.info("out_of_play"), 1.0);
    assert_eq!(field.row(0)[108..115], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], "a throw-in");
}

#[test]
fn the_limit_truncates_an_episode() {
    let mut field = Field::of("academy_corner", "episode_limit = 3");
    assert_eq!(field.idle().status, StepStatus::Running);
    assert_eq!(field.idle().status, StepStatus::Running);
    assert_eq!(field.idle().status, StepStatus::Truncated);
}
