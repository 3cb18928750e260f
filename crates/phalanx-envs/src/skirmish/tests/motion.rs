//! Movement of every type of unit.

use super::*;

fn field(unit: &str, terrain: &str, x: f32, y: f32) -> Field {
    let text = arena(terrain, &at(unit, 1, (x, y)), &at("marine", 1, (x, y)));
    // Creating units on one point packs teams separately; the enemy is put out of the way.
    let mut field = Field::written(&text, "deterministic = true\nstart_scatter = false");
    field.pacify();
    field.put(1, 30.0, 30.0);
    field
}

#[test]
fn every_unit_moves_at_its_speed() {
    let table = [
        ("marine", 1.125),
        ("marauder", 1.125),
        ("zealot", 1.125),
        ("colossus", 1.125),
        ("hydralisk", 1.125),
        ("stalker", 1.477),
        ("zergling", 1.477),
        ("baneling", 1.25),
        ("medivac", 1.375),
        ("spine_crawler", 0.0),
    ];
    assert_eq!(table.len(), UNITS.len());
    for (unit, displacement) in table {
        let mut field = field(unit, "open", 4.0, 16.0);
        let mut before = 0.0;
        // A flyer needs 19 loops to reach its speed.
        for _ in 0..8 {
            before = field.units().x[0];
            field.step(&[EAST]);
        }
        let walked = field.units().x[0] - before;
        assert!((walked - displacement).abs() < 1e-3, "{unit}: {walked}");
    }
}

#[test]
fn a_flyer_needs_time_to_reach_its_speed() {
    let mut field = field("medivac", "open", 4.0, 16.0);
    field.step(&[EAST]);
    let first = field.units().x[0] - 4.0;
    // Eight loops of acceleration: 2.3125 / 256 * (1 + 2 + ... + 8).
    assert!((first - 2.3125 / 256.0 * 36.0).abs() < 1e-3, "{first}");
    for _ in 0..2 {
        field.step(&[EAST]);
    }
    let before = field.units().x[0];
    field.step(&[EAST]);
    assert!((field.units().x[0] - before - 1.375).abs() < 1e-3);
    field.step(&[STOP]);
    let x = field.units().x[0];
    field.step(&[EAST]);
    assert!((field.units().x[0] - x - first).abs() < 1e-3, "it starts from rest");
}

#[test]
fn cliffs_stop_walkers_but_neither_colossi_nor_flyers() {
    // The bar of 2c_vs_64zg is two cells thick, from y = 12 to y = 14.
    for (unit, crosses) in
        [("zergling", false), ("stalker", false), ("colossus", true), ("medivac", true)]
    {
        let mut field = field(unit, "2c_vs_64zg", 16.0, 15.0);
        field.units().command(0, Order::Move { x: 16.0, y: 10.0 }, NO_UNIT);
        for _ in 0..40 {
            field.env.battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
        }
        let units = &field.env.battle.units;
        let straight = (units.x[0] - 16.0).abs() < 0.01 && units.y[0] < 12.0;
        assert_eq!(straight, crosses, "{unit} is at ({}, {})", units.x[0], units.y[0]);
        let walkable = field.env.battle.terrain.admits(units.x[0], units.y[0], 0.1);
        assert!(crosses || walkable, "{unit} is in a cliff");
    }
}

#[test]
fn only_units_that_move_alike_block_each_other() {
    for (unit, other, passes) in [
        ("marine", "zealot", false),
        ("colossus", "zealot", true),
        ("zealot", "colossus", true),
        ("colossus", "colossus", false),
        ("medivac", "zealot", true),
        ("medivac", "medivac", false),
    ] {
        let text = arena("open", &at(unit, 1, (4.0, 16.0)), &at(other, 1, (8.0, 16.0)));
        let mut field = Field::written(&text, "deterministic = true\nstart_scatter = false");
        field.pacify();
        field.units().command(0, Order::Move { x: 12.0, y: 16.0 }, NO_UNIT);
        let mut off = 0.0_f32;
        for _ in 0..80 {
            field.env.battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
            off = off.max((field.units().y[0] - 16.0).abs());
        }
        assert_eq!(off < 1e-3, passes, "{unit} past {other}: {off}");
    }
}

#[test]
fn fewer_zerglings_reach_a_zealot_in_the_choke_than_in_the_open() {
    let attackers = |x: f32, y: f32| {
        let mut field = Field::new("corridor", "deterministic = true");
        for zealot in 1..6 {
            field.kill(zealot);
        }
        field.put(0, x, y);
        let mut most = 0;
        for _ in 0..1000 {
            field.units().health[0] = 100.0;
            field.units().order[6..].fill(Order::AttackMove { x: 4.47, y: 4.33 });
            field.env.battle.play(1, &mut Rng::stream(0, Purpose::Check, 0));
            let battle = &field.env.battle;
            let biting = (6..30).filter(|&i| battle.units.alive(i) && battle.in_range(i, 0));
            most = most.max(biting.count());
        }
        most
    };
    let (choke, open) = (attackers(13.0, 13.0), attackers(20.0, 20.0));
    assert!(open >= 6, "{open} in the open");
    assert!(choke <= open / 2, "{choke} in the choke, {open} in the open");
}
