//! SMACv2's additions besides generated teams: ranges, a conic field of view, hidden enemies.

use super::*;

#[test]
fn every_unit_type_has_the_sight_and_attack_range_of_smacv2() {
    let ranges = [
        ("stalker", 6.0, 10.0),
        ("zealot", 2.0, 9.0),
        ("colossus", 7.0, 10.0),
        ("zergling", 2.0, 8.0),
        ("baneling", 2.0, 8.0),
        ("hydralisk", 5.0, 9.0),
        ("marine", 5.0, 9.0),
        ("marauder", 6.0, 10.0),
    ];
    for (kind, reach, sight) in ranges {
        let map = SHIELDS.replace(
            "unit = \"stalker\", count = 1, at = [9.0",
            &format!("unit = \"{kind}\", count = 1, at = [9.0"),
        );
        let mut field = Field::written(&map, "use_unit_ranges = true");
        let agent = (0..3).find(|&unit| field.env.battle.stats[unit].unit.name == kind);
        let agent = agent.expect("the unit is an agent");
        let row = |field: &Field| field.row(agent)[4..12].to_vec();
        field.put(agent, 5.0, 16.0);
        for (distance, open, seen) in [
            (reach, true, true),
            (reach + 0.001, false, true),
            (sight - 0.001, false, true),
            (sight, false, false),
        ] {
            field.put(3, 5.0 + distance, 16.0);
            field.rewrite();
            assert_eq!(field.mask(agent)[6], open, "{kind} at {distance}");
            assert_eq!(row(&field) != [0.0; 8], seen, "{kind} at {distance}");
            if seen {
                assert_close(&row(&field)[1..2], &[distance / sight], kind);
            }
        }
    }
    let mut field = Field::written(HEALERS, "use_unit_ranges = true");
    field.put(3, 5.0, 16.0);
    for (distance, open) in [(4.0, true), (4.001, false)] {
        field.put(0, 5.0 + distance, 16.0);
        field.rewrite();
        assert_eq!(field.mask(3)[6], open, "a medivac at {distance}");
    }
}

#[test]
fn the_own_position_comes_before_the_own_type() {
    let mut field = Field::new("terran_5_vs_5", "");
    field.put(2, 8.0, 24.0);
    field.rewrite();
    let own = &field.row(2)[82 - 6..];
    assert_eq!(own[..3], [1.0, 0.25, 0.75]);
    assert_eq!(own[3..].iter().sum::<f32>(), 1.0);
}

#[test]
fn agents_see_and_shoot_in_a_cone_that_they_turn() {
    let mut field = Field::new("3m", "conic_fov = true");
    let spec = field.env.spec();
    // Twelve look actions; own facing, and the facing of all allies in the state.
    assert_eq!((spec.n_actions, spec.obs_dim, spec.state_dim), (9 + 12, 32, 21 + 6 + 3 * 21));
    assert_eq!(spec.agents.len(), 3);
    field.pacify();
    field.put(0, 10.0, 16.0);
    field.put(3, 10.0, 20.0);
    field.put(4, 14.0, 16.0);
    field.rewrite();
    let attack = 6 + 12;
    assert_eq!(field.row(0)[30..], [1.0, 0.0], "all look east at first");
    assert!(!field.mask(0)[attack] && field.mask(0)[attack + 1]);
    assert!(field.row(0)[4..9] == [0.0; 5] && field.row(0)[9] == 1.0);
    // An earlier order continues while the agent turns.
    field.step(&[NORTH, STOP, STOP]);
    let order = field.units().order[0];
    field.step(&[6 + 3, STOP, STOP]);
    assert_eq!(field.units().order[0], order);
    field.put(0, 10.0, 16.0);
    field.rewrite();
    assert!(field.mask(0)[attack] && !field.mask(0)[attack + 1]);
    assert!(field.row(0)[4] == 1.0 && field.row(0)[9..14] == [0.0; 5]);
    assert_close(&field.row(0)[30..], &[0.0, 1.0], "it looks north");
    assert_close(&field.rows.state[4..6], &[0.0, 1.0], "the state agrees");
    assert!(field.mask(0)[6..18].iter().all(|&open| open));
    let texts = field.env.describe().actions;
    assert_eq!(texts[9], "look 90 degrees counter-clockwise from east");
}

#[test]
fn without_the_mask_an_attack_out_of_range_gives_no_order() {
    let mut field = Field::peaceful("3m", "action_mask = false");
    field.put(0, 10.0, 16.0);
    field.put(3, 17.0, 16.0);
    field.put(4, 15.0, 16.0);
    field.kill(5);
    field.rewrite();
    assert_eq!(field.mask(0)[6..9], [true, true, false], "all the living");
    assert_eq!(
        (field.row(0)[4], field.row(0)[9]),
        (0.0, 1.0),
        "observations show the true availability"
    );
    field.step(&[SOUTH, STOP, STOP]);
    let order = field.units().order[0];
    field.put(0, 10.0, 16.0);
    field.step(&[ATTACK, STOP, STOP]);
    assert_eq!((field.units().order[0], field.units().target[0]), (order, NO_UNIT));
    field.step(&[ATTACK + 1, STOP, STOP]);
    assert_eq!((field.units().order[0], field.units().target[0]), (Order::Attack, 4));
}

/// Returns which enemy rows of which agents are filled: `[agent, enemy]`.
fn filled(field: &Field, n_enemies: usize, width: usize) -> Vec<Vec<bool>> {
    let rows = |agent| field.row(agent)[4..][..n_enemies * width].chunks_exact(width);
    let n_agents = field.env.spec().n_agents();
    (0..n_agents)
        .map(|agent| rows(agent).map(|row| row.iter().any(|&cell| cell != 0.0)).collect())
        .collect()
}

fn gather(field: &mut Field) {
    for unit in 0..field.env.battle.len() {
        field.put(unit, 12.0 + 0.5 * unit as f32, 16.0);
    }
}

#[test]
fn an_enemy_is_visible_to_the_agents_that_the_draw_allows() {
    let mut counts = [0_usize; 2];
    for (count, probability) in counts.iter_mut().zip(["0.0", "0.5"]) {
        let args = format!("fix_quirks = true\nprob_obs_enemy = {probability}");
        let mut field = Field::new("8m", &args);
        for _ in 0..50 {
            field.reset();
            gather(&mut field);
            field.rewrite();
            let seen = filled(&field, 8, 5);
            for enemy in 0..8 {
                let by = seen.iter().filter(|row| row[enemy]).count();
                assert!(by >= 1, "the first agent to look sees it");
                *count += by - 1;
            }
            // The draw is kept.
            field.rewrite();
            assert_eq!(filled(&field, 8, 5), seen);
        }
    }
    assert_eq!(counts[0], 0);
    // 50 episodes, 8 enemies, 7 other agents: five standard deviations of a fair coin.
    assert!(counts[1].abs_diff(1400) < 133, "{}", counts[1]);
}

#[test]
fn an_unseen_enemy_blanks_those_before_it_unless_fixed() {
    let place = |args: &str, far: usize| {
        let mut field = Field::new("terran_5_vs_5", args);
        // Clears the sightings of the start.
        field.env.history_for_test().forget();
        gather(&mut field);
        field.put(5 + far, 31.0, 31.0);
        field.rewrite();
        let unseen = filled(&field, 5, 8);
        gather(&mut field);
        field.rewrite();
        assert_eq!(filled(&field, 5, 8), vec![vec![true; 5]; 5], "all are seen");
        // Once seen, it blanks nothing when it leaves.
        field.put(5 + far, 31.0, 31.0);
        field.rewrite();
        let left = filled(&field, 5, 8);
        assert!(left.iter().all(|row| (0..5).all(|enemy| row[enemy] == (enemy != far))));
        unseen
    };
    assert_eq!(place("", 2), vec![vec![false, false, false, true, true]; 5]);
    assert_eq!(place("", 0), vec![vec![false, true, true, true, true]; 5]);
    assert_eq!(place("fix_quirks = true", 2), vec![vec![true, true, false, true, true]; 5]);
}

#[test]
fn a_body_in_sight_blanks_nothing_and_one_out_of_sight_does() {
    let mut field = Field::new("terran_5_vs_5", "");
    gather(&mut field);
    field.rewrite();
    field.pacify();
    field.kill(7);
    field.step(&field.idle());
    assert!(filled(&field, 5, 8).iter().all(|row| row[0] && !row[2] && row[4]));
    field.put(7, 31.0, 31.0);
    field.step(&field.idle());
    assert!(filled(&field, 5, 8).iter().all(|row| !row[0] && !row[1] && !row[2] && row[4]));
}

#[test]
fn a_blind_agent_observes_only_the_time() {
    let mut field =
        Field::new("terran_5_vs_5", "obs_starcraft = false\nobs_timestep_number = true");
    assert_eq!(field.env.spec().obs_dim, 1);
    field.step(&field.idle());
    assert_eq!(field.rows.obs, [1.0 / 200.0; 5]);
}

#[test]
fn full_observability_ignores_distance() {
    let mut field = Field::new("3m", "fully_observable = true");
    field.put(0, 1.0, 16.0);
    field.put(3, 31.0, 16.0);
    field.rewrite();
    assert_close(
        &field.row(0)[4..9],
        &[0.0, 30.0 / 9.0, 30.0 / 9.0, 0.0, 1.0],
        "an enemy far away",
    );
    field.kill(3);
    field.rewrite();
    assert_eq!(field.row(0)[4..9], [0.0; 5]);
}
