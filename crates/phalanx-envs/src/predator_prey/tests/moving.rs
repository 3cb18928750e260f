//! Moves and obstacles.

use super::*;

/// Asserts that `actions` turn a drawing, with these arguments, into one of two about equally often.
fn assert_even(
    (drawing, args): (&str, PredatorPreyArgs),
    actions: &[u16],
    outcomes: [&str; 2],
    what: &str,
) {
    let n = 2000;
    let first = |seed: u32| {
        let mut scene = Scene::seeded(drawing, &args, seed);
        scene.act(actions);
        let text = scene.text();
        assert!(outcomes.contains(&text.as_str()), "{text}");
        text == outcomes[0]
    };
    let count = (0..n).filter(|&seed| first(seed)).count();
    assert_frequency(count, n as usize, 0.5, what);
}

#[test]
fn moves_lead_right_down_left_and_up_and_other_actions_stay() {
    for (action, after) in [
        (RIGHT, "...\n..0\n...\nS.."),
        (DOWN, "...\n...\n.0.\nS.."),
        (LEFT, "...\n0..\n...\nS.."),
        (UP, ".0.\n...\n...\nS.."),
        (STAY, "...\n.0.\n...\nS.."),
        (CATCH, "...\n.0.\n...\nS.."),
    ] {
        let mut scene = Scene::new("... .0. ... S..", still());
        assert_eq!(scene.reward(&[action]), 0.0);
        assert_eq!(scene.text(), after);
    }
}

#[test]
fn walls_stop_agents_and_a_toroidal_grid_has_none() {
    let mut scene = Scene::new("..0 ... S..", still());
    scene.act(&[RIGHT]);
    scene.act(&[UP]);
    assert_eq!(scene.text(), "..0\n...\nS..");
    let mut scene = Scene::new("..0 ... S..", PredatorPreyArgs { toroidal: true, ..still() });
    assert!(scene.mask(0)[..5].iter().all(|&open| open));
    scene.act(&[RIGHT]);
    assert_eq!(scene.text(), "0..\n...\nS..");
    // The prey is next to the agent across the edge.
    assert!(scene.mask(0)[usize::from(CATCH)]);
    assert_eq!(scene.reward(&[CATCH]), -2.0);
}

#[test]
fn agents_stop_each_other_in_random_order() {
    assert_even(("0.1 ..S", still()), &[RIGHT, LEFT], [".01\n..S", "01.\n..S"], "agent 0 first");
}

#[test]
fn an_agent_can_follow_another_only_after_it_has_gone() {
    assert_even(("01. ..S", still()), &[RIGHT, RIGHT], [".01\n..S", "0.1\n..S"], "agent 1 first");
}

#[test]
fn prey_blocks_agents_and_collisions_cost_as_configured() {
    let args = PredatorPreyArgs { reward_collision: -0.5, reward_time: -0.1, ..still() };
    let mut scene = Scene::new("0S1 ..H", args.clone());
    assert_eq!(scene.reward(&[RIGHT, DOWN]), -0.1 - 0.5 - 0.5);
    assert_eq!(scene.text(), "0S1\n..H");
    // Walls are no collision, nor is staying.
    assert_eq!(scene.reward(&[UP, STAY]), -0.1);
    let hares_only = PredatorPreyArgs { agent_move_block: vec![0, 2], ..args };
    let mut scene = Scene::new("0S1 ..H", hares_only);
    assert_eq!(scene.reward(&[RIGHT, DOWN]), -0.1 - 0.5);
    assert_eq!(scene.env.world.state.agents, [1, 2]);
}

#[test]
fn prey_moves_uniformly_among_the_free_neighbouring_cells() {
    let n = 3000;
    let args = PredatorPreyArgs::default();
    let mut seen = [0; 9];
    for seed in 0..n {
        let mut scene = Scene::seeded("... 0S. ...", &args, seed);
        scene.act(&[STAY]);
        seen[scene.env.world.state.prey[0] as usize] += 1;
    }
    for cell in [1, 5, 7] {
        assert_frequency(seen[cell], n as usize, 1.0 / 3.0, "a free neighbour");
    }
    assert_eq!(seen.iter().sum::<usize>(), seen[1] + seen[5] + seen[7]);
}

#[test]
fn prey_without_a_free_neighbouring_cell_stays() {
    for seed in 0..50 {
        let mut scene = Scene::seeded("S0. 1.. ...", &PredatorPreyArgs::default(), seed);
        scene.act(&[STAY, STAY]);
        assert_eq!(scene.text(), "S0.\n1..\n...");
    }
}

#[test]
fn prey_moves_in_random_order() {
    assert_even(
        ("SS..0", PredatorPreyArgs::default()),
        &[STAY],
        [".SS.0", "S.S.0"],
        "the right prey first",
    );
}

#[test]
fn stags_and_hares_rest_with_the_configured_probabilities() {
    let n = 3000;
    let args = PredatorPreyArgs { p_stags_rest: 0.7, p_hare_rest: 0.2, ..still() };
    let (mut stags, mut hares) = (0, 0);
    for seed in 0..n {
        let mut scene = Scene::seeded(".S.0.H.", &args, seed);
        scene.act(&[STAY]);
        stags += usize::from(scene.env.world.state.prey[0] == 1);
        hares += usize::from(scene.env.world.state.prey[1] == 5);
    }
    assert_frequency(stags, n as usize, 0.7, "a stag rests");
    assert_frequency(hares, n as usize, 0.2, "a hare rests");
}

#[test]
fn prey_flees_from_a_lone_catcher() {
    let mut scene = Scene::new("0S...", PredatorPreyArgs::default());
    assert_eq!(scene.reward(&[CATCH]), -2.0);
    assert_eq!(scene.text(), "0.S..");
}
