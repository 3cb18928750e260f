//! What SMACv2 adds: generated teams, ranges, a cone of sight, enemies that stay unseen.

use super::*;

fn names(field: &Field, units: std::ops::Range<usize>) -> Vec<&'static str> {
    let mut names: Vec<_> =
        field.env.battle.stats[units].iter().map(|stats| stats.unit.name).collect();
    names.sort_unstable();
    names
}

#[test]
fn kinds_are_drawn_by_weight_and_enemies_are_of_the_same_kinds() {
    for (map, kinds) in [
        ("protoss_5_vs_5", ["stalker", "zealot", "colossus"]),
        ("terran_5_vs_5", ["marine", "marauder", "medivac"]),
        ("zerg_5_vs_5", ["zergling", "hydralisk", "baneling"]),
    ] {
        let mut field = Field::new(map, "");
        let mut counts = [0_i32; 3];
        let episodes = 2000;
        for _ in 0..episodes {
            field.reset();
            let team = names(&field, 0..5);
            assert_eq!(team, names(&field, 5..10), "{map}");
            if map != "protoss_5_vs_5" {
                assert!(team.iter().any(|&name| name != kinds[2]), "{map}: {team:?}");
            }
            for (count, kind) in counts.iter_mut().zip(kinds) {
                *count += team.iter().filter(|&&name| name == kind).count() as i32;
            }
        }
        // Five standard deviations of a binomial.
        for (count, weight) in counts.into_iter().zip([0.45_f64, 0.45, 0.1]) {
            let n = f64::from(5 * episodes);
            let deviation = (n * weight * (1.0 - weight)).sqrt();
            assert!((f64::from(count) - n * weight).abs() < 5.0 * deviation, "{map}: {counts:?}");
        }
    }
}

#[test]
fn enemies_beyond_the_allies_are_a_team_of_their_own() {
    let mut field = Field::new("terran_10_vs_11", "");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        field.reset();
        // In order of creation, the additional enemy is the last.
        let last = field.env.battle.stats[20].unit.name;
        seen.insert(last);
        assert_eq!(names(&field, 0..10), names(&field, 10..20));
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["marauder", "marine"],
        "never a medivac alone"
    );
}

#[test]
fn allies_start_surrounded_or_opposite_their_mirror_images() {
    let mut field = Field::new("zerg_20_vs_23", "start_scatter = false");
    let mut surrounded = 0;
    for _ in 0..400 {
        field.reset();
        let battle = &field.env.battle;
        let (x, y) = (&battle.units.x, &battle.units.y);
        for unit in 0..43 {
            let margin = battle.stats[unit].unit.inner_radius;
            assert!(battle.terrain.admits(x[unit], y[unit], margin), "({}, {})", x[unit], y[unit]);
        }
        let sorted = (1..20).all(|i| {
            let key = |i: usize| (battle.stats[i].unit.name, x[i]);
            key(i - 1) <= key(i)
        });
        assert!(sorted, "agents are sorted by name and place");
        if (0..20).all(|unit| (x[unit], y[unit]) == (16.0, 16.0)) {
            surrounded += 1;
            // Every group is on a diagonal, at least two from the middle in both coordinates.
            let mut groups: Vec<_> =
                (20..43).map(|unit| (x[unit].to_bits(), y[unit].to_bits())).collect();
            groups.sort_unstable();
            groups.dedup();
            for unit in 20..43 {
                let (dx, dy) = ((x[unit] - 16.0).abs(), (y[unit] - 16.0).abs());
                assert!(dx >= 2.0 && (dx - dy).abs() < 0.6, "({dx}, {dy})");
            }
            let corners: std::collections::BTreeSet<_> =
                (20..43).map(|unit| (x[unit] > 16.0, y[unit] > 16.0)).collect();
            assert!((1..=4).contains(&corners.len()));
        } else {
            for ally in 0..20 {
                assert!(x[ally] < 15.0);
                let mirrored = (20..40).filter(|&enemy| {
                    (x[enemy] + x[ally] - 32.0).abs() < 1e-4 && y[enemy] == y[ally]
                });
                assert_eq!(mirrored.count(), 1);
            }
            assert!((20..43).all(|enemy| x[enemy] >= 16.0));
        }
    }
    // Five standard deviations of 400 tosses of a fair coin.
    assert!((150..=250).contains(&surrounded), "{surrounded}");
}

#[test]
fn every_kind_sees_and_reaches_as_far_as_smacv2_says() {
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
        let agent = agent.expect("it takes part");
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
fn the_own_position_stands_before_the_own_type() {
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
    assert_eq!(field.row(0)[30..], [1.0, 0.0], "everybody looks east at first");
    assert!(!field.mask(0)[attack] && field.mask(0)[attack + 1]);
    assert!(field.row(0)[4..9] == [0.0; 5] && field.row(0)[9] == 1.0);
    // An order given before goes on while the agent turns.
    field.step(&[NORTH, STOP, STOP]);
    let order = field.units().order[0];
    field.step(&[6 + 3, STOP, STOP]);
    assert_eq!(field.units().order[0], order);
    field.put(0, 10.0, 16.0);
    field.rewrite();
    assert!(field.mask(0)[attack] && !field.mask(0)[attack + 1]);
    assert!(field.row(0)[4] == 1.0 && field.row(0)[9..14] == [0.0; 5]);
    assert_close(&field.row(0)[30..], &[0.0, 1.0], "it looks north");
    assert_close(&field.rows.state[4..6], &[0.0, 1.0], "so says the state");
    assert!(field.mask(0)[6..18].iter().all(|&open| open));
    let texts = field.env.describe().actions;
    assert_eq!(texts[9], "look 90 degrees counter-clockwise from east");
}

#[test]
fn without_the_mask_an_attack_out_of_range_gives_no_order() {
    let mut field = Field::new("3m", "action_mask = false");
    field.pacify();
    field.put(0, 10.0, 16.0);
    field.put(3, 17.0, 16.0);
    field.put(4, 15.0, 16.0);
    field.kill(5);
    field.rewrite();
    assert_eq!(field.mask(0)[6..9], [true, true, false], "all the living");
    assert_eq!((field.row(0)[4], field.row(0)[9]), (0.0, 1.0), "observations tell the truth");
    field.step(&[SOUTH, STOP, STOP]);
    let order = field.units().order[0];
    field.put(0, 10.0, 16.0);
    field.step(&[ATTACK, STOP, STOP]);
    assert_eq!((field.units().order[0], field.units().target[0]), (order, NOBODY));
    field.step(&[ATTACK + 1, STOP, STOP]);
    assert_eq!((field.units().order[0], field.units().target[0]), (Order::Attack, 4));
}

/// Which enemy rows of which agents are filled: `[agent, enemy]`.
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
fn an_enemy_is_seen_by_whom_the_draw_allows() {
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
                assert!(by >= 1, "whoever looks first sees it");
                *count += by - 1;
            }
            // The draw stands.
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
        // What was seen at the start is forgotten.
        field.env.forget_sightings();
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
fn a_blind_agent_is_told_the_time_alone() {
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

#[test]
fn rewards_are_scaled_by_the_mean_team_or_by_that_of_the_episode() {
    let field = Field::new("terran_5_vs_5", "");
    // 0.45 * 45 + 0.45 * 125 + 0.1 * 150 = 91.5 a head.
    assert!((field.env.max_reward() - (50.0 + 200.0 + 5.0 * 91.5)).abs() < 1e-3);
    assert_eq!(field.env.spec().max_reward, Some(field.env.max_reward()));
    assert_eq!(field.env.spec().max_return, None);
    let mut field = Field::new("terran_5_vs_5", "fix_quirks = true");
    for _ in 0..20 {
        field.reset();
        let health: f32 = field.env.battle.units.health[5..].iter().sum();
        assert_eq!(field.env.max_reward(), 250.0 + health);
    }
    assert_eq!((field.env.spec().max_reward, field.env.spec().max_return), (None, Some(20.0)));
}

#[test]
fn a_saved_battle_brings_its_roster() {
    for args in
        ["", "fix_quirks = true\nself_play = true", "conic_fov = true\nprob_obs_enemy = 0.3"]
    {
        let mut field = Field::new("zerg_10_vs_11", args);
        let mut player = Rng::stream(5, Purpose::Check, 3);
        for _ in 0..6 {
            let actions = field.random_actions(&mut player);
            field.step(&actions);
        }
        let mut bytes = Vec::new();
        field.env.save(&mut bytes);
        let mut other = Field::new("zerg_10_vs_11", args);
        other.reset();
        other.env.load(&bytes).expect("it is the same kind of battle");
        assert_eq!(names(&field, 0..10), names(&other, 0..10));
        assert_eq!(field.env.max_reward(), other.env.max_reward());
        other.rng = field.rng.clone();
        for _ in 0..4 {
            let actions = field.random_actions(&mut player);
            assert_eq!(field.step(&actions), other.step(&actions));
            assert_eq!(field.rows.obs, other.rows.obs);
            assert_eq!(field.rows.state, other.rows.state);
        }
        let mut terran = Field::new("terran_10_vs_11", args);
        assert!(terran.env.load(&bytes).is_err(), "no zerglings there");
    }
}
