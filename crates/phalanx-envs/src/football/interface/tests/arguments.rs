use super::*;
use crate::arguments::promises;
use crate::football::ARGUMENTS;

#[test]
fn every_argument_is_documented() {
    promises::every_field_is_documented::<FootballArgs>(ARGUMENTS);
}

#[test]
fn invalid_values_are_refused_by_name() {
    promises::values_are_refused_by_name(
        FootballArgs::from_table,
        r#"
        agents = 12
        control = "free"
        action_set = "full"
        reward = "checkpoints"
        team_reward = "max"
        obs = "pixels"
        obs_stack = 0
        obs_stack = 4
        masks = "all"
        episode_limit = -1
        timeout_is_terminal = 1
        opponent_difficulty = 1.5
        "#,
    );
}

#[test]
fn more_agents_than_players_are_refused() {
    let scenario = Scenario::named("academy_3_vs_1_with_keeper").expect("it exists");
    let args = FootballArgs { agents: 5, ..FootballArgs::default() };
    let error = Football::new(scenario, args).expect_err("there are four players");
    assert_eq!(
        error.to_string(),
        "`agents` cannot be 5: the scenario has fewer players that agents may control"
    );
}
