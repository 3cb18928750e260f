//! Captures, rewards and penalties.

use super::*;

#[test]
fn a_solo_capture_is_penalised_once_per_prey_and_step() {
    let mut scene = Scene::new("0S. ... ..1", still());
    for tries in 1..=3 {
        assert_eq!(scene.reward(&[CATCH, STAY]), -2.0);
        assert_eq!(scene.rows.info, [0.0, tries as f32]);
    }
    assert_eq!(scene.text(), "0S.\n...\n..1");
    assert_eq!(scene.frozen(), [false, false]);
}

#[test]
fn an_agent_next_to_two_prey_is_penalised_for_both() {
    let mut scene = Scene::new("S0S", still());
    assert_eq!(scene.reward(&[CATCH]), -4.0);
    assert_eq!(scene.rows.info, [0.0, 2.0]);
}

#[test]
fn the_penalty_is_the_configured_one() {
    for punishment in [0.0, -0.5, -1.5, -3.0] {
        let args = PredatorPreyArgs { miscapture_punishment: punishment, ..still() };
        assert_eq!(Scene::new("0S", args).reward(&[CATCH]), punishment);
    }
}

#[test]
fn two_catchers_earn_ten_and_leave_the_grid() {
    let mut scene = Scene::new("0S1 ... S.2", still());
    assert_eq!(scene.reward(&[CATCH, CATCH, STAY]), 10.0);
    assert_eq!(scene.text(), "...\n...\nS.2");
    assert_eq!(scene.frozen(), [true, true, false]);
    assert_eq!(scene.rows.alive, [false, false, true]);
    assert_eq!(scene.rows.info, [1.0, 0.0]);
}

#[test]
fn three_catchers_of_one_prey_are_all_frozen() {
    let mut scene = Scene::new(".0. 1S2 ... S.3", still());
    assert_eq!(scene.reward(&[CATCH, CATCH, CATCH, STAY]), 10.0);
    assert_eq!(scene.text(), "...\n...\n...\nS.3");
    assert_eq!(scene.frozen(), [true, true, true, false]);
}

#[test]
fn an_agent_next_to_a_captured_prey_is_not_frozen_unless_it_catches() {
    let mut scene = Scene::new(".0. 1S2 ... S..", still());
    assert_eq!(scene.reward(&[CATCH, CATCH, STAY]), 10.0);
    assert_eq!(scene.frozen(), [true, true, false]);
}

#[test]
fn diagonal_neighbours_catch_nothing() {
    let mut scene = Scene::new("0.. .S. ..1", still());
    assert_eq!(scene.reward(&[CATCH, CATCH]), 0.0);
    assert_eq!(scene.rows.info, [0.0, 0.0]);
}

#[test]
fn agents_move_before_prey_is_caught() {
    // Agent 1 arrives in this step: it is next to the prey, but did not choose catch.
    let mut scene = Scene::new("0S.1", still());
    assert_eq!(scene.reward(&[CATCH, LEFT]), -2.0);
    assert_eq!(scene.reward(&[CATCH, CATCH]), 10.0);
}

#[test]
fn an_agent_frozen_earlier_in_the_step_is_not_penalised_for_other_prey() {
    // Agent 1 is next to both. The left prey is caught. The right one costs the penalty if it comes first;
    // otherwise no agent is left that tries to catch it.
    let n = 2000;
    let args = still();
    let rewards = (0..n).map(|seed| Scene::seeded("0S1S", &args, seed).reward(&[CATCH, CATCH]));
    let rewards: Vec<f32> = rewards.collect();
    assert!(rewards.iter().all(|&reward| reward == 8.0 || reward == 10.0));
    let late = rewards.iter().filter(|&&reward| reward == 10.0).count();
    assert_frequency(late, n as usize, 0.5, "the left prey first");
}

#[test]
fn one_agent_cannot_help_to_catch_two_prey_in_a_step() {
    for seed in 0..50 {
        let mut scene = Scene::seeded("0S1S2", &still(), seed);
        assert_eq!(scene.reward(&[CATCH; 3]), 10.0 - 2.0);
        assert_eq!(scene.frozen().iter().filter(|&&frozen| frozen).count(), 2);
    }
}

#[test]
fn captures_take_the_configured_number_of_agents() {
    assert_eq!(Scene::new("0H", still()).reward(&[CATCH]), 1.0);
    let args = PredatorPreyArgs { capture_action_conditions: [3, 2], reward_hare: 4.0, ..still() };
    assert_eq!(Scene::new("0H", args.clone()).reward(&[CATCH]), -2.0);
    assert_eq!(Scene::new("0H1", args.clone()).reward(&[CATCH; 2]), 4.0);
    assert_eq!(Scene::new("0S1", args.clone()).reward(&[CATCH; 2]), -2.0);
    assert_eq!(Scene::new(".2. 0S1", args).reward(&[CATCH; 3]), 10.0);
}

#[test]
fn without_freezing_agents_hunt_on() {
    let args = PredatorPreyArgs { capture_freezes: false, ..still() };
    let mut scene = Scene::new("0S1S", args);
    // Whatever the order, agent 1 helps with one prey and fails with the other.
    assert_eq!(scene.reward(&[CATCH, CATCH]), 8.0);
    assert_eq!(scene.text(), "0.1S");
    assert_eq!(scene.rows.alive, [true, true]);
}

#[test]
fn frozen_agents_that_remain_block_moves_and_catch_nothing() {
    let args = PredatorPreyArgs { remove_frozen: false, ..still() };
    let mut scene = Scene::new("0S12S", args);
    assert_eq!(scene.reward(&[CATCH, CATCH, STAY]), 10.0);
    assert_eq!(scene.text(), "#.#2S");
    assert_eq!(scene.reward(&[STAY, STAY, LEFT]), 0.0);
    assert_eq!(scene.text(), "#.#2S");
    assert_eq!(scene.reward(&[CATCH, CATCH, CATCH]), -2.0);
}

#[test]
fn without_the_action_catch_prey_is_caught_by_surrounding_it() {
    let args = PredatorPreyArgs { capture_action: false, ..still() };
    // The corner and two agents surround the stag; both are frozen, the third is not.
    let mut scene = Scene::new("S0. ... 1.2", args.clone());
    assert_eq!(scene.env.spec().n_actions, 5);
    assert_eq!(scene.reward(&[STAY; 3]), 0.0);
    assert_eq!(scene.reward(&[STAY, UP, STAY]), 10.0);
    assert_eq!(scene.frozen(), [true, true, false]);
    // A hare is caught with one free neighbour left.
    assert_eq!(Scene::new("H0. ...", args.clone()).reward(&[STAY]), 1.0);
    assert_eq!(Scene::new("... .H0 ...", args).reward(&[STAY]), 0.0);
}

#[test]
fn prey_surrounded_only_by_prey_is_caught_unless_cannibalism_is_prevented() {
    let args = PredatorPreyArgs { capture_action: false, ..still() };
    // The stag in the corner has stags on both sides, and no agent is near.
    let drawing = "SS.. S... ...0";
    assert_eq!(Scene::new(drawing, args.clone()).reward(&[STAY]), 0.0);
    let cannibals = PredatorPreyArgs { prevent_cannibalism: false, ..args };
    let mut scene = Scene::new(drawing, cannibals);
    assert_eq!(scene.reward(&[STAY]), 10.0);
    assert_eq!(scene.text(), ".S..\nS...\n...0");
}

#[test]
fn an_agent_that_runs_into_prey_scares_it_off() {
    let args = PredatorPreyArgs { agent_move_block: vec![0], ..still() };
    let mut scene = Scene::new("0S1", args);
    assert_eq!(scene.reward(&[RIGHT, STAY]), 0.0);
    assert_eq!(scene.text(), "S01");
}

#[test]
fn an_agent_in_the_cell_of_the_prey_does_not_count_but_is_frozen_if_it_chooses_catch() {
    let args = PredatorPreyArgs { agent_move_block: vec![0], ..still() };
    // If agent 0 moves first, it runs into the prey and agent 2 then blocks the way.
    let hemmed_in = || {
        (0..50)
            .map(|seed| {
                let mut scene = Scene::seeded("20S1", &args, seed);
                scene.act(&[RIGHT, STAY, RIGHT]);
                scene
            })
            .find(|scene| scene.text() == ".201")
            .expect("agent 0 is first in half of all cases")
    };
    assert_eq!(hemmed_in().reward(&[CATCH, STAY, STAY]), 0.0);
    assert_eq!(hemmed_in().reward(&[CATCH, CATCH, STAY]), -2.0);
    for (top, frozen) in [(STAY, false), (CATCH, true)] {
        let mut scene = hemmed_in();
        assert_eq!(scene.reward(&[top, CATCH, CATCH]), 10.0);
        assert_eq!(scene.frozen(), [frozen, true, true]);
    }
}
