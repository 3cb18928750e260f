use super::*;

#[test]
fn an_attack_is_available_up_to_distance_six() {
    let mut field = Field::new("3m", "");
    field.put(0, 10.0, 16.0);
    for (distance, open) in [(5.0, true), (6.0, true), (6.001, false)] {
        field.put(3, 10.0 + distance, 16.0);
        field.rewrite();
        assert_eq!(field.mask(0)[usize::from(ATTACK)], open, "at {distance}");
    }
    field.put(3, 10.0, 20.0);
    field.kill(3);
    field.rewrite();
    assert!(!field.mask(0)[usize::from(ATTACK)], "the target is dead");
}

#[test]
fn a_unit_is_seen_below_distance_nine() {
    let mut field = Field::new("3m", "");
    field.put(0, 10.0, 16.0);
    for (distance, seen) in [(8.999, true), (9.0, false)] {
        field.put(3, 10.0 + distance, 16.0);
        field.put(1, 10.0, 16.0 - distance);
        field.rewrite();
        assert_eq!(field.row(0)[4..9] != [0.0; 5], seen, "enemy at {distance}");
        assert_eq!(field.row(0)[19..24] != [0.0; 5], seen, "ally at {distance}");
    }
}

#[test]
fn a_dead_agent_observes_nothing_and_can_only_choose_no_op() {
    let mut field = Field::new("3m", "");
    field.kill(1);
    field.rewrite();
    assert!(!field.rows.alive[1]);
    let mut only_no_op = vec![false; 9];
    only_no_op[0] = true;
    assert_eq!(field.mask(1), only_no_op);
    assert!(field.row(1).iter().all(|&cell| cell == 0.0));
    assert!(field.rows.state[4..8].iter().all(|&cell| cell == 0.0));
    assert!(!field.mask(0)[0] && field.mask(0)[1], "a living agent can stop but not choose no-op");
    field.step(&[STOP, NO_OP, STOP]);
    // The last actions begin at 21, with nine columns each.
    assert_eq!(field.rows.state[30..39], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn moves_are_masked_by_truncated_probes() {
    let mut field = Field::new("3m", "");
    // The strip is walkable for 8 <= y < 24; a probe below zero truncates to cell zero.
    let cases = [
        (16.0, 16.0, [true, true, true, true]),
        (16.0, 22.99, [true, true, true, true]),
        (16.0, 23.0, [false, true, true, true]),
        (16.0, 9.0, [true, true, true, true]),
        (16.0, 8.99, [true, false, true, true]),
        (0.5, 16.0, [true, true, true, true]),
        (30.99, 16.0, [true, true, true, true]),
        (31.0, 16.0, [true, true, false, true]),
    ];
    for (x, y, [north, south, east, west]) in cases {
        field.put(0, x, y);
        field.rewrite();
        assert_eq!(field.mask(0)[2..6], [north, south, east, west], "at ({x}, {y})");
        let cells = [north, south, east, west].map(|open| f32::from(u8::from(open)));
        assert_eq!(field.row(0)[..4], cells);
    }
}

#[test]
fn observations_match_smac() {
    let mut field = Field::new("3m", "");
    field.put(0, 10.0, 16.0);
    field.put(1, 13.0, 20.0);
    field.put(2, 10.0, 10.0);
    field.put(3, 16.0, 16.0);
    field.put(4, 10.0, 22.5);
    field.put(5, 25.0, 16.0);
    field.units().health.copy_from_slice(&[45.0, 30.0, 9.0, 15.0, 45.0, 45.0]);
    field.rewrite();
    let expected = [
        [1.0, 1.0, 1.0, 1.0].as_slice(),
        &[1.0, 6.0 / 9.0, 6.0 / 9.0, 0.0, 15.0 / 45.0],
        &[0.0, 6.5 / 9.0, 0.0, 6.5 / 9.0, 1.0],
        &[0.0; 5],
        &[1.0, 5.0 / 9.0, 3.0 / 9.0, 4.0 / 9.0, 30.0 / 45.0],
        &[1.0, 6.0 / 9.0, 0.0, -6.0 / 9.0, 9.0 / 45.0],
        &[1.0],
    ]
    .concat();
    assert_close(field.row(0), &expected, "the observation");
}

#[test]
fn the_state_matches_smac() {
    let mut field = Field::new("3m", "");
    field.put(0, 10.0, 20.0);
    field.units().health[0] = 30.0;
    field.units().cooldown[0] = 7.5;
    field.put(4, 24.0, 8.0);
    field.kill(5);
    field.rewrite();
    assert_eq!(field.rows.state.len(), 48);
    assert_eq!(field.rows.state[..4], [30.0 / 45.0, 0.5, -6.0 / 32.0, 4.0 / 32.0]);
    assert_eq!(field.rows.state[15..21], [1.0, 8.0 / 32.0, -8.0 / 32.0, 0.0, 0.0, 0.0]);
    assert!(field.rows.state[21..].iter().all(|&cell| cell == 0.0), "no unit has acted yet");
    field.step(&[EAST, STOP, WEST]);
    let acted: Vec<_> = (0..27).filter(|&i| field.rows.state[21 + i] == 1.0).collect();
    assert_eq!(acted, [4, 9 + 1, 18 + 5]);
}

#[test]
fn options_change_the_layout_as_in_smac_and_every_index_is_described() {
    let cases = [
        ("", 30, 48),
        ("obs_all_health = false", 25, 48),
        // SMAC includes the agent's own health if it includes that of others.
        ("obs_own_health = false", 30, 48),
        ("obs_all_health = false\nobs_own_health = false", 24, 48),
        ("obs_last_action = true", 48, 48),
        ("obs_pathing_grid = true", 38, 48),
        ("obs_terrain_height = true", 39, 48),
        ("obs_timestep_number = true", 31, 48),
        ("obs_instead_of_state = true", 30, 90),
        ("state_last_action = false", 30, 21),
        ("state_timestep_number = true", 30, 49),
    ];
    for (args, obs, state) in cases {
        let field = Field::new("3m", args);
        let spec = field.env.spec();
        assert_eq!((spec.obs_dim, spec.state_dim), (obs, state), "{args}");
        let description = field.env.describe();
        assert_eq!(description.obs.len(), obs, "{args}");
        assert_eq!(description.state.len(), state, "{args}");
        assert_eq!(description.actions.len(), 9, "{args}");
    }
}

#[test]
fn optional_columns_hold_their_documented_values() {
    let mut field = Field::new("3m", "obs_timestep_number = true\nobs_last_action = true");
    field.step(&[EAST, NORTH, STOP]);
    assert_eq!(field.row(0).last(), Some(&(1.0 / 60.0)));
    // The first ally row of agent 0 shows agent 1; its last action follows its five features.
    let last = &field.row(0)[19 + 5..][..9];
    assert_eq!(last.iter().position(|&cell| cell == 1.0), Some(usize::from(NORTH)));

    let mut field = Field::new("3m", "obs_pathing_grid = true");
    field.put(0, 16.0, 21.0);
    field.rewrite();
    // Of the eight points only (0, +4) and its two diagonal neighbours at +2 may lie in the cliff.
    assert_eq!(field.row(0)[4..12], [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);

    let field = Field::new("3m", "obs_instead_of_state = true");
    assert_eq!(field.rows.obs, field.rows.state);
}

#[test]
#[should_panic(expected = "action 6 is not available to agent 1")]
fn an_unavailable_action_is_rejected() {
    Field::new("3m", "").step(&[STOP, ATTACK, STOP]);
}

#[test]
fn a_frame_shows_every_unit() {
    let mut field = Field::new("3m", "");
    field.kill(4);
    let frame = field.env.frame();
    let units = frame["units"].as_array().expect("a list of units");
    assert_eq!(units.len(), 6);
    assert_eq!((&units[4]["team"], &units[4]["id"]), (&"enemy".into(), &1.into()));
    assert_eq!((&units[4]["alive"], &units[0]["alive"]), (&false.into(), &true.into()));
    assert_eq!(units[0]["type"], "marine");
    assert_eq!(units[0]["x"], f64::from(field.units().x[0]));
}
