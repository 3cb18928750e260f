//! Observations, states and masks, element by element.

use super::*;

/// Returns the cells `(row, column, feature)` of `[row, column, feature]` numbers that are not
/// zero.
fn marks(numbers: &[f32], columns: usize, features: usize) -> Vec<((usize, usize, usize), f32)> {
    let place = |i: usize| (i / features / columns, i / features % columns, i % features);
    let marked = numbers.iter().enumerate().filter(|&(_, &number)| number != 0.0);
    marked.map(|(i, &number)| (place(i), number)).collect()
}

const SCENE: &str = "0.... ..1.S ..... .H... S...2";

#[test]
fn an_agent_sees_two_rows_and_columns_in_each_direction() {
    let scene = Scene::new(SCENE, PredatorPreyArgs::default());
    assert_eq!(scene.env.spec().obs_dim, 75);
    // Agent 0 is in the corner: cells beyond the edges are zero.
    assert_eq!(marks(scene.obs(0), 5, 3), [((2, 2, 0), 1.0), ((3, 4, 0), 1.0)]);
    let all = [((1, 0, 0), 1.0), ((2, 2, 0), 1.0), ((2, 4, 1), 1.0), ((4, 1, 2), 1.0)];
    assert_eq!(marks(scene.obs(1), 5, 3), all);
    assert_eq!(marks(scene.obs(2), 5, 3), [((2, 2, 0), 1.0)]);
}

#[test]
fn the_window_has_the_configured_size() {
    let args = PredatorPreyArgs { agent_obs: [0, 3], ..PredatorPreyArgs::default() };
    let scene = Scene::new(SCENE, args);
    assert_eq!(scene.env.spec().obs_dim, 7 * 3);
    assert_eq!(marks(scene.obs(1), 7, 3), [((0, 3, 0), 1.0), ((0, 5, 1), 1.0)]);
}

#[test]
fn the_state_is_the_whole_grid() {
    let scene = Scene::new(SCENE, PredatorPreyArgs::default());
    let all = [
        ((0, 0, 0), 1.0),
        ((1, 2, 0), 1.0),
        ((1, 4, 1), 1.0),
        ((3, 1, 2), 1.0),
        ((4, 0, 1), 1.0),
        ((4, 4, 0), 1.0),
    ];
    assert_eq!(marks(&scene.rows.state, 5, 3), all);
    assert_eq!(scene.rows.state.len(), 75);
}

#[test]
fn walls_are_minus_one_or_a_separate_feature() {
    let args =
        PredatorPreyArgs { observe_walls: true, agent_obs: [1, 1], ..PredatorPreyArgs::default() };
    let scene = Scene::new("0.S ...", args.clone());
    let walls = [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)];
    let expected: Vec<_> = walls.iter().map(|&(row, column)| ((row, column, 0), -1.0)).collect();
    let mut seen = marks(scene.obs(0), 3, 3);
    seen.retain(|&(place, _)| place != (1, 1, 0));
    assert_eq!(seen, expected);

    let scene = Scene::new("0.S ...", PredatorPreyArgs { observe_one_hot: true, ..args });
    assert_eq!((scene.env.spec().obs_dim, scene.env.spec().state_dim), (9 * 5, 6 * 5));
    let expected: Vec<_> = walls.iter().map(|&(row, column)| ((row, column, 3), 1.0)).collect();
    let mut seen = marks(scene.obs(0), 3, 5);
    seen.retain(|&(place, _)| place != (1, 1, 0));
    assert_eq!(seen, expected);
    assert_eq!(marks(&scene.rows.state, 3, 5), [((0, 0, 0), 1.0), ((0, 2, 1), 1.0)]);
}

#[test]
fn ids_count_agents_stags_and_hares_from_one_and_the_state_has_none() {
    let args = PredatorPreyArgs { observe_ids: true, ..PredatorPreyArgs::default() };
    let scene = Scene::new("0S1 S.H H..", args);
    let all = [
        ((0, 0, 0), 1.0),
        ((0, 1, 1), 1.0),
        ((0, 2, 0), 2.0),
        ((1, 0, 1), 2.0),
        ((1, 2, 2), 1.0),
        ((2, 0, 2), 2.0),
    ];
    let shift = |&((row, column, feature), number): &((usize, usize, usize), f32)| {
        ((row + 2, column + 2, feature), number)
    };
    assert_eq!(marks(scene.obs(0), 5, 3), all.iter().map(shift).collect::<Vec<_>>());
    assert!(scene.rows.state.iter().all(|&number| number <= 1.0));
}

#[test]
fn with_the_state_observed_an_agent_finds_itself_in_the_last_feature() {
    let args = PredatorPreyArgs { observe_state: true, ..still() };
    let mut scene = Scene::new("0S1 ..S", args);
    assert_eq!(scene.env.spec().obs_dim, 6 * 4);
    let others = [((0, 0, 0), 1.0), ((0, 1, 1), 1.0), ((0, 2, 0), 1.0), ((1, 2, 1), 1.0)];
    let mut expected = others.to_vec();
    expected.insert(3, ((0, 2, 3), 1.0));
    assert_eq!(marks(scene.obs(1), 3, 4), expected);
    scene.act(&[CATCH, CATCH]);
    assert!(scene.rows.obs.iter().all(|&number| number == 0.0), "they left the grid");
}

#[test]
fn frozen_agents_observe_nothing_are_not_observed_and_can_only_stay() {
    let drawing = "0S12 ...S";
    let mut scene = Scene::new(drawing, still());
    assert_eq!(scene.reward(&[CATCH, CATCH, STAY]), 10.0);
    assert_eq!(scene.frozen(), [true, true, false]);
    for agent in [0, 1] {
        assert!(scene.obs(agent).iter().all(|&number| number == 0.0));
        assert_eq!(scene.mask(agent), [false, false, false, false, true, false]);
    }
    assert_eq!(marks(scene.obs(2), 5, 3), [((2, 2, 0), 1.0), ((3, 2, 1), 1.0)]);
    assert_eq!(marks(&scene.rows.state, 4, 3), [((0, 3, 0), 1.0), ((1, 3, 1), 1.0)]);

    // If they remain, they observe and are in the state, but no agent observes them, as in the original.
    let args = PredatorPreyArgs { remove_frozen: false, ..still() };
    let mut scene = Scene::new(drawing, args);
    scene.act(&[CATCH, CATCH, STAY]);
    assert_eq!(scene.text(), "#.#2\n...S");
    assert_eq!(marks(scene.obs(1), 5, 3), [((2, 3, 0), 1.0), ((3, 3, 1), 1.0)]);
    assert_eq!(marks(scene.obs(2), 5, 3), [((2, 2, 0), 1.0), ((3, 2, 1), 1.0)]);
    assert_eq!(marks(&scene.rows.state, 4, 3).len(), 4);
    assert_eq!(scene.mask(1), [false, false, false, false, true, false]);
}

#[test]
fn moves_into_walls_are_unavailable_and_catching_is_available_next_to_prey_only() {
    let scene = Scene::new("0.. .1S ..2", PredatorPreyArgs::default());
    assert_eq!(scene.mask(0), [true, true, false, false, true, false]);
    // Moves onto others are available, but blocked.
    assert_eq!(scene.mask(1), [true, true, true, true, true, true]);
    assert_eq!(scene.mask(2), [false, false, true, true, true, true]);
    let args = PredatorPreyArgs { capture_action: false, ..PredatorPreyArgs::default() };
    assert_eq!(Scene::new("0S", args).mask(0), [true, false, false, false, true]);
}

#[test]
fn windows_match_their_definition() {
    for (toroidal, shape, reach) in
        [(false, [7, 5], [2, 2]), (true, [7, 5], [1, 2]), (true, [4, 3], [3, 4])]
    {
        let args = PredatorPreyArgs {
            world_shape: shape,
            toroidal,
            agent_obs: reach,
            n_agents: 4,
            n_stags: 4,
            n_hare: 2,
            miscapture_punishment: 0.0,
            ..PredatorPreyArgs::default()
        };
        let mut env = PredatorPrey::new(args).expect("the arguments are valid");
        let spec = env.spec().clone();
        let mut rows = StepRows::new(&spec, 1, 1);
        let mut rng = Rng::stream(3, Purpose::Check, 0);
        for _ in 0..20 {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            let grid = |row: i64, column: i64, feature: usize| {
                let [height, width] = shape.map(|side| side as i64);
                let inside = (0..height).contains(&row) && (0..width).contains(&column);
                if !toroidal && !inside {
                    return 0.0;
                }
                let cell = row.rem_euclid(height) * width + column.rem_euclid(width);
                rows.state[cell as usize * 3 + feature]
            };
            for (agent, window) in rows.obs.chunks_exact(spec.obs_dim).enumerate() {
                let (row, column) = env.world.grid.place(env.world.state.agents[agent]);
                let [down, right] = reach.map(|reach| reach as i64);
                let mut seen = window.iter();
                for r in row as i64 - down..=row as i64 + down {
                    for c in column as i64 - right..=column as i64 + right {
                        for feature in 0..3 {
                            assert_eq!(seen.next(), Some(&grid(r, c, feature)));
                        }
                    }
                }
                assert_eq!(seen.next(), None);
            }
        }
    }
}

#[test]
fn every_index_is_described_under_every_option() {
    let base = PredatorPreyArgs { agent_obs: [1, 2], ..PredatorPreyArgs::default() };
    for flags in 0..32_u8 {
        let on = |bit: u8| flags & (1 << bit) != 0;
        let args = PredatorPreyArgs {
            observe_state: on(0),
            observe_walls: on(1),
            observe_one_hot: on(2),
            observe_ids: on(3),
            capture_action: on(4),
            ..base.clone()
        };
        let scene = Scene::new(SCENE, args);
        let (spec, described) = (scene.env.spec(), scene.env.describe());
        assert_eq!(described.obs.len(), spec.obs_dim);
        assert_eq!(described.state.len(), spec.state_dim);
        assert_eq!(described.actions.len(), spec.n_actions);
    }
    let described = Scene::new(SCENE, base).env.describe();
    assert_eq!(described.obs[0], "offset -1 down, -2 right: 1 for an agent, else 0");
    assert_eq!(described.obs[3 * 7 + 1], "offset +0 down, +0 right: 1 for a stag, else 0");
    assert_eq!(described.state[3 * 6 + 2], "row 1, column 1: 1 for a hare, else 0");
}
