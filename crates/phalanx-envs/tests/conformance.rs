//! Environments meet the contract of `Env` under every option: shapes, masks, death, seeds, save and load.
//! A test of the workspace checks all environments with their defaults.

use phalanx_core::env::check_env;
use phalanx_envs::registry;
use toml::Table;

/// Checks every environment under every set of arguments.
fn check(ids: &[&str], sets: &[&str], steps: u64) {
    for (id, args) in ids.iter().flat_map(|id| sets.iter().map(move |args| (id, args))) {
        let args: Table = args.parse().expect("valid TOML");
        let make = registry::factory(id, &args).expect("the environment exists");
        if let Err(error) = check_env(make, steps) {
            panic!("{id} {args:?}: {error}");
        }
    }
}

#[test]
fn battles_conform_under_every_option() {
    let sets = [
        "obs_all_health = false\nobs_own_health = false\nobs_last_action = true",
        "obs_pathing_grid = true\nobs_timestep_number = true\nobs_instead_of_state = true",
        "state_last_action = false\nstate_timestep_number = true\nreward_only_positive = false",
        "reward_sparse = true\ndeterministic = true\nstart_scatter = false",
        "heuristic_ai = true\nheuristic_rest = true\nepisode_limit = 17\nstep_mul = 4",
    ];
    check(&["skirmish/5m_vs_6m"], &sets, 5_000);
}

#[test]
fn generated_battles_conform_with_every_addition_of_smacv2() {
    let sets = [
        "",
        "conic_fov = true\nnum_fov_actions = 8\nobs_terrain_height = true",
        "prob_obs_enemy = 0.0\naction_mask = false",
        "prob_obs_enemy = 0.5\naction_mask = false\nconic_fov = true\nfix_quirks = true",
        "obs_starcraft = false\nobs_timestep_number = true",
        "fully_observable = true\nheuristic_ai = true\nheuristic_rest = true",
    ];
    let ids = ["skirmish/protoss_10_vs_11", "skirmish/terran_5_vs_5", "skirmish/zerg_5_vs_5"];
    check(&ids, &sets, 2_000);
}

#[test]
fn self_play_conforms() {
    let sets = [
        "self_play = true",
        "self_play = true\nfix_quirks = true\nobs_last_action = true\nobs_instead_of_state = true",
        "self_play = true\nconic_fov = true\nprob_obs_enemy = 0.5\nreward_only_positive = false",
    ];
    check(
        &["skirmish/5m_vs_6m", "skirmish/terran_10_vs_11", "skirmish/protoss_5_vs_5"],
        &sets,
        2_000,
    );
}

#[test]
fn battles_against_every_scripted_policy_conform() {
    for (name, _) in phalanx_envs::skirmish::SCRIPTED_POLICIES {
        let ids = ["skirmish/MMM2", "skirmish/3s_vs_4z", "skirmish/protoss_10_vs_11"];
        check(&ids, &[&format!("opponent = \"{name}\"")], 1_500);
    }
    let sets = [
        "opponent = \"kiting\"\nconic_fov = true\nprob_obs_enemy = 0.5\naction_mask = false",
        "opponent = \"attack_nearest\"\nheuristic_rest = true\nheuristic_ai = true",
        "opponent = \"random\"\nconic_fov = true\nfix_quirks = true",
    ];
    check(&["skirmish/2c_vs_64zg", "skirmish/terran_10_vs_11"], &sets, 1_500);
}

#[test]
fn smax_battles_conform() {
    let sets = ["", "self_play = true", "observation_type = \"conic\"\nattack_mode = \"random\""];
    check(&["smax/3s_vs_5z", "smax/smacv2_10_units"], &sets, 2_000);
}

#[test]
fn predator_prey_conforms_under_every_option() {
    let sets = [
        "",
        "world_shape = [3, 5]\nn_agents = 5\nn_stags = 3\nn_hare = 2\ntoroidal = true",
        "n_hare = 4\ncapture_freezes = false\np_stags_rest = 0.3\np_hare_rest = 1.0",
        "remove_frozen = false\nobserve_ids = true\nobserve_walls = true\nagent_obs = [1, 3]",
        "observe_state = true\nremove_frozen = false\ncapture_terminal = true",
        "observe_one_hot = true\nobserve_walls = true\nagent_move_block = [0]",
        "capture_action = false\nworld_shape = [5, 5]\nn_stags = 2\nn_hare = 2",
        "capture_action = false\nprevent_cannibalism = false\nn_hare = 8\nworld_shape = [6, 6]",
        "reward_time = -0.1\nreward_collision = -0.5\nepisode_limit = 30\ntruncate_episodes = false",
        "individual_rewards = true\ncapture_action_conditions = [3, 2]\nn_hare = 3",
        "world_shape = [40, 30]\nn_agents = 20\nn_stags = 30",
        "world_shape = [4, 4]\nobserve_state = true\nobserve_one_hot = true\nagent_obs = [6, 6]",
    ];
    check(&["predator_prey"], &sets, 1_500);
}

#[test]
fn football_conforms_in_every_scenario() {
    let sets = ["", "obs = \"entities\"\naction_set = \"v2\"\nmasks = \"grf_marl\""];
    for scenario in phalanx_envs::football::SCENARIOS {
        check(&[&format!("football/{}", scenario.name)], &sets, 1_200);
    }
}

#[test]
fn football_conforms_under_every_option() {
    let sets = [
        "control = \"fixed\"\nreward = \"scoring\"\nteam_reward = \"sum\"",
        "reward = \"cds\"\nobs = \"cds\"\nmasks = \"grf_marl\"",
        "obs = \"planes\"\nobs_stack = 4\nagents = 1",
        "agents = 4\nteam_reward = \"first\"\ntimeout_is_terminal = true\nepisode_limit = 60",
        "opponent_difficulty = 1\naction_set = \"v2\"\nobs = \"entities\"",
    ];
    let ids = [
        "football/academy_3_vs_1_with_keeper",
        "football/academy_counterattack_hard",
        "football/5_vs_5",
    ];
    check(&ids, &sets, 800);
}

#[test]
fn games_of_several_steps_conform_under_every_option() {
    check(&["k_step"], &["", "steps = 1", "steps = 3\ngood_branches = 4"], 2_000);
    check(&["mmdp"], &["", "episode_limit = 7\nreward_win = -1000"], 2_000);
    check(&["two_step", "two_step_non_monotone"], &[""], 2_000);
}

#[test]
fn games_of_one_step_conform_with_any_table() {
    check(&["matrix/custom"], &["", "payoff = [[1, 2, 3]]", "payoff = [[1], [-2.5]]"], 1_000);
    check(&["matrix/qtran_1"], &["", "z = 3"], 1_000);
    check(&["matrix/penalty"], &["", "k = -25.5"], 1_000);
}
