//! The rules: movement, collision, shots, death, rewards.

use super::*;

/// Two teams of three marines, each unit far from all others.
fn apart(args: &str) -> Field {
    let mut field = Field::new("3m", &format!("self_play = true\ndeterministic = true\n{args}"));
    for unit in 0..3 {
        field.put(unit, 6.0, 8.0 + 8.0 * unit as f32);
        field.put(unit + 3, 26.0, 8.0 + 8.0 * unit as f32);
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
        field.put(0, 0.1, 8.0);
        field.put(1, 0.3, 31.5);
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
fn two_overlapping_units_separate_until_they_touch() {
    let mut field = apart("");
    field.put(0, 10.0, 10.0);
    field.put(1, 10.3, 10.4);
    field.rewrite();
    field.step(&[STOP; 6]);
    let battle = &field.env.battle;
    // Half a cell apart along (0.6, 0.8); each moves by half of what is missing to 0.75.
    for (unit, x, y) in [(0, 9.925, 9.9), (1, 10.375, 10.5)] {
        assert!((battle.x[unit] - x).abs() < 1e-4 && (battle.y[unit] - y).abs() < 1e-4);
    }
}

#[test]
fn listed_pairs_are_bitwise_equal_to_all_pairs() {
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
                let actions: Vec<u16> = masks
                    .map(|mask| player.choose(mask).expect("an action is available") as u16)
                    .collect();
                // A survey in every step, of every pair.
                all.env.battle.refresh();
                let outcome = listed.step(&actions);
                assert_eq!(outcome, all.step(&actions));
                assert!(listed.rows.state == all.rows.state, "{name}");
                if outcome.status.is_over() {
                    break;
                }
            }
        }
    }
}

#[test]
fn the_dead_neither_move_nor_collide_nor_shoot() {
    let mut field = apart("");
    field.put(0, 10.0, 10.0);
    field.put(1, 10.2, 10.0);
    field.put(3, 12.0, 10.0);
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
fn both_teams_can_die_at_once_without_a_winner() {
    for zero_sum in [false, true] {
        let mut field = apart(&format!("use_self_play_reward = {zero_sum}"));
        for unit in [1, 2, 4, 5] {
            field.env.battle.health[unit] = 0.0;
        }
        field.put(0, 15.0, 16.0);
        field.put(3, 17.0, 16.0);
        field.env.battle.health[0] = 9.0;
        field.env.battle.health[3] = 9.0;
        field.rewrite();
        // Ally 0 attacks enemy 0; enemy 0 attacks ally 0, its last target.
        let outcome = field.step(&[5, STOP, STOP, 7, STOP, STOP]);
        assert_eq!(outcome.status, StepStatus::Terminated);
        assert_eq!(field.rows.alive, [false; 6]);
        let damage = if zero_sum { 0.0 } else { 9.0 / 45.0 / 3.0 };
        assert!((outcome.reward - damage).abs() < 1e-6);
        assert_eq!(field.rows.info, [0.0, 3.0, 3.0, outcome.reward]);
    }
}

#[test]
fn victory_earns_the_bonus_and_defeat_costs_it_only_in_self_play_rewards() {
    for (zero_sum, allied, enemy) in [(false, 9.0 / 135.0 + 1.0, 0.0), (true, 1.0, -1.0)] {
        let mut field = apart(&format!("use_self_play_reward = {zero_sum}"));
        field.put(0, 15.0, 16.0);
        field.put(3, 17.0, 16.0);
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
    field.put(0, 15.0, 16.0);
    field.put(3, 19.999, 16.0);
    field.rewrite();
    let attack = [5, STOP, STOP, STOP, STOP, STOP];
    // A marine needs 0.61 s and a step has 0.5 s, in loops of 1/16 s: shots fall in loops 0, 11,
    // 22, …, since 0.61 s is not over after 9 loops and is after 10.
    let health = [36.0, 27.0, 18.0, 18.0, 9.0];
    for (step, health) in health.into_iter().enumerate() {
        field.step(&attack);
        assert_eq!(field.env.battle.health[3], health, "step {step}");
    }
    field.put(3, 20.0, 16.0);
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
        field.put(0, 15.0, 16.0);
        field.put(3, 17.0, 16.0);
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
        let end = field.step(&[STOP; 6]).status;
        assert_eq!(end, if step == 101 { StepStatus::Truncated } else { StepStatus::Running });
    }
}
