//! The damage and speed of every unit's weapon: a table of hits and times to kill.

use super::*;
use crate::skirmish::engine::{Hit, unit_index};

/// Two units of one kind against two of another on open ground, without chance, far apart.
fn range_course(attacker: &str, target: &str) -> Battle {
    let text = arena("open", &at(attacker, 2, (4.0, 4.0)), &at(target, 2, (28.0, 28.0)));
    let map = Map::parse(&text).expect("a valid map");
    let args = SkirmishArgs { deterministic: true, ..Default::default() };
    let mut battle = Battle::new(&map, &args);
    battle.spawn(&map.rosters(), map.enemy_order, &mut Rng::stream(0, Purpose::Check, 0));
    for enemy in [2, 3] {
        battle.units.command(enemy, Order::Hold, NO_UNIT);
    }
    put(&mut battle, 0, 12.0, 16.0);
    put(&mut battle, 1, 2.0, 2.0);
    battle
}

fn put(battle: &mut Battle, unit: usize, x: f32, y: f32) {
    battle.units.x[unit] = x;
    battle.units.y[unit] = y;
}

/// Places unit 2 to the east of unit 0, with this distance between their edges, and attacks it.
fn engage(battle: &mut Battle, gap: f32) {
    let distance = battle.stats[0].radius + battle.stats[2].radius + gap;
    put(battle, 2, 12.0 + distance, 16.0);
    battle.units.command(0, Order::Attack, 2);
}

fn advance(battle: &mut Battle) {
    battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
}

fn toughness(battle: &Battle, unit: usize) -> f32 {
    battle.units.health[unit] + battle.units.shield[unit]
}

/// Returns the loops in which unit 2 took damage, until it is dead.
fn hits_until_death(battle: &mut Battle) -> Vec<u32> {
    let mut hits = Vec::new();
    for tick in 0..2000 {
        let before = toughness(battle, 2);
        advance(battle);
        if toughness(battle, 2) < before {
            hits.push(tick);
        }
        if !battle.units.alive(2) {
            return hits;
        }
    }
    panic!("the unit never dies");
}

#[test]
fn hits_and_times_to_kill_are_those_of_the_game_data() {
    // Attacker, target, hits, loops: (volleys - 1) periods. Computed from the data by hand.
    let table = [
        ("marine", "marine", 8, 96.4),
        ("marine", "marauder", 25, 330.5),
        ("marine", "medivac", 30, 399.4),
        ("marine", "zealot", 29, 385.6),
        ("marauder", "marine", 5, 96.0),
        ("marauder", "marauder", 7, 144.0),
        ("zealot", "marine", 6, 38.4),
        ("zealot", "zealot", 21, 192.0),
        ("zealot", "stalker", 22, 192.0),
        ("zealot", "colossus", 48, 441.6),
        ("stalker", "stalker", 12, 253.4),
        ("stalker", "zealot", 17, 368.6),
        ("stalker", "colossus", 27, 599.0),
        ("stalker", "spine_crawler", 25, 553.0),
        ("spine_crawler", "stalker", 6, 128.0),
        ("colossus", "zealot", 8, 105.6),
        ("colossus", "stalker", 9, 140.8),
        ("colossus", "colossus", 19, 316.8),
        ("colossus", "zergling", 2, 0.0),
        ("zergling", "zealot", 35, 378.6),
        ("zergling", "colossus", 80, 879.7),
        ("zergling", "zergling", 7, 66.8),
        ("zergling", "baneling", 6, 55.7),
        ("zealot", "zergling", 5, 38.4),
        ("zealot", "baneling", 4, 19.2),
        ("hydralisk", "zealot", 14, 172.6),
        ("zealot", "hydralisk", 10, 76.8),
        ("hydralisk", "hydralisk", 7, 79.7),
    ];
    for (attacker, target, n_hits, loops) in table {
        let mut battle = range_course(attacker, target);
        battle.stats[2].regeneration = 0.0;
        engage(&mut battle, 0.05);
        let hits = hits_until_death(&mut battle);
        assert_eq!(hits.len(), n_hits, "{attacker} on {target}");
        let weapon = battle.stats[0].unit.weapon.expect("the unit has a weapon");
        // The last hit of a volley is later than its first by the interval between them.
        let volleys = n_hits.div_ceil(weapon.hits as usize);
        let within = (n_hits - (volleys - 1) * weapon.hits as usize - 1) as f32;
        let expected = loops + within * weapon.hit_interval * 16.0;
        let taken = (hits[n_hits - 1] - hits[0]) as f32;
        // Periods and the interval within a volley are rounded up to whole loops.
        let late = taken - expected;
        assert!((-1.0..2.0).contains(&late), "{attacker} on {target}: {taken}, not {expected}");
    }
}

#[test]
fn banelings_need_the_bursts_of_the_game_data() {
    for (target, n_hits) in [("zealot", 5), ("zergling", 1), ("baneling", 2)] {
        let row = |name| UNITS[unit_index(name).expect("the unit exists")];
        let (weapon, target) =
            (row("baneling").weapon.expect("the unit has a weapon"), row(target));
        let (mut health, mut shield, mut hits) = (target.health, target.shield, 0);
        while health > 0.0 {
            (health, shield) = super::strike(&weapon, &target, health, shield);
            hits += 1;
        }
        assert_eq!(hits, n_hits, "{}", target.name);
    }
}

#[test]
fn every_weapon_fires_once_a_period_plus_half_a_loop() {
    for unit in UNITS.iter().filter(|unit| unit.weapon.is_some() && !unit.explodes) {
        let mut battle = range_course(unit.name, "colossus");
        let period = battle.stats[0].period;
        engage(&mut battle, 0.05);
        for (chance, low, high, mean) in [(false, 0.0, 0.0, 0.0), (true, -1.0, 2.0, 0.5)] {
            battle.set_deterministic(!chance);
            let mut rng = Rng::stream(1, Purpose::Check, 0);
            let (mut fired, mut loops) = (Vec::new(), 0_u32);
            while fired.len() < 1000 {
                let before = battle.units.cooldown[0];
                battle.play(1, &mut rng);
                battle.units.health[2] = 200.0;
                loops += 1;
                if battle.units.cooldown[0] > before {
                    fired.push(loops);
                }
            }
            let gaps: Vec<f32> =
                fired.windows(2).skip(1).map(|pair| (pair[1] - pair[0]) as f32).collect();
            // Whole loops round either way.
            let fits = |&gap: &f32| gap > period + low - 1.0 && gap < period + high + 1.0;
            assert!(gaps.iter().all(fits), "{}: {gaps:?}", unit.name);
            let average = gaps.iter().sum::<f32>() / gaps.len() as f32;
            // The delay's standard deviation is sqrt(3)/2; four standard errors.
            let slack = if chance { 4.0 * 0.866 / 31.0 } else { 0.01 };
            assert!((average - period - mean).abs() <= slack, "{}: {average}", unit.name);
        }
    }
}

#[test]
fn a_missile_lands_even_if_its_shooter_dies() {
    for (attacker, speed) in [("marauder", 20.0), ("stalker", 18.75), ("hydralisk", 40.0)] {
        let mut instant = range_course("marine", "colossus");
        engage(&mut instant, 4.5);
        let first = hits_after_launch(&mut instant, false);
        assert_eq!(first, 0, "a bullet lands in the loop of the shot");
        for dies in [false, true] {
            let mut battle = range_course(attacker, "colossus");
            engage(&mut battle, 4.5);
            let flight = 4.5_f32 / speed * 16.0;
            assert_eq!(hits_after_launch(&mut battle, dies), flight.ceil() as u32, "{attacker}");
        }
    }
}

/// Returns the loops from the launch of the first shot to its damage.
fn hits_after_launch(battle: &mut Battle, shooter_dies: bool) -> u32 {
    let mut launched = None;
    for tick in 0..100 {
        let before = toughness(battle, 2);
        let cooldown = battle.units.cooldown[0];
        advance(battle);
        if battle.units.cooldown[0] > cooldown {
            launched = Some(tick);
            if shooter_dies {
                battle.units.health[0] = 0.0;
            }
        }
        if toughness(battle, 2) < before {
            return tick - launched.expect("the unit was shot at");
        }
    }
    panic!("nothing hits");
}

#[test]
fn a_colossus_hits_only_what_its_line_touches() {
    // The aim is along x, so the line runs along y through the target.
    let mut battle = range_course("colossus", "zergling");
    battle.stats[2].regeneration = 0.0;
    let reach = 1.25 + 0.15 + 0.375;
    for (dx, dy, hit) in [
        (0.0, reach - 0.01, true),
        (0.0, reach + 0.01, false),
        (0.15 + 0.375 - 0.01, 1.0, true),
        (0.15 + 0.375 + 0.01, 1.0, false),
        (0.0, -reach + 0.01, true),
    ] {
        battle.units.health.fill(35.0);
        battle.units.hits.clear();
        engage(&mut battle, 3.0);
        battle.units.cooldown[0] = 0.0;
        let (x, y) = (battle.units.x[2], battle.units.y[2]);
        put(&mut battle, 3, x + dx, y + dy);
        for _ in 0..10 {
            advance(&mut battle);
        }
        assert_eq!(battle.units.health[2], 0.0, "two beams of 20 kill the target");
        assert_eq!(battle.units.health[3] < 35.0, hit, "at ({dx}, {dy})");
        assert_eq!(battle.units.health[..2], [35.0; 2], "comrades are spared");
    }
}

#[test]
fn a_baneling_bursts_once_when_it_attacks_or_is_killed() {
    for killed in [false, true] {
        for (name, lost) in [("zealot", 35.0), ("stalker", 20.0)] {
            for (gap, hit) in [(2.19, true), (2.21, false)] {
                let mut battle = range_course("baneling", name);
                let start = toughness(&battle, 3);
                engage(&mut battle, 0.2);
                let distance = battle.stats[3].radius + gap;
                put(&mut battle, 3, 12.0, 16.0 + distance);
                put(&mut battle, 1, 12.0, 14.5);
                if killed {
                    let (place, along) = ((12.0, 16.0), (0.0, 0.0));
                    battle.units.health[0] = 0.1;
                    battle.units.hits.push(Hit { due: 0.0, from: 2, to: 0, place, along });
                    battle.units.command(0, Order::Hold, NO_UNIT);
                }
                for _ in 0..20 {
                    advance(&mut battle);
                }
                assert!(!battle.units.alive(0), "the baneling dies");
                assert!((start - toughness(&battle, 2) - lost).abs() < 1e-4, "{name}: once");
                assert_eq!(toughness(&battle, 3) < start, hit, "{name} at {gap}");
                assert_eq!(battle.units.health[1], 30.0, "comrades are spared");
            }
        }
    }
}

#[test]
fn bursts_set_off_bursts() {
    let mut battle = range_course("baneling", "baneling");
    put(&mut battle, 1, 14.0, 16.0);
    put(&mut battle, 2, 13.0, 16.0);
    put(&mut battle, 3, 15.0, 16.0);
    battle.units.health.fill(19.0);
    battle.units.command(0, Order::Attack, 2);
    for _ in 0..8 {
        advance(&mut battle);
    }
    assert!(!battle.any_alive(0..4), "{:?}", battle.units.health);
}

#[test]
fn ground_weapons_do_not_hit_flyers() {
    for unit in UNITS.iter().filter(|unit| unit.weapon.is_some()) {
        let weapon = unit.weapon.expect("the unit has a weapon");
        let mut battle = range_course(unit.name, "medivac");
        engage(&mut battle, 0.05);
        battle.units.command(0, Order::AttackMove { x: 30.0, y: 16.0 }, NO_UNIT);
        for _ in 0..40 {
            advance(&mut battle);
        }
        assert_eq!(toughness(&battle, 2) < 150.0, weapon.hits_flying, "{}", unit.name);
    }
}
