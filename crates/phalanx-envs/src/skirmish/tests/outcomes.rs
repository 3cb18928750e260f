use super::*;

/// Returns both teams under an attack-move to the other's spawn, the second a mirror image of the
/// first.
fn mirrored(name: &str, deterministic: bool) -> Battle {
    let map = Map::named(name).expect("a built-in map");
    let args = SkirmishArgs { deterministic, ..Default::default() };
    Battle::new(&map, &args)
}

fn face_off(battle: &mut Battle, map: &Map, exactly: bool, rng: &mut Rng) {
    battle.spawn(&map.rosters(), map.enemy_order, rng);
    let n = battle.n_allies;
    for i in 0..n {
        battle.units.order[i] = Order::AttackMove { x: 23.0, y: 16.0 };
        if exactly {
            battle.units.x[i] = 32.0 - battle.units.x[n + i];
            battle.units.y[i] = battle.units.y[n + i];
        }
    }
}

#[test]
fn without_chance_mirrored_teams_stay_mirror_images() {
    for name in ["3m", "8m", "25m", "2s3z", "3s5z", "1c3s5z", "MMM"] {
        let map = Map::named(name).expect("a built-in map");
        let mut battle = mirrored(name, true);
        let mut rng = Rng::stream(2, Purpose::Check, 0);
        face_off(&mut battle, &map, true, &mut rng);
        for tick in 0..600 {
            battle.play(1, &mut rng);
            let (units, n) = (&battle.units, battle.n_allies);
            for i in 0..n {
                assert_eq!(units.health[i], units.health[n + i], "{name}, loop {tick}, unit {i}");
                assert!(
                    (units.x[i] + units.x[n + i] - 32.0).abs() < 0.01
                        && (units.y[i] - units.y[n + i]).abs() < 0.01,
                    "{name}, loop {tick}, unit {i}"
                );
            }
        }
        let fights = |i: usize| battle.units.alive(i) && battle.stats[i].armed;
        assert!(!(0..battle.len()).any(fights), "{name}: they kill each other");
    }
}

#[test]
fn battles_are_fair() {
    let map = Map::named("3m").expect("a built-in map");
    let mut battle = mirrored("3m", false);
    let mut rng = Rng::stream(3, Purpose::Check, 0);
    let (mut won, mut lost) = (0_i32, 0_i32);
    for _ in 0..2000 {
        face_off(&mut battle, &map, false, &mut rng);
        for _ in 0..2000 {
            battle.play(1, &mut rng);
            let allies = battle.any_alive(0..3);
            let enemies = battle.any_alive(3..6);
            if !allies || !enemies {
                won += i32::from(allies);
                lost += i32::from(enemies);
                break;
            }
        }
    }
    assert!(won + lost > 1800, "{won} won, {lost} lost");
    // Four standard deviations of a fair coin.
    assert!(f64::from((won - lost).abs()) < 4.0 * f64::from(won + lost).sqrt(), "{won}, {lost}");
}

#[test]
fn the_order_of_units_changes_nothing() {
    let map = Map::named("8m").expect("a built-in map");
    let mut backwards = map.clone();
    backwards.enemies.reverse();
    let args = SkirmishArgs { deterministic: true, ..Default::default() };
    let mut rng = Rng::stream(4, Purpose::Check, 0);
    let mut battles = [Battle::new(&map, &args), Battle::new(&backwards, &args)];
    face_off(&mut battles[0], &map, false, &mut rng);
    face_off(&mut battles[1], &backwards, false, &mut rng);
    let twin = |i: usize| if i < 8 { i } else { 23 - i };
    for i in 0..16 {
        battles[1].units.x[twin(i)] = battles[0].units.x[i];
        battles[1].units.y[twin(i)] = battles[0].units.y[i];
    }
    for tick in 0..500 {
        for battle in &mut battles {
            battle.play(1, &mut rng);
        }
        let (a, b) = (&battles[0].units, &battles[1].units);
        for i in 0..16 {
            assert_eq!(a.health[i], b.health[twin(i)], "loop {tick}, unit {i}");
            assert!((a.x[i] - b.x[twin(i)]).abs() < 1e-3, "loop {tick}, unit {i}");
        }
    }
}

#[test]
fn a_full_victory_without_recovery_is_worth_exactly_twenty_on_every_map() {
    for (name, _) in MAPS {
        // With generated teams, the scale is that of the mean team; with healers, the
        // battle ends before they are dead.
        let map = Map::named(name).expect("the built-in map is valid");
        let heals = |placed: &Spawn| UNITS[placed.unit].heal.is_some();
        if map.generate.is_some() || map.enemies.iter().any(heals) {
            continue;
        }
        let mut field = Field::new(name, "heuristic_ai = true\nepisode_limit = 1000\nstep_mul = 1");
        let n_allies = field.env.battle.n_allies;
        for stats in &mut field.env.battle.stats {
            stats.regeneration = 0.0;
        }
        let mut total = 0.0_f64;
        loop {
            // Allies that cannot die, so that every map is won, and shields that do not regenerate.
            field.units().health[..n_allies].fill(1000.0);
            field.units().unharmed.fill(0.0);
            let outcome = field.step(&field.idle());
            total += f64::from(outcome.reward);
            if outcome.status.is_over() {
                assert_eq!(outcome.status, StepStatus::Terminated);
                break;
            }
        }
        assert_eq!(field.rows.info[0], 1.0, "{name}");
        assert!((total - 20.0).abs() < 1e-4, "{name}: {total}");
        // With regeneration, there is no largest return.
        let regains = field.env.battle.stats[n_allies..].iter().any(|stats| {
            let unit = stats.unit;
            unit.shield > 0.0 || unit.regeneration > 0.0 || unit.heal.is_some()
        });
        assert_eq!(field.env.spec().max_return, (!regains).then_some(20.0), "{name}");
    }
}

#[test]
fn the_first_kill_of_3m_is_worth_3_0137() {
    let mut field = Field::peaceful("3m", "deterministic = true");
    field.put(0, 10.0, 16.0);
    field.put(3, 14.0, 16.0);
    field.rewrite();
    let mut total = 0.0;
    while field.units().alive(3) {
        total += field.step(&[ATTACK, STOP, STOP]).reward;
    }
    assert!((total - 3.0137).abs() < 1e-4, "{total}");
}

#[test]
fn the_reward_is_the_damage_of_the_enemies() {
    let mut field = Field::new("8m", "");
    let mut player = Rng::stream(5, Purpose::ScriptedPolicy, 0);
    for _ in 0..20 {
        field.reset();
        let mut paid = 0.0;
        loop {
            let actions = field.random_actions(&mut player);
            let outcome = field.step(&actions);
            paid += f64::from(outcome.reward) * 32.0;
            if outcome.status.is_over() {
                break;
            }
        }
        let left: f32 = field.units().health[8..].iter().sum();
        let owed = 360.0 - f64::from(left) + 10.0 * f64::from(field.rows.info[2]);
        assert!((paid - owed - 200.0 * f64::from(field.rows.info[0])).abs() < 1e-3);
    }
}

#[test]
fn a_timeout_ends_the_episode_without_a_bonus() {
    let mut field = Field::peaceful("3m", "");
    for step in 1..=60 {
        let outcome = field.step(&field.idle());
        assert_eq!(outcome.reward, 0.0);
        assert_eq!(
            outcome.status,
            if step < 60 { StepStatus::Running } else { StepStatus::Truncated }
        );
    }
    assert_eq!(field.rows.info, [0.0; 3]);
    assert!(field.env.spec().timeout_is_terminal);
    assert!(!Field::new("3m", "continuing_episode = true").env.spec().timeout_is_terminal);
}

#[test]
fn defeat_and_sparse_victory_are_rewarded_as_in_smac() {
    for (args, team, reward, won) in [
        ("", 0..3, 0.0, 0.0),
        ("reward_defeat = -73.0", 0..3, -4.0, 0.0),
        ("reward_sparse = true", 3..6, 1.0 / 18.25, 1.0),
        ("reward_sparse = true", 0..3, -1.0 / 18.25, 0.0),
    ] {
        let mut field = Field::new("3m", args);
        for unit in team {
            field.kill(unit);
        }
        field.rewrite();
        let outcome = field.step(&field.idle());
        assert_eq!(outcome, StepResult { reward, status: StepStatus::Terminated }, "{args}");
        assert_eq!(field.rows.info[0], won, "{args}");
    }
}

/// Returns the share of 200 battles that SMAC's scripted policy wins.
fn heuristic_win_rate(name: &str) -> f64 {
    let mut field = Field::new(name, "heuristic_ai = true");
    let mut won = 0;
    for _ in 0..200 {
        field.reset();
        while !field.step(&field.idle()).status.is_over() {}
        won += u32::from(field.rows.info[0] == 1.0);
    }
    f64::from(won) / 200.0
}

#[test]
fn attacking_the_nearest_wins_as_often_as_in_smac() {
    // The win rates of the same policy in SMAC, as its paper reports them.
    for (name, smac) in [("5m_vs_6m", 0.0), ("10m_vs_11m", 0.12), ("27m_vs_30m", 0.0)] {
        let rate = heuristic_win_rate(name);
        assert!((rate - smac).abs() <= 0.15, "{name}: {rate}, not {smac}");
    }
    // Between equal teams it often wins.
    assert!(heuristic_win_rate("3m") >= 0.2);
}

#[test]
fn random_play_never_wins() {
    let mut field = Field::new("3m", "");
    let mut player = Rng::stream(6, Purpose::ScriptedPolicy, 0);
    for _ in 0..200 {
        field.reset();
        loop {
            let actions = field.random_actions(&mut player);
            if field.step(&actions).status.is_over() {
                break;
            }
        }
        assert_eq!(field.rows.info[0], 0.0);
    }
}

#[test]
fn the_scripted_policy_chooses_available_actions() {
    let mut field = Field::new("10m_vs_11m", "");
    let mut actions = vec![0; 10];
    for _ in 0..20 {
        field.reset();
        loop {
            field.env.scripted_actions(0, &field.rows.avail, &mut field.rng, &mut actions);
            // `step` rejects unavailable actions.
            if field.step(&actions).status.is_over() {
                break;
            }
        }
        assert!(field.rows.info[2] > 0.0, "it fights");
    }
}
