//! Arguments are documented, checked, and bound the return as documented.

use super::PredatorPreyArgs;
use crate::arguments::promises;
use crate::predator_prey::ARGUMENTS;

#[test]
fn every_field_is_a_documented_argument() {
    promises::every_field_is_documented::<PredatorPreyArgs>(ARGUMENTS);
}

#[test]
fn values_out_of_range_are_rejected_by_name() {
    let texts = "
        world_shape = [0, 5]
        world_shape = [10, 256]
        world_shape = 10
        world_shape = [10, 10, 10]
        n_agents = 0
        n_stags = -1
        n_hare = 1001
        agent_obs = [2, 65]
        agent_move_block = [1, 2]
        agent_move_block = [0, 3]
        capture_action_conditions = [0, 1]
        capture_action_conditions = [5, 1]
        capture_conditions = [0, 5]
        miscapture_punishment = nan
        reward_stag = inf
        p_stags_rest = 1.5
        p_hare_rest = -0.5
        episode_limit = 0
        toroidal = 1
    ";
    promises::values_are_refused_by_name(PredatorPreyArgs::from_table, texts);
}

#[test]
fn contradictory_arguments_are_rejected_with_the_reason() {
    for (text, reason) in [
        ("n_stags = 0", "`n_stags` cannot be 0: there must be at least one stag or hare"),
        (
            "world_shape = [3, 5]",
            "`world_shape` cannot be [3, 5]: the grid has fewer cells than there are agents and prey",
        ),
        (
            "world_shape = [2, 20]\ntoroidal = true",
            "`world_shape` cannot be [2, 20]: a toroidal grid needs at least 3 rows and columns",
        ),
        (
            "toroidal = true\nobserve_walls = true",
            "`observe_walls` cannot be true: a toroidal grid has no walls",
        ),
    ] {
        let error = PredatorPreyArgs::from_table(&text.parse().expect("valid TOML"));
        assert_eq!(error.expect_err(text).to_string(), reason);
    }
    let full = "world_shape = [4, 4]".parse().expect("valid TOML");
    assert!(PredatorPreyArgs::from_table(&full).is_ok(), "sixteen fit into sixteen cells");
}

#[test]
fn the_largest_return_is_what_the_agents_can_catch_before_all_are_frozen() {
    let best = |text: &str| {
        let args = PredatorPreyArgs::from_table(&text.parse().expect("valid TOML"));
        args.expect(text).max_return()
    };
    assert_eq!(best(""), Some(40.0));
    assert_eq!(best("n_stags = 3"), Some(30.0));
    assert_eq!(best("n_agents = 7"), Some(30.0));
    assert_eq!(best("n_agents = 1"), Some(0.0));
    assert_eq!(best("capture_freezes = false"), Some(80.0));
    assert_eq!(best("n_agents = 7\nn_hare = 4"), Some(31.0));
    // Two stags and four hares; three stags would leave agents for two hares only.
    assert_eq!(best("n_hare = 5\nreward_hare = 6.0"), Some(44.0));
    assert_eq!(best("n_hare = 5\nreward_hare = -6.0"), Some(40.0));
    assert_eq!(best("reward_time = -0.1"), None);
    assert_eq!(best("miscapture_punishment = 1.0"), None);
    assert_eq!(best("capture_action = false"), None);
}
