//! Starting positions, the scripted policy, and the conic observation.

use super::*;

#[test]
fn fixed_teams_start_around_the_centres_of_their_halves() {
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
fn a_scripted_enemy_shoots_the_closest_and_keeps_its_target() {
    let mut field = Field::new("3m", "deterministic = true");
    for (unit, x, y) in [(0, 10.0, 18.0), (1, 11.0, 16.0), (2, 12.0, 14.0), (3, 14.0, 16.0)] {
        field.put(unit, x, y);
    }
    field.put(4, 30.0, 5.0);
    field.put(5, 30.0, 28.0);
    field.rewrite();
    // Enemy 0 counts allies backwards. Ally 2 is at 2.83, ally 1 at 3: slot 0 is ally 2.
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK);
    // Ally 1 comes nearer, but ally 2 is still within range.
    field.put(1, 13.0, 16.0);
    field.rewrite();
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK);
    // Once the target is out of range, the closest is chosen again.
    field.put(2, 12.0, 4.0);
    field.rewrite();
    field.step(&[STOP; 3]);
    assert_eq!(field.env.battle.action[3], ATTACK + 1);
}

#[test]
fn a_scripted_enemy_that_cannot_shoot_only_walks() {
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
        assert_eq!(conic_observation::section(dx, dy), section, "{dx} {dy}");
    }
    let mut field = Field::new("3m", "observation_type = \"conic\"");
    for (unit, x, y) in [(0, 10.0, 10.0), (1, 12.0, 10.2), (2, 13.0, 10.3), (3, 14.0, 10.4)] {
        field.put(unit, x, y);
    }
    field.put(4, 10.0, 28.0);
    field.put(5, 12.0, 10.0);
    field.rewrite();
    let rows: Vec<&[f32]> = field.rows.obs[..832].chunks_exact(13).collect();
    let shown: Vec<usize> = (0..64).filter(|&row| rows[row].iter().any(|&x| x != 0.0)).collect();
    // Section 16 has room for units 1 and 2, not for unit 3; unit 5 is exactly east of ally 0.
    assert_eq!(shown, [32, 33]);
    assert!((rows[33][1] - 3.0 / 9.0).abs() < 1e-6);
    // The first ally is never visible.
    let second = &field.rows.obs[842..][..832];
    assert!(second.chunks_exact(13).all(|row| row[1] >= 0.0));
}
