//! Regeneration and healing.

use super::*;

/// Returns a battle on open ground in which no unit attacks.
fn field(allies: &str, enemies: &str) -> Field {
    let mut field = Field::written(&arena("open", allies, enemies), "deterministic = true");
    field.pacify();
    field
}

/// Units of one kind on the middle line.
fn group(unit: &str, count: usize, x: f32) -> String {
    at(unit, count, (x, 16.0))
}

#[test]
fn a_shield_grows_by_one_a_step_after_twenty_steps_without_damage() {
    let mut field = field(&group("stalker", 1, 4.0), &group("zealot", 1, 28.0));
    field.units().shield[0] = 10.0;
    field.units().unharmed[0] = 0.0;
    for step in 1..=40 {
        field.step(&field.idle());
        let expected = 10.0 + (step - 20).max(0) as f32;
        assert!((field.units().shield[0] - expected).abs() < 1e-4, "step {step}");
    }
    field.units().unharmed[0] = 0.0;
    field.step(&field.idle());
    assert!((field.units().shield[0] - 30.0).abs() < 1e-4, "damage stops it");
    for _ in 0..100 {
        field.step(&field.idle());
    }
    assert_eq!(field.units().shield[0], 80.0);
}

#[test]
fn only_zerg_units_regain_health() {
    for unit in UNITS {
        let mut field = field(&group(unit.name, 1, 4.0), &group("marine", 1, 28.0));
        field.units().health[0] = 20.0;
        field.step(&field.idle());
        let gained = field.units().health[0] - 20.0;
        let expected = if unit.race == Race::Zerg { 0.1367 } else { 0.0 };
        assert!((gained - expected).abs() < 1e-4, "{}: {gained}", unit.name);
    }
}

#[test]
fn a_medivac_heals_4_5_a_step_for_a_third_as_much_energy() {
    // Sorted by type: the marine is agent 0, the medivac agent 1.
    let allies = [group("medivac", 1, 8.0), group("marine", 1, 9.0)].join(", ");
    let mut field = field(&allies, &group("marine", 1, 28.0));
    field.units().health[0] = 10.0;
    field.rewrite();
    let energy = field.units().energy[1];
    assert_eq!(energy, 50.0);
    field.step(&[STOP, ATTACK]);
    let gained = field.units().energy[1] - energy;
    assert!((field.units().health[0] - 14.5).abs() < 1e-3);
    assert!((gained - (0.281_25 - 1.485)).abs() < 1e-3, "{gained}");
    // Without injured allies its energy only grows, up to 200.
    field.units().health[0] = 45.0;
    let energy = field.units().energy[1];
    field.step(&[STOP, ATTACK]);
    assert!((field.units().energy[1] - energy - 0.281_25).abs() < 1e-4);
    field.units().energy[1] = 199.9;
    field.step(&[STOP, ATTACK]);
    assert_eq!(field.units().energy[1], 200.0);
    // Without energy it heals only as much as it gains.
    field.units().health[0] = 10.0;
    field.units().energy[1] = 0.0;
    field.step(&[STOP, ATTACK]);
    let healed = field.units().health[0] - 10.0;
    assert!((healed - 0.281_25 / 0.33).abs() < 1e-3, "{healed}");
}

#[test]
fn a_medivac_flies_up_to_its_patient_and_heals_within_four() {
    let allies = [group("medivac", 1, 8.0), group("marine", 1, 13.9)].join(", ");
    let mut field = field(&allies, &group("marine", 1, 28.0));
    field.units().health[0] = 10.0;
    field.rewrite();
    assert!(field.mask(1)[usize::from(ATTACK)], "within 6");
    for _ in 0..4 {
        field.step(&[STOP, ATTACK]);
    }
    // Four between edges is 5.125 between centres.
    let distance = field.units().distance_squared(0, 1).sqrt();
    assert!((4.8..=5.125).contains(&distance), "{distance}");
    assert!(field.units().health[0] > 10.0);
}

#[test]
fn two_medivacs_do_not_heal_one_unit_at_once_and_never_a_machine() {
    let allies =
        [group("medivac", 2, 8.0), group("marine", 1, 9.0), group("stalker", 1, 7.0)].join(", ");
    let mut field = field(&allies, &group("marine", 1, 28.0));
    // Agent 0 is the marine, 1 and 2 the medivacs, 3 the stalker.
    assert_eq!(field.env.battle.stats[3].unit.name, "stalker");
    field.units().health[0] = 10.0;
    field.units().health[3] = 10.0;
    field.rewrite();
    field.step(&[STOP, ATTACK, ATTACK, STOP]);
    assert!((field.units().health[0] - 14.5).abs() < 1e-3);
    field.step(&[STOP, ATTACK + 3, ATTACK + 3, STOP]);
    assert_eq!(field.units().health[3], 10.0);
}

#[test]
fn an_enemy_medivac_heals_the_most_injured_unit_on_its_own() {
    let enemies = [group("marine", 3, 26.0), group("medivac", 1, 24.0)].join(", ");
    let mut field = field(&group("marine", 1, 4.0), &enemies);
    let medivac = field.env.battle.len() - 1;
    let (x, y) = (field.units().x[medivac], field.units().y[medivac]);
    field.units().order[medivac] = Order::AttackMove { x, y };
    field.units().health[1..4].copy_from_slice(&[40.0, 20.0, 30.0]);
    field.step(&[STOP]);
    let healed = field.units().health[2];
    // It searches for a target before it heals, so the first loop is lost.
    assert!(healed > 23.9, "{healed}");
    assert_eq!((field.units().health[1], field.units().health[3]), (40.0, 30.0));
    for _ in 0..20 {
        field.step(&[STOP]);
    }
    assert_eq!(field.units().health[1..4], [45.0; 3], "then the others");
}
