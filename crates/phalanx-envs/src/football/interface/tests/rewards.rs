use phalanx_core::env::{Env, StepStatus};

use super::super::args::Reward;
use super::super::reward::Rewarder;
use super::super::view::View;
use super::*;
use crate::football::engine::state::Touch;

/// Lets the ball fly into the goal of a team in the next frame.
fn shoot_into_goal(field: &mut Field, defenders: u8) {
    let side = -Match::attack(usize::from(defenders));
    let game = field.game();
    let mut ball = game.ball;
    ball.position = Vec2::new(55.1 * side, 0.0);
    ball.velocity = Vec2::new(20.0 * side, 0.0);
    game.set_ball(ball);
    game.holder = None;
}

/// Returns the rewards of a step after which agent `0`, `1` and `2` control players 1, 2 and 3.
fn settle(rewarder: &mut Rewarder, owner: u8, ball: [f32; 2]) -> [f32; 3] {
    let mut view =
        View { ball: [ball[0], ball[1], 0.11], owner: Some(id(0, owner)), ..View::default() };
    view.active[..3].copy_from_slice(&[Some(1), Some(2), Some(3)]);
    let mut rewards = [0.0; 3];
    rewarder.settle(Reward::ScoringCheckpoints, &view, false, &mut rewards);
    rewards
}

#[test]
fn a_player_with_the_ball_collects_the_checkpoints_up_to_where_it_stands() {
    // Where the ball is in 3 against 1, in front of the empty goal, at the centre and next to the
    // goal.
    for (x, expected) in [(0.62, 0.7), (0.77, 0.9), (0.0, 0.0), (0.02, 0.1), (0.82, 1.0)] {
        let rewards = settle(&mut Rewarder::default(), 1, [x, 0.0]);
        assert_close(&rewards, &[expected, 0.0, 0.0], &format!("{x}"));
    }
}

#[test]
fn only_the_agent_of_the_owner_collects_checkpoints_and_each_of_them_once() {
    let mut rewarder = Rewarder::default();
    assert_close(&settle(&mut rewarder, 2, [0.5, 0.0]), &[0.0, 0.6, 0.0], "the first time");
    assert_eq!(settle(&mut rewarder, 2, [0.5, 0.0]), [0.0; 3]);
    // y is not rescaled: 0.4 is as far as 0.4 along x.
    assert_close(&settle(&mut rewarder, 1, [1.0, 0.4]), &[0.7, 0.0, 0.0], "beside the goal");
    assert_eq!(settle(&mut rewarder, 0, [1.0, 0.0]), [0.0; 3], "a player without an agent");
}

#[test]
fn a_goal_pays_every_agent_its_missing_checkpoints() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    shoot_into_goal(&mut field, 1);
    let result = field.idle();
    assert_eq!(result.status, StepStatus::Terminated);
    assert_close(&[result.reward], &[2.0], "the team");
    assert_close(&field.rows.agent_rewards, &[2.0; 3], "the agents");
    assert_eq!((field.info("battle_won"), field.info("goals_scored")), (1.0, 1.0));
    assert_eq!((field.info("out_of_play"), field.info("possession_lost")), (0.0, 0.0));
    assert_eq!(field.info("checkpoints"), 10.0);
}

#[test]
fn a_goal_conceded_costs_one() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    shoot_into_goal(&mut field, 0);
    let result = field.idle();
    assert_eq!((result.reward, result.status), (-1.0, StepStatus::Terminated));
    assert_eq!((field.info("battle_won"), field.info("goals_conceded")), (0.0, 1.0));
    assert_eq!(field.info("goal_difference"), -1.0);
}

#[test]
fn the_teams_reward_is_the_mean_the_sum_or_that_of_the_first_agent() {
    for (name, reward, largest) in [("mean", 2.0, 2.0), ("sum", 6.0, 6.0), ("first", 2.0, 2.0)] {
        let args = format!("team_reward = \"{name}\"");
        let mut field = Field::of("academy_3_vs_1_with_keeper", &args);
        assert_eq!(field.env.spec().max_return, Some(largest));
        shoot_into_goal(&mut field, 1);
        assert_close(&[field.idle().reward], &[reward], name);
    }
}

#[test]
fn without_checkpoints_goals_alone_are_rewarded() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "reward = \"scoring\"");
    assert!(field.rows.agent_rewards.is_empty());
    shoot_into_goal(&mut field, 1);
    assert_eq!(field.idle().reward, 1.0);
}

#[test]
fn cds_rewards_a_goal_with_100_and_any_other_end_with_minus_1() {
    let args = "reward = \"cds\"\nobs = \"cds\"";
    let mut field = Field::of("academy_3_vs_1_with_keeper", args);
    assert_eq!(field.env.spec().episode_limit, 150);
    shoot_into_goal(&mut field, 1);
    assert_eq!(field.idle().reward, 100.0);

    field.reset();
    assert_eq!(field.idle().reward, 0.0);
    let game = field.game();
    game.players[0][2].position = Vec2::new(-1.0, 0.0);
    let result = field.idle();
    assert_eq!((result.reward, result.status), (-1.0, StepStatus::Terminated), "back in its half");
}

#[test]
fn goals_of_a_full_game_are_counted_and_play_goes_on() {
    let mut field = Field::of("11_vs_11_stochastic", "reward = \"scoring\"");
    field.idle();
    for (defenders, reward) in [(1, 1.0), (0, -1.0), (1, 1.0)] {
        shoot_into_goal(&mut field, defenders);
        let result = field.idle();
        assert_eq!((result.reward, result.status), (reward, StepStatus::Running));
        let game = field.game();
        assert!(game.ball.position.length() < 15.0, "the ball is at the centre again");
        assert!(game.last_touch.is_none_or(|touch: Touch| touch.frame + 10 > game.frame));
    }
    assert_eq!(field.game().score, [2, 1]);
    assert_eq!((field.info("battle_won"), field.info("goal_difference")), (1.0, 1.0));
}
