//! The game itself: movement, collision, shots, death, rewards, starts.

use super::*;

fn put(field: &mut Field, unit: usize, x: f32, y: f32) {
    (field.env.battle.x[unit], field.env.battle.y[unit]) = (x, y);
}

/// Two teams of three marines, each unit far from all others.
fn apart(args: &str) -> Field {
    let mut field = Field::new("3m", &format!("self_play = true\ndeterministic = true\n{args}"));
    for unit in 0..3 {
        put(&mut field, unit, 6.0, 8.0 + 8.0 * unit as f32);
        put(&mut field, unit + 3, 26.0, 8.0 + 8.0 * unit as f32);
    }
    field.rewrite();
    field
}

#[test]
fn a_move_goes_half_a_second_in_its_direction() {
    let mut field = apart("");
    field.step(&[0, 1, 2, 3, STOP, STOP]);
    let battle = &field.env.battle;
    let moved = 3.15 / 2.0;
    for (unit, x, y) in [(0, 6.0, 8.0 + moved), (1, 6.0 + moved, 16.0), (2, 6.0, 24.0 - moved)] {
        assert!((battle.x[unit] - x).abs() < 1e-5 && (battle.y[unit] - y).abs() < 1e-5);
    }
    assert!((battle.x[3] - (26.0 - moved)).abs() < 1e-5);
    assert_eq!((battle.x[4], battle.y[4]), (26.0, 16.0));
}

#[test]
fn positions_are_clipped_to_the_map_and_its_edge_may_kill() {
    for deadly in [true, false] {
        let mut field = apart(&format!("walls_cause_death = {deadly}"));
        put(&mut field, 0, 0.1, 8.0);
        put(&mut field, 1, 0.3, 31.5);
        field.rewrite();
        field.step(&[3, 0, STOP, STOP, STOP, STOP]);
        let battle = &field.env.battle;
        assert_eq!((battle.x[0], battle.y[0]), (0.0, 8.0));
        assert_eq!((battle.x[1], battle.y[1]), (0.3, 32.0));
        assert_eq!(field.rows.alive[..3], [!deadly, !deadly, true]);
        assert_eq!(battle.health[0], if deadly { 0.0 } else { 45.0 });
    }
}

#[test]
fn two_overlapping_units_part_until_they_touch() {
    let mut field = apart("");
    put(&mut field, 0, 10.0, 10.0);
    put(&mut field, 1, 10.3, 10.4);
    field.rewrite();
    field.step(&[STOP; 6]);
    let battle = &field.env.battle;
    // Half a cell apart along (0.6, 0.8); each moves by half of what is missing to 0.75.
    for (unit, x, y) in [(0, 9.925, 9.9), (1, 10.375, 10.5)] {
        assert!((battle.x[unit] - x).abs() < 1e-4 && (battle.y[unit] - y).abs() < 1e-4);
    }
}

#[test]
fn listed_pairs_give_the_bits_of_all_pairs() {
    for name in ["8m", "27m_vs_30m", "smacv2_20_units"] {
        let mut listed = Field::new(name, "self_play = true\nwalls_cause_death = false");
        let mut all = Field::new(name, "self_play = true\nwalls_cause_death = false");
        all.env.battle.margin = 1000.0;
        let mut player = Rng::stream(4, Purpose::Check, 0);
        for _ in 0..3 {
            listed.reset();
            all.reset();
            loop {
                let masks = listed.rows.avail.chunks_exact(listed.env.spec.n_actions);
                let actions: Vec<u16> =
                    masks.map(|mask| player.choose(mask).expect("legal") as u16).collect();
                // A survey in every step, of every pair.
                all.env.battle.settle();
                let outcome = listed.step(&actions);
                assert_eq!(outcome, all.step(&actions));
                assert!(listed.rows.state == all.rows.state, "{name}");
                if outcome.end.is_over() {
                    break;
                }
            }
        }
    }
}

#[test]
fn the_dead_neither_move_nor_collide_nor_shoot() {
    let mut field = apart("");
    put(&mut field, 0, 10.0, 10.0);
    put(&mut field, 1, 10.2, 10.0);
    put(&mut field, 3, 12.0, 10.0);
    field.env.battle.health[0] = 0.0;
    field.rewrite();
    for action in [0, 1, 5] {
        field.step(&[action, STOP, STOP, STOP, STOP, STOP]);
    }
    let battle = &field.env.battle;
    assert_eq!((battle.x[0], battle.y[0]), (10.0, 10.0));
    assert_eq!((battle.x[1], battle.y[1]), (10.2, 10.0));
    assert_eq!(battle.health[3], 45.0);
    // The dead cannot be shot at, and their observation is zero.
    assert!(!field.rows.avail[3 * 8 + 5 + 2]);
    assert!(field.rows.obs[..75].iter().all(|&number| number == 0.0));
}

#[test]
fn both_teams_may_die_at_once_and_nobody_wins() {
    for zero_sum in [false, true] {
        let mut field = apart(&format!("use_self_play_reward = {zero_sum}"));
        for unit in [1, 2, 4, 5] {
            field.env.battle.health[unit] = 0.0;
        }
        put(&mut field, 0, 15.0, 16.0);
        put(&mut field, 3, 17.0, 16.0);
        field.env.battle.health[0] = 9.0;
        field.env.battle.health[3] = 9.0;
        field.rewrite();
        // Ally 0 attacks enemy 0; enemy 0 attacks ally 0, its last target.
        let outcome = field.step(&[5, STOP, STOP, 7, STOP, STOP]);
        assert_eq!(outcome.end, End::Terminated);
        assert_eq!(field.rows.alive, [false; 6]);
        let damage = if zero_sum { 0.0 } else { 9.0 / 45.0 / 3.0 };
        assert!((outcome.reward - damage).abs() < 1e-6);
        assert_eq!(field.rows.info, [0.0, 3.0, 3.0, outcome.reward]);
    }
}

#[test]
fn victory_pays_the_bonus_and_defeat_costs_it_only_in_self_play_rewards() {
    for (zero_sum, allied, enemy) in [(false, 9.0 / 135.0 + 1.0, 0.0), (true, 1.0, -1.0)] {
        let mut field = apart(&format!("use_self_play_reward = {zero_sum}"));
        put(&mut field, 0, 15.0, 16.0);
        put(&mut field, 3, 17.0, 16.0);
        field.env.battle.health[3..6].copy_from_slice(&[9.0, 0.0, 0.0]);
        field.rewrite();
        let outcome = field.step(&[5, STOP, STOP, STOP, STOP, STOP]);
        assert!((outcome.reward - allied).abs() < 1e-6, "{outcome:?}");
        assert_eq!(field.rows.info, [1.0, 0.0, 3.0, enemy]);
    }
}

#[test]
fn weapons_fire_when_ready_and_only_within_range() {
    let mut field = apart("");
    put(&mut field, 0, 15.0, 16.0);
    put(&mut field, 3, 19.999, 16.0);
    field.rewrite();
    let attack = [5, STOP, STOP, STOP, STOP, STOP];
    // A marine needs 0.61 s and a step has 0.5 s, in loops of 1/16 s: shots fall in loops 0, 11,
    // 22, …, since 0.61 s is not over after 9 loops and is after 10.
    let health = [36.0, 27.0, 18.0, 18.0, 9.0];
    for (step, health) in health.into_iter().enumerate() {
        field.step(&attack);
        assert_eq!(field.env.battle.health[3], health, "step {step}");
    }
    put(&mut field, 3, 20.0, 16.0);
    field.rewrite();
    for _ in 0..4 {
        field.step(&attack);
    }
    assert_eq!(field.env.battle.health[3], 9.0);
}

#[test]
fn cooldowns_have_a_random_term_of_minus_one_to_two_loops() {
    let mut field = Field::new("3m", "self_play = true");
    let (mut least, mut most) = (f32::MAX, f32::MIN);
    for _ in 0..500 {
        put(&mut field, 0, 15.0, 16.0);
        put(&mut field, 3, 17.0, 16.0);
        field.env.battle.health = [45.0; 64];
        field.env.battle.cooldown = [0.0; 64];
        field.rewrite();
        field.step(&[5, STOP, STOP, STOP, STOP, STOP]);
        // The shot falls in the first of eight loops.
        let drawn = field.env.battle.cooldown[0] + 7.0 / 16.0 - 0.61;
        (least, most) = (least.min(drawn), most.max(drawn));
    }
    let (low, high) = (-1.0 / 16.0, 2.0 / 16.0);
    assert!(least >= low - 1e-6 && most < high + 1e-6, "{least} {most}");
    assert!(least < low + 0.005 && most > high - 0.005, "{least} {most}");
}

#[test]
fn the_limit_comes_one_step_after_max_steps() {
    let mut field = apart("");
    for step in 1..=101 {
        let end = field.step(&[STOP; 6]).end;
        assert_eq!(end, if step == 101 { End::Truncated } else { End::Running });
    }
}

#[test]
fn fixed_teams_start_round_the_middles_of_their_halves() {
    let mut field = Field::new("3s_vs_5z", "");
    for _ in 0..200 {
        field.reset();
        let battle = &field.env.battle;
        for unit in 0..8 {
            // Collision may push a unit a little out of its square.
            let x = battle.x[unit] - if unit < 3 { 8.0 } else { 24.0 };
            assert!(x.abs() < 3.5 && (battle.y[unit] - 16.0).abs() < 3.5, "{unit} {x}");
        }
    }
}

#[test]
fn procedural_teams_mirror_or_surround_each_other_and_have_the_same_types() {
    let mut field = Field::new("smacv2_10_units", "");
    let (mut mirrored, mut kinds) = (0, [0_u32; 6]);
    let (mut inside, mut cornered) = ([0; 2], 0);
    for _ in 0..2000 {
        field.reset();
        let battle = &field.env.battle;
        assert_eq!(battle.kind[..10], battle.kind[10..20]);
        battle.kind[..10].iter().for_each(|&kind| kinds[usize::from(kind)] += 1);
        let central = |team: std::ops::Range<usize>| {
            let (dx, dy) = team.fold((0.0_f32, 0.0_f32), |(dx, dy), unit| {
                (dx.max((battle.x[unit] - 16.0).abs()), dy.max((battle.y[unit] - 16.0).abs()))
            });
            dx.max(dy) < 5.0
        };
        if (0..10).all(|unit| (battle.x[unit] + battle.x[unit + 10] - 32.0).abs() < 1.5) {
            mirrored += 1;
        } else if central(0..10) {
            inside[0] += 1;
        } else if central(10..20) {
            inside[1] += 1;
        }
        cornered += usize::from((0..20).any(|unit| battle.x[unit] < 0.0 || battle.y[unit] > 32.0));
    }
    // Six standard deviations of fair draws.
    assert!((1000_i32 - mirrored).abs() < 140, "{mirrored}");
    assert!(inside.iter().all(|&count: &i32| (500 - count).abs() < 120), "{inside:?}");
    assert!(kinds.iter().all(|&count| count.abs_diff(3333) < 320), "{kinds:?}");
    // As in JaxMARL, a group near a corner may start outside the map.
    assert!(cornered > 0);
}

#[test]
fn a_scripted_enemy_shoots_the_closest_and_stays_with_it() {
    let mut field = Field::new("3m", "deterministic = true");
    for (unit, x, y) in [(0, 10.0, 18.0), (1, 11.0, 16.0), (2, 12.0, 14.0), (3, 14.0, 16.0)] {
        put(&mut field, unit, x, y);
    }
    put(&mut field, 4, 30.0, 5.0);
    put(&mut field, 5, 30.0, 28.0);
    field.rewrite();
    // Enemy 0 counts allies backwards. Ally 2 is at 2.83, ally 1 at 3: slot 0 is ally 2.
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK);
    // Ally 1 comes nearer, but ally 2 is still within range.
    put(&mut field, 1, 13.0, 16.0);
    field.rewrite();
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK);
    // Once it is out of range, the closest is chosen anew.
    put(&mut field, 2, 12.0, 4.0);
    field.rewrite();
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK + 1);
}

#[test]
fn a_scripted_enemy_that_may_not_shoot_only_walks() {
    let mut field = Field::new("8m", "enemy_shoots = false\nwalls_cause_death = false");
    for _ in 0..101 {
        field.step(&[STOP; 8]);
        assert!(field.env.battle.action[8..16].iter().all(|&action| action < STOP));
    }
    assert_eq!(field.rows.info, [0.0, 0.0, 0.0]);
}

#[test]
fn the_conic_observation_sorts_units_into_sections() {
    // East is section 16 and its lower neighbour 15; units on the axis are in none.
    for (dx, dy, section) in [
        (1.0, 0.1, Some(16)),
        (1.0, -0.1, Some(15)),
        (0.1, 1.0, Some(23)),
        (0.0, 1.0, Some(24)),
        (-0.1, 1.0, Some(24)),
        (-1.0, 0.1, Some(31)),
        (-1.0, -0.1, Some(0)),
        (-0.1, -1.0, Some(7)),
        (0.1, -1.0, Some(8)),
        (1.0, 0.99, Some(19)),
        (1.0, 1.01, Some(20)),
        (1.0, 0.0, None),
        (-1.0, 0.0, None),
        (0.0, -1.0, None),
        (0.0, 0.0, None),
    ] {
        assert_eq!(conic::section(dx, dy), section, "{dx} {dy}");
    }
    let mut field = Field::new("3m", "observation_type = \"conic\"");
    for (unit, x, y) in [(0, 10.0, 10.0), (1, 12.0, 10.2), (2, 13.0, 10.3), (3, 14.0, 10.4)] {
        put(&mut field, unit, x, y);
    }
    put(&mut field, 4, 10.0, 28.0);
    put(&mut field, 5, 12.0, 10.0);
    field.rewrite();
    let rows: Vec<&[f32]> = field.rows.obs[..832].chunks_exact(13).collect();
    let shown: Vec<usize> = (0..64).filter(|&row| rows[row].iter().any(|&x| x != 0.0)).collect();
    // Section 16 has room for units 1 and 2, not for unit 3; unit 5 is exactly east of ally 0.
    assert_eq!(shown, [32, 33]);
    assert!((rows[33][1] - 3.0 / 9.0).abs() < 1e-6);
    // Nobody is shown the first ally.
    let second = &field.rows.obs[842..][..832];
    assert!(second.chunks_exact(13).all(|row| row[1] >= 0.0));
}
