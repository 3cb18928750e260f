//! Moves and obstacles.

use super::*;

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
    let n = 2000;
    let args = still();
    let first = |seed: u32| {
        let mut scene = Scene::seeded("0.1 ..S", &args, seed);
        scene.act(&[RIGHT, LEFT]);
        match scene.text().as_str() {
            ".01\n..S" => true,
            "01.\n..S" => false,
            other => panic!("{other}"),
        }
    };
    let won = (0..n).filter(|&seed| first(seed)).count();
    assert_frequency(won, n as usize, 0.5, "agent 0 first");
}

#[test]
fn an_agent_can_follow_another_only_after_it_has_gone() {
    let n = 2000;
    let args = still();
    let followed = |seed: u32| {
        let mut scene = Scene::seeded("01. ..S", &args, seed);
        scene.act(&[RIGHT, RIGHT]);
        match scene.text().as_str() {
            ".01\n..S" => true,
            "0.1\n..S" => false,
            other => panic!("{other}"),
        }
    };
    let followed = (0..n).filter(|&seed| followed(seed)).count();
    assert_frequency(followed, n as usize, 0.5, "agent 1 first");
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
    let n = 2000;
    let args = PredatorPreyArgs::default();
    let both = |seed: u32| {
        let mut scene = Scene::seeded("SS..0", &args, seed);
        scene.act(&[STAY]);
        match scene.text().as_str() {
            ".SS.0" => true,
            "S.S.0" => false,
            other => panic!("{other}"),
        }
    };
    let both = (0..n).filter(|&seed| both(seed)).count();
    assert_frequency(both, n as usize, 0.5, "the right prey first");
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
