//! Our football behaves like the recorded original engine; no engine is needed.

mod fidelity;

use fidelity::golden::{list, number, read, text};
use fidelity::{ball, golden, starts};

#[test]
fn football_flights_follow_the_engine() {
    let recorded = read("ball");
    for flight in list(&recorded, "flights") {
        let deviation = ball::deviation(&recorded, flight);
        assert!(deviation.flying < 0.005, "{deviation:?} in the air: {}", flight["kind"]);
        assert!(deviation.at_end < 0.1, "{deviation:?} at the end: {}", flight["kind"]);
    }
}

#[test]
fn football_scenarios_start_as_in_the_engine() {
    let recorded = read("starts");
    for row in list(&recorded, "starts") {
        // Full games exchange their line-ups at random.
        let name = text(row, "scenario");
        if name.contains("_vs_5") || name.contains("_vs_11") {
            continue;
        }
        let ours = starts::play(row, 0).unwrap_or_else(|| panic!("there is no {name}"));
        for (key, team) in [("left", 0), ("right", 1)] {
            let engine = starts::positions(row, key);
            assert_eq!(engine.len(), ours.teams[team].len(), "{name}: players of the {key} team");
            for (index, (a, b)) in engine.iter().zip(&ours.teams[team]).enumerate() {
                let distance = (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
                assert!(distance < 1e-4, "{name}, {key} player {index}: {a:?} and {b:?}");
            }
            let roles = golden::numbers(&row[format!("{key}_roles")]);
            let ours = ours.roles[team].iter().map(|&role| f64::from(role)).collect::<Vec<_>>();
            assert_eq!(roles, ours, "{name}: roles of the {key} team");
        }
        let ball = golden::numbers(&row["ball"]);
        assert!((ball[0] - ours.ball[0]).abs() < 1e-4 && (ball[1] - ours.ball[1]).abs() < 1e-4);
    }
}

#[test]
fn football_controllers_hold_the_same_players_as_in_the_engine() {
    let recorded = read("starts");
    let mut wrong = Vec::new();
    for row in list(&recorded, "starts") {
        let name = text(row, "scenario");
        if name.contains("_vs_5") || name.contains("_vs_11") {
            continue;
        }
        let ours = starts::play(row, 0).unwrap_or_else(|| panic!("there is no {name}"));
        let engine = list(row, "active").iter().map(golden::numbers);
        for (step, (engine, ours)) in engine.zip(&ours.active).enumerate() {
            let ours = ours.iter().map(|&player| player as f64).collect::<Vec<_>>();
            if engine != ours {
                let n = number(row, "controllers");
                wrong.push(format!("{name}, {n}, step {step}: {engine:?}, here {ours:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
