//! Tests of the built-in maps and of the loader.

use super::spawn::margin;
use super::*;
use crate::skirmish::engine::UNITS;

#[test]
fn units_spawn_apart_on_walkable_ground() {
    for (name, _) in MAPS {
        let map = Map::named(name).expect("the built-in map is valid");
        if map.generate.is_some() {
            continue;
        }
        for team in [&map.allies, &map.enemies] {
            for (i, a) in team.iter().enumerate() {
                let unit = &UNITS[a.unit];
                let margin = margin(unit) + START_SCATTER;
                assert!(map.terrain.admits(a.x, a.y, margin), "{name}: {}", unit.name);
                for b in &team[i + 1..] {
                    let apart = unit.separation + UNITS[b.unit].separation;
                    let apart = apart + 2.0 * START_SCATTER - 1e-5;
                    assert!(crate::math::hypot(a.x - b.x, a.y - b.y) >= apart, "{name}");
                }
            }
        }
    }
}

#[test]
fn the_maps_of_smac_have_its_points_and_unit_types() {
    let at = |map: &str, n: usize, x: f32, y: f32| {
        let map = Map::named(map).expect("the built-in map is valid");
        let team = &map.enemies[map.enemies.len() - n..];
        let mean = |place: fn(&Spawn) -> f32| team.iter().map(place).sum::<f32>() / n as f32;
        let (x, y) = (mean(|unit| unit.x) - x, mean(|unit| unit.y) - y);
        // If cliffs cut the block, it is slightly off its point.
        assert!(x.abs() < 1.25 && y.abs() < 1.25, "{}: off by ({x}, {y})", map.name);
    };
    at("2c_vs_64zg", 64, 16.0, 9.0);
    at("so_many_baneling", 32, 27.91, 28.24);
    at("corridor", 24, 27.91, 28.24);
    at("6h_vs_8z", 8, 14.41, 16.7597);
    at("2s_vs_1sc", 1, 13.92, 20.0397);
    let map = Map::named("2s3z").expect("the built-in map is valid");
    let bits = |team: &[Spawn]| -> Vec<_> {
        team.iter().map(|unit| (UNITS[unit.unit].name, unit.type_bit)).collect()
    };
    let (stalker, zealot) = ("stalker", "zealot");
    let allies = [(stalker, 0), (stalker, 0), (zealot, 1), (zealot, 1), (zealot, 1)];
    assert_eq!(bits(&map.allies), allies);
    let enemies = [(stalker, 1), (stalker, 1), (zealot, 0), (zealot, 0), (zealot, 0)];
    assert_eq!(bits(&map.enemies), enemies);
}

#[test]
fn the_teams_can_walk_to_each_other_and_to_the_goal_of_the_enemies() {
    for (name, _) in MAPS {
        let map = Map::named(name).expect("the built-in map is valid");
        let from = (map.enemies[0].x, map.enemies[0].y);
        let mut goals = vec![(map.allies[0].x, map.allies[0].y)];
        match map.enemy_order {
            EnemyOrder::AttackMove(x, y) => goals.push((x, y)),
            EnemyOrder::AttackMoveBetween(a, b) => goals.extend([a, b]),
            EnemyOrder::AttackAllies | EnemyOrder::Hold => {}
        }
        for goal in goals {
            let (mut at, mut legs) = (from, 0);
            while at != goal && legs < 32 {
                let next = map.terrain.waypoint(at, goal, 0.375);
                assert!(map.terrain.clear(at, next, 0.375), "{name}: {at:?} to {next:?}");
                (at, legs) = (next, legs + 1);
            }
            assert_eq!(at, goal, "{name}");
        }
    }
}

#[test]
fn allies_are_sorted_by_place_and_enemies_mirror_them() {
    let map = Map::named("8m").expect("the built-in map is valid");
    assert!(map.allies.is_sorted_by(|a, b| (a.x, a.y) < (b.x, b.y)));
    for ally in &map.allies {
        let mirrored = |enemy: &Spawn| (enemy.x - 32.0 + ally.x).abs() < 1e-5 && enemy.y == ally.y;
        assert_eq!(map.enemies.iter().filter(|enemy| mirrored(enemy)).count(), 1);
    }
}

#[test]
fn a_map_can_draw_its_own_terrain() {
    let mut drawing = vec![".".repeat(40); 20];
    drawing[0] = "#".repeat(40);
    let drawing = format!("\"\"\"\n{}\n\"\"\"", drawing.join("\n"));
    let map = Map::parse(&MAPS[0].1.replace("\"strip\"", &drawing)).expect("a valid map");
    assert_eq!((map.terrain.width(), map.terrain.height()), (40, 20));
    assert!(!map.terrain.pathable(5, 19) && map.terrain.pathable(5, 18));
}

/// Returns the error of the map `3m` with one line replaced.
fn refusal(old: &str, new: &str) -> String {
    let text = MAPS[0].1;
    assert!(text.contains(old), "{old}");
    Map::parse(&text.replacen(old, new, 1)).expect_err(new).to_string()
}

#[test]
fn an_unknown_name_in_a_map_is_reported_with_its_line_and_the_closest_match() {
    assert_eq!(
        refusal("\"marine\"", "\"marin\""),
        "map, line 11: there is no unit `marin`; did you mean `marine`?"
    );
    assert_eq!(
        refusal("\"strip\"", "\"stripe\""),
        "map, line 4: there is no terrain `stripe`; did you mean `strip`?"
    );
    let error = refusal("limit = 60", "limits = 60");
    assert!(
        error.starts_with("map, line 3: there is no key `limits`; did you mean `limit`? Known")
    );
}

#[test]
fn invalid_values_are_rejected_with_their_line() {
    for (old, new, expected) in [
        ("limit = 60", "limit = 0", "line 3: `limit` cannot be 0"),
        ("limit = 60", "limit = -1", "line 3: invalid value: integer `-1`"),
        ("limit = 60", "limit = 9999999", "line 3: `limit` cannot be 9999999"),
        ("limit = 60", "", "missing field `limit`"),
        ("limit = 60", "limit =", "line 3: "),
        ("name = \"3m\"", "name = \"../3m\"", "line 2: `name` cannot be \"../3m\""),
        ("count = 3", "count = 0", "line 12: `count` cannot be 0"),
        ("count = 3", "count = 5000", "line 12: `count` cannot be 5000"),
        (
            "count = 3",
            "count = 513",
            "line 12: `count` cannot be 513: it must be a number of units",
        ),
        ("at = [9.0, 16.0]", "at = [nan, 16.0]", "line 13: `at`: (NaN, 16) is not on the map"),
        ("at = [9.0, 16.0]", "at = [-9.0, 16.0]", "line 13: `at`: (-9, 16) is not on the map"),
        ("at = [9.0, 16.0]", "at = [9.0, 3.0]", "line 13: `at`: (9, 3) is on a cliff"),
        ("at = [9.0, 16.0]", "at = [9.0]", "line 13: invalid length 1"),
        ("unit_type_bits = 0", "unit_type_bits = 99", "line 7: `unit_type_bits` cannot be 99"),
        ("count = 3", "count = 3\ntype_bit = 1", "line 13: `type_bit` cannot be 1"),
        ("[9.0, 16.0] }", "[9.0, inf] }", "line 8: `enemy_order`: (9, inf) is not on the map"),
        ("limit = 60", "limit = 60\ndefaults = { step_mul = 0 }", "line 4: `defaults`: `step_mul`"),
    ] {
        let error = refusal(old, new);
        assert!(error.starts_with("map, line ") && error.contains(expected), "{new}: {error}");
    }
    let text = MAPS[0].1.replace("\"marine\"", "\"colossus\"").replace("count = 3", "count = 512");
    let error = Map::parse(&text).expect_err("the unit types do not fit").to_string();
    assert!(error.starts_with("map, line 13: `at`: only ") && error.contains("reduce `count`"));
    let text = MAPS[0].1;
    let alone = &text[..text.find("[[enemies]]").expect("the map has enemies")];
    let error = Map::parse(alone).expect_err("the map has no enemies").to_string();
    assert!(error.ends_with("there are no `enemies`: add a table [[enemies]]"), "{error}");
}

#[test]
fn an_error_in_a_terrain_drawing_is_reported_with_its_row() {
    let drawn =
        |rows: &str| refusal("terrain = \"strip\"", &format!("terrain = \"\"\"\n{rows}\"\"\""));
    let error = drawn("....\n....\n..x.\n....\n");
    assert!(error.starts_with("map, line 7: `terrain`: a cell cannot be `x`"), "{error}");
    let error = drawn("....\n....\n....\n.....\n");
    assert!(error.starts_with("map, line 8: `terrain`: this row has 5 cells"), "{error}");
    for rows in ["...\n...\n", &format!("{}\n", ".".repeat(300)).repeat(4)] {
        let error = drawn(rows);
        assert!(error.contains("each side must have 4 to 256"), "{error}");
    }
    let pillars = [&"#..".repeat(13), "\n", &"...".repeat(13), "\n"].concat().repeat(20);
    let error = drawn(&pillars);
    assert!(error.starts_with("map, line 4: ") && error.contains("corners"), "{error}");
}

#[test]
fn missing_races_and_unit_types_are_derived_from_the_units() {
    for (name, text) in MAPS {
        let map = Map::named(name).expect("the built-in map is valid");
        let derived = ["ally_race", "enemy_race", "unit_type_bits", "type_bit", "enemy_order"];
        let kept = |line: &&str| !derived.iter().any(|key| line.starts_with(key));
        let short: Vec<_> = text.lines().filter(kept).collect();
        let short = Map::parse(&short.join("\n")).expect(name);
        assert_eq!(short.unit_type_bits, map.unit_type_bits, "{name}");
        assert_eq!((short.ally_race, short.enemy_race), (map.ally_race, map.enemy_race), "{name}");
        assert_eq!(short.enemy_order, EnemyOrder::AttackAllies);
    }
    let short = Map::parse(
        "limit = 9\nterrain = \"open\"\n\
         allies = [{ unit = \"zealot\", count = 2, at = [9, 16] }, { unit = \"marine\", count = 1, at = [9, 12] }]\n\
         enemies = [{ unit = \"marine\", count = 2, at = [23, 16] }]\n",
    );
    let map = short.expect("a valid map");
    let bits = |team: &[Spawn]| -> Vec<_> {
        team.iter().map(|spawn| (UNITS[spawn.unit].name, spawn.type_bit)).collect()
    };
    assert_eq!(map.unit_type_bits, 2);
    assert_eq!(bits(&map.allies), [("marine", 0), ("zealot", 1), ("zealot", 1)]);
    assert_eq!(bits(&map.enemies), [("marine", 0); 2]);
    assert_eq!((map.ally_race, map.enemy_race), (Race::Protoss, Race::Terran));
}

#[test]
fn a_team_that_cannot_be_drawn_is_rejected() {
    let good = include_str!("terran_5_vs_5.toml");
    assert!(Map::parse(good).is_ok());
    for (old, new, reason) in [
        ("weight = 0.1 ", "weight = 0.2 ", "must sum to 1"),
        ("weight = 0.1 ", "weight = nan ", "`weight` cannot be NaN"),
        ("[\"medivac\"]", "[\"medivac\", \"marine\", \"marauder\"]", "it must be at least"),
        ("surrounded = 0.5", "surrounded = 1.5", "`surrounded` cannot be 1.5"),
        ("unit_type_bits = 3", "unit_type_bits = 2", "more than `unit_type_bits`"),
        ("unit = \"marine\"", "unit = \"marina\"", "did you mean `marine`?"),
        ("enemies = 5", "enemies = 0", "`enemies` cannot be 0"),
        ("allies = 5", "allies = 5000", "`allies` cannot be 5000"),
        ("terrain = \"open\"", "terrain = \"strip\"", "must be without cliffs"),
        ("allies = 5", "allies = 512", "too small for 517 units"),
        (
            "[generate]",
            "allies = [{ unit = \"marine\", count = 1, at = [9.0, 9.0] }]\n[generate]",
            "either placed",
        ),
    ] {
        let text = good.replacen(old, new, 1);
        let error = Map::parse(&text).expect_err(reason).to_string();
        assert!(error.contains(reason) && error.starts_with("map, line "), "{error}");
    }
}

#[test]
fn the_outline_of_a_map_names_its_fixed_teams() {
    for (name, _) in MAPS {
        let map = Map::named(name).expect("the built-in map is valid");
        assert_eq!(Map::outline_named(name).as_ref(), Ok(&map.outline()), "{name}");
    }
}
