//! Whole episodes, played by the scripted policies.

use phalanx_core::env::{Env, StepStatus};
use phalanx_core::rng::{Purpose, Rng};

use super::*;

/// Plays an episode of a scripted policy and returns the rewards of agent 0, step by step, and the team's return.
fn play(field: &mut Field, policy: &str, rng: &mut Rng) -> (Vec<f32>, f32) {
    let policies = field.env.scripted_policies();
    let policy = policies.iter().position(|(name, _)| *name == policy).expect("it exists");
    let mut actions = vec![IDLE; field.env.spec().n_agents()];
    let (mut rewards, mut total) = (Vec::new(), 0.0);
    field.reset();
    loop {
        let avail = field.rows.avail.clone();
        field.env.scripted_actions(policy, &avail, rng, &mut actions);
        let result = field.step(&actions);
        rewards.push(field.rows.agent_rewards[0]);
        total += result.reward;
        if result.status != StepStatus::Running {
            return (rewards, total);
        }
    }
}

#[test]
fn the_script_scores_in_front_of_an_empty_goal_and_returns_two() {
    let mut rng = Rng::stream(1, Purpose::ScriptedPolicy, 0);
    let mut field = Field::of("academy_empty_goal_close", "");
    for episode in 0..20 {
        let (rewards, total) = play(&mut field, "run_and_shoot", &mut rng);
        assert_close(&[total], &[2.0], &format!("episode {episode}, {} steps", rewards.len()));
        // The player owns the ball at once, in reach of nine checkpoints.
        let first = rewards.iter().find(|&&reward| reward != 0.0);
        assert_close(&[*first.expect("it is rewarded")], &[0.9], "the first reward");
    }
}

#[test]
fn three_against_one_pays_seven_checkpoints_when_the_nearest_player_has_the_ball() {
    let mut rng = Rng::stream(1, Purpose::ScriptedPolicy, 0);
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    for _ in 0..20 {
        let (rewards, _) = play(&mut field, "idle", &mut rng);
        let step = rewards.iter().position(|&reward| reward != 0.0).expect("it is rewarded");
        assert_close(&[rewards[step]], &[0.7], "the first reward");
        assert!((1..8).contains(&step), "in step {}", step + 1);
    }
}

#[test]
fn attacks_end_in_goals_catches_and_balls_beyond_the_lines() {
    let mut rng = Rng::stream(1, Purpose::ScriptedPolicy, 0);
    let mut ends = [0.0; 3];
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    for _ in 0..100 {
        play(&mut field, "run_and_shoot_from_20_m", &mut rng);
        for (count, name) in ends.iter_mut().zip(["battle_won", "possession_lost", "out_of_play"]) {
            *count += field.info(name);
        }
    }
    assert!(ends.iter().all(|&count| count >= 1.0), "{ends:?}");
}
