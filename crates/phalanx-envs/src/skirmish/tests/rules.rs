use super::*;
use crate::skirmish::engine::Hit;

/// Steps of one game loop, without chance, with enemies that do nothing.
fn range_course() -> Field {
    Field::peaceful("3m", "deterministic = true\nstep_mul = 1\nepisode_limit = 100000")
}

#[test]
fn a_marine_walks_1_125_per_step() {
    let mut field = Field::peaceful("3m", "");
    for (agent, (x, y)) in [(4.0, 16.0), (4.0, 12.0), (10.0, 20.0)].into_iter().enumerate() {
        field.put(agent, x, y);
    }
    field.rewrite();
    field.step(&[EAST, NORTH, WEST]);
    let units = field.units();
    for (agent, (x, y)) in [(5.125, 16.0), (4.0, 13.125), (8.875, 20.0)].into_iter().enumerate() {
        assert!((units.x[agent] - x).abs() < 1e-4 && (units.y[agent] - y).abs() < 1e-4);
    }
}

#[test]
fn a_move_ends_at_its_target() {
    let mut field = Field::peaceful("3m", "move_amount = 0.5");
    field.put(0, 4.0, 16.0);
    field.rewrite();
    field.step(&[EAST, STOP, STOP]);
    assert!((field.units().x[0] - 4.5).abs() < 1e-5);
}

#[test]
fn cliffs_stop_a_walker() {
    let mut field = Field::peaceful("3m", "");
    field.put(0, 4.0, 22.9);
    field.rewrite();
    field.step(&[NORTH, STOP, STOP]);
    let y = field.units().y[0];
    assert!((23.48..=23.625).contains(&y), "{y}");
}

/// Loops in which agent 0 hit enemy 0, which is healed again at once.
fn hits(field: &mut Field, loops: u32) -> Vec<u32> {
    field.put(0, 10.0, 16.0);
    field.put(1, 2.0, 10.0);
    field.put(2, 2.0, 12.0);
    field.put(3, 14.0, 16.0);
    field.rewrite();
    let mut hits = Vec::new();
    for tick in 0..loops {
        field.step(&[ATTACK, STOP, STOP]);
        if field.units().health[3] < 45.0 {
            assert_eq!(field.units().health[3], 39.0);
            field.units().health[3] = 45.0;
            hits.push(tick);
        }
    }
    hits
}

#[test]
fn eight_shots_take_seven_periods() {
    let hits = hits(&mut range_course(), 1000);
    // The first shot lands after the damage point of 0.8 loops.
    assert_eq!(hits[0], 1);
    let taken = hits[7] - hits[0];
    assert!((96.4..97.4).contains(&(taken as f32)), "{taken}");
    // Fractions of a loop carry over: 60 periods of 13.7728 loops.
    assert_eq!(hits[60] - hits[0], 827);
}

#[test]
fn the_random_delay_adds_half_a_loop_on_average() {
    let mut field = Field::peaceful("3m", "step_mul = 1\nepisode_limit = 1000000");
    let hits = hits(&mut field, 60_000);
    let gaps: Vec<u32> = hits.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // 13.7728 - 1 to 13.7728 + 2, rounded to whole loops either way.
    assert!(gaps.iter().all(|gap| (12..=16).contains(gap)), "{gaps:?}");
    let mean = gaps.iter().sum::<u32>() as f32 / gaps.len() as f32;
    // The delay's standard deviation is sqrt(3)/2; four standard errors of about 4 200 gaps.
    assert!((mean - 14.2728).abs() < 4.0 * 0.866 / 65.0, "{mean}");
}

#[test]
fn eight_hits_kill_a_marine() {
    let mut field = range_course();
    field.put(0, 10.0, 16.0);
    field.put(3, 14.0, 16.0);
    field.rewrite();
    let mut steps = 0;
    while field.units().alive(3) {
        field.step(&[ATTACK, STOP, STOP]);
        steps += 1;
    }
    // Seven periods of 13.7728 loops after the first hit in loop 1, counted from zero.
    assert_eq!(steps, 1 + 97 + 1);
}

#[test]
fn an_attack_order_walks_until_the_target_is_in_range() {
    let mut field = range_course();
    field.put(0, 10.0, 16.0);
    field.put(3, 15.95, 16.0);
    field.rewrite();
    field.step(&[ATTACK, STOP, STOP]);
    assert!(field.units().x[0] > 10.1);
    for _ in 0..3 {
        field.step(&[ATTACK, STOP, STOP]);
    }
    // Range 5 between edges: 5.75 between centres. One pace is 0.140625.
    let distance = 15.95 - field.units().x[0];
    assert!((5.75 - 0.140_625..=5.75).contains(&distance), "{distance}");
    assert_eq!(field.units().health[3], 39.0);
}

#[test]
fn a_target_may_slip_by_the_range_slop_while_the_shot_is_prepared() {
    for (slip, hit) in [(0.99, true), (1.01, false)] {
        let mut field = range_course();
        field.put(0, 10.0, 16.0);
        field.put(3, 15.75, 16.0);
        field.rewrite();
        field.step(&[ATTACK, STOP, STOP]);
        field.put(3, 15.75 + slip, 16.0);
        field.env.battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
        assert_eq!(field.units().health[3] < 45.0, hit, "slipped by {slip}");
    }
}

#[test]
fn another_order_cancels_a_shot_and_the_same_order_does_not() {
    for (action, hit) in [(ATTACK, true), (STOP, false), (NORTH, false)] {
        let mut field = range_course();
        field.put(0, 10.0, 16.0);
        field.put(3, 14.0, 16.0);
        field.rewrite();
        field.step(&[ATTACK, STOP, STOP]);
        field.step(&[action, STOP, STOP]);
        assert_eq!(field.units().health[3] < 45.0, hit, "action {action}");
        assert_eq!(field.units().cooldown[0] > 0.0, hit, "a cancelled shot costs no cooldown");
    }
}

#[test]
fn allies_never_attack_on_their_own() {
    let mut field = Field::new("3m", "");
    for _ in 0..15 {
        field.step(&field.idle());
    }
    assert_eq!(field.env.battle.units.health[3..], [45.0; 3]);
    assert!(field.units().health[..3].iter().any(|&health| health < 45.0));
}

#[test]
fn an_enemy_targets_the_nearest_unit_in_range() {
    let mut field = Field::new("3m", "");
    for (agent, y) in [10.0, 16.0, 22.0].into_iter().enumerate() {
        field.put(agent, 10.0, y);
    }
    field.kill(4);
    field.kill(5);
    // Five between edges is 5.75 between centres.
    for (x, target) in [(15.751, NO_UNIT), (15.75, 1)] {
        field.put(3, x, 16.0);
        field.env.battle.acquire();
        assert_eq!(field.units().target[3], target, "at {x}");
    }
    // It keeps its target when another unit comes nearer, and chooses a new one when the target is dead.
    field.put(0, 13.0, 16.0);
    field.env.battle.acquire();
    assert_eq!(field.units().target[3], 1);
    field.kill(1);
    field.env.battle.acquire();
    assert_eq!(field.units().target[3], 0);
}

#[test]
fn an_enemy_turns_from_a_target_out_of_range_to_an_attacker_in_range() {
    for (x, turned) in [(9.0, 0), (14.0, 1)] {
        let mut field = range_course();
        field.units().order[3] = Order::AttackMove { x: 9.0, y: 16.0 };
        field.units().target[3] = 1;
        field.put(3, 16.0, 16.0);
        field.put(0, 16.0, 12.0);
        field.put(1, x, 16.0);
        field.put(2, 2.0, 10.0);
        field.rewrite();
        field.step(&[ATTACK, STOP, STOP]);
        field.step(&[ATTACK, STOP, STOP]);
        assert_eq!(field.units().target[3], turned);
    }
}

#[test]
fn a_victim_calls_idle_comrades_within_four() {
    // Four between edges is 4.75 between centres.
    for (offset, helped) in [(4.74, true), (4.76, false)] {
        let mut field = range_course();
        let order = Order::AttackMove { x: 9.0, y: 16.0 };
        for (enemy, (x, y)) in [(3, (14.0, 16.0)), (4, (14.0 + offset, 16.0)), (5, (28.0, 9.0))] {
            field.put(enemy, x, y);
            field.units().order[enemy] = order;
        }
        field.put(0, 8.5, 16.0);
        field.put(1, 2.0, 10.0);
        field.put(2, 2.0, 12.0);
        let (place, along) = ((14.0, 16.0), (0.0, 0.0));
        field.units().hits.push(Hit { due: 0.0, from: 0, to: 3, place, along });
        field.env.battle.land_hits();
        assert_eq!(field.units().target[3], 0, "the victim fires back");
        assert_eq!(field.units().target[4], if helped { 0 } else { NO_UNIT }, "at {offset}");
        assert_eq!(field.units().target[5], NO_UNIT);
    }
}

#[test]
fn units_that_kill_each_other_both_die() {
    let mut field = Field::new("3m", "deterministic = true");
    for unit in [1, 2, 4, 5] {
        field.kill(unit);
    }
    field.put(0, 10.0, 16.0);
    field.put(3, 14.0, 16.0);
    field.units().health[0] = 6.0;
    field.units().health[3] = 6.0;
    field.rewrite();
    let outcome = field.step(&[ATTACK, NO_OP, NO_OP]);
    assert_eq!(outcome.status, StepStatus::Terminated);
    assert_eq!(outcome.reward, (6.0 + 10.0) / 18.25);
    assert_eq!(field.rows.info, [0.0, 3.0, 3.0]);
}

#[test]
fn walkers_flow_around_standing_comrades() {
    // The rear unit starts in the notch between two that shoot.
    let mut field = range_course();
    field.put(1, 10.0, 15.6);
    field.put(2, 10.0, 16.4);
    field.put(0, 9.36, 16.0);
    for (enemy, y) in [(3, 15.6), (4, 16.4), (5, 16.0)] {
        field.put(enemy, 15.3, y);
    }
    for (ally, target) in [(0, 5), (1, 3), (2, 4)] {
        field.units().command(ally, Order::Attack, target);
    }
    for _ in 0..60 {
        field.env.battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
        field.units().health[3..].fill(45.0);
    }
    assert!(field.units().cooldown[0] > 0.0, "it found a place to shoot from");
}

#[test]
fn a_crowd_stays_apart() {
    for name in ["8m", "25m", "27m_vs_30m"] {
        let mut field = Field::new(name, "heuristic_ai = true");
        let mut closest = f32::INFINITY;
        loop {
            let outcome = field.step(&field.idle());
            let units = &field.env.battle.units;
            for i in 0..field.env.battle.len() {
                for j in (0..i).filter(|&j| units.alive(i) && units.alive(j)) {
                    closest = closest.min(units.distance_squared(i, j).sqrt());
                }
            }
            if outcome.status.is_over() {
                break;
            }
        }
        // Touching units are 0.75 apart; a dense crowd may compress this by a quarter.
        assert!(closest > 0.75 * 0.75, "{name}: {closest}");
    }
}
