use phalanx_core::env::Env;

use super::*;
use crate::football::SCENARIOS;

#[test]
fn a_reset_shows_the_places_that_the_original_observes() {
    let field = Field::of("academy_3_vs_1_with_keeper", "");
    let row = field.row(0);
    let left = [-1.01103, 0.0, 0.60662, 0.0, 0.70772, 0.20325, 0.70772, -0.20325];
    assert_close(&row[..8], &left, "the left team");
    assert_close(&row[44..48], &[1.01103, 0.0, 0.75827, 0.0], "the right team");
    assert_close(&row[88..91], &[0.62, 0.0, 0.11], "the ball");
    assert_eq!(row[94..97], [1.0, 0.0, 0.0], "nobody owns the ball");
    assert_eq!(row[108..115], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "normal play");
    assert!(row[8..22].iter().chain(&row[48..66]).all(|&number| number == -1.0));
}

#[test]
fn controllers_take_the_players_that_they_take_in_the_original() {
    let all_but_4 = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10];
    let cases: [(&str, usize, &[u8]); 11] = [
        ("academy_3_vs_1_with_keeper", 3, &[0, 2, 3]),
        ("academy_pass_and_shoot_with_keeper", 2, &[0, 2]),
        ("academy_run_pass_and_shoot_with_keeper", 2, &[0, 2]),
        ("academy_counterattack_easy", 4, &[5, 6, 7, 8]),
        ("academy_counterattack_hard", 4, &[5, 6, 7, 8]),
        ("academy_corner", 10, &all_but_4),
        ("academy_single_goal_versus_lazy", 10, &all_but_4),
        ("academy_corner", 11, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("5_vs_5", 4, &[1, 2, 3, 4]),
        ("academy_empty_goal", 1, &[0]),
        ("11_vs_11_stochastic", 1, &[6]),
    ];
    for (scenario, agents, players) in cases {
        let mut field = Field::of(scenario, &format!("agents = {agents}"));
        let controllers = field.game().control.controllers[0];
        let held: Vec<_> = controllers[..agents].iter().filter_map(|one| one.player).collect();
        assert_eq!(held, players, "{scenario}, {agents} agents");
    }
}

#[test]
fn fixed_controllers_hold_the_attackers() {
    for (scenario, players) in [
        ("academy_3_vs_1_with_keeper", &[1, 2, 3][..]),
        ("academy_pass_and_shoot_with_keeper", &[1, 2]),
        ("academy_counterattack_hard", &[7, 8, 9, 10]),
        ("5_vs_5", &[1, 2, 3, 4]),
        ("academy_empty_goal_close", &[1]),
    ] {
        let mut field = Field::of(scenario, "control = \"fixed\"");
        let agents = field.env.spec().n_agents();
        let controllers = field.game().control.controllers[0];
        let held: Vec<_> = controllers[..agents].iter().filter_map(|one| one.player).collect();
        assert_eq!(held, players, "{scenario}");
    }
}

#[test]
fn every_scenario_has_the_agents_and_the_length_of_the_studies() {
    let expected = [
        ("academy_empty_goal_close", 1, 401),
        ("academy_empty_goal", 1, 401),
        ("academy_run_to_score", 1, 401),
        ("academy_run_to_score_with_keeper", 1, 401),
        ("academy_pass_and_shoot_with_keeper", 2, 401),
        ("academy_run_pass_and_shoot_with_keeper", 2, 401),
        ("academy_3_vs_1_with_keeper", 3, 401),
        ("academy_counterattack_easy", 4, 401),
        ("academy_counterattack_hard", 4, 401),
        ("academy_corner", 11, 401),
        ("academy_single_goal_versus_lazy", 11, 3001),
        ("5_vs_5", 4, 3001),
        ("11_vs_11_easy_stochastic", 1, 3001),
        ("11_vs_11_stochastic", 1, 3001),
        ("11_vs_11_hard_stochastic", 1, 3001),
        ("11_vs_11_competition", 1, 3001),
        ("11_vs_11_kaggle", 1, 3001),
    ];
    assert_eq!(SCENARIOS.len(), expected.len());
    for (scenario, (name, agents, limit)) in SCENARIOS.iter().zip(expected) {
        let env = Football::new(scenario, FootballArgs::default()).expect("the defaults are valid");
        let spec = env.spec();
        assert_eq!(spec.id, format!("football/{name}"));
        assert_eq!((spec.n_agents(), spec.episode_limit), (agents, limit), "{name}");
        assert_eq!((spec.n_actions, spec.obs_dim), (19, 115), "{name}");
        assert_eq!(spec.state_dim, 115 + 11 * (agents - 1), "{name}");
        assert_eq!(spec.max_return, scenario.end_on_score.then_some(2.0), "{name}");
        assert!(scenario.teams.iter().all(|team| (1..=11).contains(&team.len())));
    }
}

#[test]
fn line_ups_of_full_games_alternate_by_chance() {
    let mut field = Field::of("11_vs_11_stochastic", "");
    let mut kick_offs = [0; 2];
    for _ in 0..200 {
        field.reset();
        let near =
            |team: usize| field.env.game().players[team].iter().any(|p| p.position.length() < 2.0);
        kick_offs[usize::from(near(1))] += 1;
    }
    assert!(kick_offs.iter().all(|&count| count > 70), "{kick_offs:?}");
}

#[test]
fn the_keeper_of_an_empty_goal_stands_in_the_other_one() {
    let mut field = Field::of("academy_empty_goal_close", "");
    assert_eq!(field.game().players[1][0].position, Vec2::new(-55.0, 0.0));
}
