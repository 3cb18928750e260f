//! The interface for units of every type.

use super::*;

/// The columns of one-hot types and shields: `[first, distance, x, y, health, shield, types]`.
const ENEMY: usize = 4 + 2 + 2;

#[test]
fn a_medivac_can_heal_living_allies_within_six_except_medivacs() {
    let two =
        HEALERS.replace("\"medivac\", count = 1, at = [9.0", "\"medivac\", count = 2, at = [9.0");
    let mut field = Field::written(&two, "");
    assert_eq!(field.env.spec().n_actions, 6 + 5, "five agents against five enemies");
    for (unit, x) in [(0, 10.0), (1, 6.0), (2, 16.0), (3, 11.0), (4, 10.5)] {
        field.put(unit, x, 16.0);
    }
    field.put(5, 10.0, 17.0);
    field.rewrite();
    // The marauder in full health, a marine nearby and one at six; neither of the medivacs, nor
    // the enemy next to it.
    field.put(2, 10.0 + 6.0, 16.0);
    field.put(3, 10.0, 16.0);
    field.rewrite();
    assert_eq!(field.mask(3)[6..], [true, true, true, false, false]);
    field.put(2, 16.001, 16.0);
    field.kill(1);
    field.rewrite();
    assert_eq!(field.mask(3)[6..], [true, false, false, false, false]);
    // A marauder can target a medivac, which its weapon cannot hit.
    assert_eq!(field.env.battle.stats[5].unit.name, "medivac");
    assert!(field.mask(0)[6]);
}

#[test]
fn heal_slots_need_as_many_actions_as_there_are_allies() {
    let few = HEALERS.replace("\"marine\", count = 3", "\"marine\", count = 1");
    let few =
        few.replace("{ unit = \"marauder\", count = 1, at = [23.0, 16.0], type_bit = 0 },", "");
    let mut field = Field::written(&few, "");
    assert_eq!(field.env.spec().n_actions, 6 + 4);
    field.put(0, 10.0, 16.0);
    field.put(3, 11.0, 16.0);
    field.put(4, 9.5, 16.0);
    field.rewrite();
    assert!(field.mask(0)[6] && !field.mask(0)[8..].contains(&true), "two enemies to attack");
    assert!(field.mask(3)[6..9] == [true; 3] && !field.mask(3)[9]);
    let description = field.env.describe();
    assert_eq!(description.actions[8], "heal ally 2");
    assert!(description.actions[6].ends_with("or, as a medivac, heal ally 0"));
}

#[test]
fn a_heal_order_goes_to_the_ally_and_an_attack_to_the_enemy() {
    let mut field = Field::written(HEALERS, "");
    for unit in 0..9 {
        field.put(unit, 12.0 + 0.3 * unit as f32, 16.0);
    }
    field.pacify();
    field.rewrite();
    field.env.battle.units.health[1] = 20.0;
    field.step(&[6 + 2, STOP, STOP, 6 + 1]);
    assert_eq!(field.units().target[0], 4 + 2);
    assert_eq!((field.units().order[3], field.units().target[3]), (Order::Attack, 1));
}

#[test]
fn the_enemy_rows_of_a_medivac_show_whether_the_ally_of_that_index_can_be_healed() {
    let place = |args: &str| {
        let mut field = Field::written(HEALERS, args);
        for unit in 0..9 {
            field.put(unit, 12.0, 16.0);
        }
        field.put(2, 20.0, 16.0);
        field.rewrite();
        let rows = field.row(3)[4..].chunks_exact(8).take(5);
        rows.map(|row| (row[0], row[4])).collect::<Vec<_>>()
    };
    // Marauder, marine near; marine far; itself; no ally 4. All enemies are visible.
    assert_eq!(place(""), [(1.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)]);
    assert_eq!(place("fix_quirks = true"), [(0.0, 1.0); 5]);
}

#[test]
fn types_and_shields_have_their_columns() {
    let mut field = Field::written(SHIELDS, "");
    for (unit, x) in [(0, 10.0), (1, 11.0), (2, 12.0), (3, 13.0), (4, 14.0), (5, 15.0)] {
        field.put(unit, x, 16.0);
    }
    field.units().health.copy_from_slice(&[60.0, 100.0, 50.0, 75.0, 100.0, 20.0]);
    field.units().shield.copy_from_slice(&[40.0, 50.0, 25.0, 10.0, 0.0, 60.0]);
    field.rewrite();
    let stalker = field.row(0).to_vec();
    // An enemy zealot is of type 0 and an allied one of type 1.
    assert_close(
        &stalker[4..][..ENEMY],
        &[1.0, 3.0 / 9.0, 3.0 / 9.0, 0.0, 0.75, 0.2, 1.0, 0.0],
        "zealot",
    );
    let last = &stalker[4 + 2 * ENEMY..][..ENEMY];
    assert_close(last, &[1.0, 5.0 / 9.0, 5.0 / 9.0, 0.0, 0.25, 0.75, 0.0, 1.0], "stalker");
    let ally = &stalker[4 + 4 * ENEMY..][..ENEMY];
    assert_close(ally, &[1.0, 2.0 / 9.0, 2.0 / 9.0, 0.0, 0.5, 0.5, 0.0, 1.0], "allied zealot");
    assert_close(&stalker[4 + 5 * ENEMY..], &[0.75, 0.5, 1.0, 0.0], "self");
    // The state: seven columns of an ally, six of an enemy.
    let state = field.rows.state[..7].to_vec();
    assert_close(&state, &[0.75, 0.0, -6.0 / 32.0, 0.0, 0.5, 1.0, 0.0], "ally in the state");
    let state = field.rows.state[3 * 7..][..6].to_vec();
    assert_close(&state, &[0.75, -3.0 / 32.0, 0.0, 0.2, 1.0, 0.0], "enemy in the state");
}

#[test]
fn only_protoss_teams_have_shields() {
    let marines = SHIELDS
        .replace("ally_race = \"protoss\"", "ally_race = \"terran\"")
        .replace("unit_type_bits = 2", "unit_type_bits = 0")
        .replace("type_bit = 1", "type_bit = 0")
        .replace(
            "{ unit = \"zealot\", count = 2, at = [9.0",
            "{ unit = \"marine\", count = 2, at = [9.0",
        )
        .replace(
            "{ unit = \"stalker\", count = 1, at = [9.0",
            "{ unit = \"marine\", count = 1, at = [9.5",
        );
    let field = Field::written(&marines, "");
    let spec = field.env.spec();
    // Enemies with a shield: 6 columns; allies without: 5; self: 1.
    assert_eq!(spec.obs_dim, 4 + 3 * 6 + 2 * 5 + 1);
    assert_eq!(spec.state_dim, 3 * 4 + 3 * 4 + 3 * 9);
}

#[test]
fn the_state_shows_cooldowns_by_kind_and_the_energy_of_medivacs() {
    let cooldown = |map: &str, args: &str, unit: usize, width: usize| {
        let mut field = Field::written(map, args);
        field.units().cooldown[unit] = 12.0;
        field.units().energy[unit] = 80.0;
        field.rewrite();
        field.rows.state[unit * width + 1]
    };
    let cases = [
        (HEALERS, "", 0, 7, 12.0 / 25.0),
        (HEALERS, "", 1, 7, 12.0 / 15.0),
        (HEALERS, "", 3, 7, 80.0 / 200.0),
        (SHIELDS, "", 0, 7, 12.0 / 35.0),
        (SHIELDS, "", 1, 7, 12.0 / 22.0),
        (SHIELDS, "fix_quirks = true", 0, 7, 12.0 / 24.0),
        (SHIELDS, "fix_quirks = true", 1, 7, 12.0 / 22.0),
    ];
    for (map, args, unit, width, expected) in cases {
        assert_close(&[cooldown(map, args, unit, width)], &[expected], args);
    }
    let colossi = SHIELDS.replace("stalker", "colossus");
    assert_close(&[cooldown(&colossi, "", 0, 7)], &[0.5], "colossus");
    assert_close(&[cooldown(&colossi, "fix_quirks = true", 0, 7)], &[12.0 / 35.0], "colossus");
}

#[test]
fn agents_are_sorted_by_kind_and_place() {
    let field = Field::written(HEALERS, "");
    let names: Vec<_> = field.env.spec().agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["marauder 0", "marine 0", "marine 1", "medivac 0"]);
    let groups: Vec<_> = field.env.spec().agents.iter().map(|agent| agent.group).collect();
    assert_eq!(groups, [0, 1, 1, 2]);
    let units = &field.env.battle.units;
    assert!((units.x[1], units.y[1]) < (units.x[2] + 0.1, units.y[2]));
}

#[test]
fn the_height_of_nine_points_can_be_observed() {
    let mut field = Field::new("3m", "obs_terrain_height = true");
    let terrain = field.env.battle.terrain.clone();
    field.put(0, 30.5, 21.2);
    field.rewrite();
    let (x, y) = (30, 21);
    let points = [(0, 4), (0, -4), (4, 0), (-4, 0), (2, 2), (-2, -2), (2, -2), (-2, 2), (0, 0)];
    let expected = points.map(|(dx, dy)| {
        let inside = (0..32).contains(&(x + dx)) && (0..32).contains(&(y + dy));
        if inside { terrain.height_at(x + dx, y + dy) } else { 1.0 }
    });
    assert_eq!(field.row(0)[4..13], expected);
    assert_ne!(expected[0], expected[1], "a cliff in the north, none in the south");
    let texts = field.env.describe().obs;
    assert_eq!(texts[4 + 8], "terrain height at offset (+0, +0)");
}

#[test]
fn every_index_is_described_with_the_unit_types_it_belongs_to() {
    let description = Field::written(SHIELDS, "").env.describe();
    assert!(description.obs.contains(&"enemy 0 (zealot): is a zealot".to_owned()));
    let first = description.obs.iter().position(|text| text == "enemy 0 (zealot): is a zealot");
    assert_eq!(first, Some(4 + 6), "an enemy zealot is of type 0");
    assert!(description.actions.contains(&"attack enemy 2 (stalker)".to_owned()));
    assert!(description.summary.contains("one-hot unit types of enemies"));
    let fixed = Field::written(SHIELDS, "fix_quirks = true").env.describe();
    let first = fixed.obs.iter().position(|text| text == "enemy 0 (zealot): is a zealot");
    assert_eq!(first, Some(4 + 7));
    assert!(fixed.summary.ends_with("the quirks of SMAC are fixed."));
    let healers = Field::written(HEALERS, "").env.describe();
    assert!(healers.state.contains(&"medivac 0: energy / 200".to_owned()));
    let frame = Field::written(HEALERS, "").env.frame();
    assert_eq!(frame["units"][3]["energy"], 50.0);
}

#[test]
fn the_scripted_policy_heals_the_injured_and_lets_marauders_skip_medivacs() {
    let mut field = Field::written(HEALERS, "");
    for unit in 0..9 {
        field.put(unit, 12.0 + unit as f32, 16.0);
    }
    field.units().health[2] = 10.0;
    field.rewrite();
    let mut actions = [0; 4];
    field.env.scripted_actions(0, &field.rows.avail, &mut field.rng, &mut actions);
    // The medivac (enemy 0) is the nearest to all; the marauder takes the next.
    assert_eq!(actions, [6 + 1, 6, 6, 6 + 2]);
}

#[test]
fn an_order_that_the_weapon_cannot_follow_keeps_the_previous_one() {
    let mut field = Field::written(HEALERS, "self_play = true");
    for (unit, x) in [(0, 12.0), (1, 13.0), (3, 6.0), (4, 15.0), (8, 14.0)] {
        field.put(unit, x, 16.0);
    }
    field.rewrite();
    let (marauder, marine) = (0, 1);
    let medivac = 8;
    assert_eq!(field.env.battle.stats[medivac].unit.name, "medivac");
    assert_eq!(field.env.battle.stats[4].unit.name, "marauder");
    let attack = |unit: usize| ATTACK + (unit - 4) as u16;
    let order =
        |field: &mut Field, unit: usize| (field.units().order[unit], field.units().target[unit]);
    // The action is available, as in SMAC.
    assert!(field.mask(marauder)[usize::from(attack(medivac))]);
    let mut actions = field.idle();
    (actions[marauder], actions[marine]) = (attack(4), attack(medivac));
    field.step(&actions);
    assert_eq!(order(&mut field, marauder), (Order::Attack, 4));
    assert_eq!(order(&mut field, marine), (Order::Attack, medivac as u16));
    actions[marauder] = attack(medivac);
    field.step(&actions);
    assert_eq!(order(&mut field, marauder), (Order::Attack, 4), "it keeps attacking");
    actions[marauder] = WEST;
    field.step(&actions);
    let walks = order(&mut field, marauder);
    assert!(matches!(walks.0, Order::Move { .. }));
    actions[marauder] = attack(medivac);
    field.step(&actions);
    assert_eq!(order(&mut field, marauder), walks, "it keeps walking");
    // The enemies' marauder cannot attack the allies' medivac either.
    field.put(3, 12.0, 15.0);
    field.rewrite();
    actions[4] = ATTACK + 3;
    field.step(&actions);
    assert_eq!(order(&mut field, 4), (Order::Hold, NO_UNIT));
}
