//! Our football behaves like the recorded original engine; no engine is needed.

mod fidelity;

use fidelity::comparison::{Comparison, Verdict};
use fidelity::golden::{list, number, read, text};
use fidelity::stage::Scene;
use fidelity::statistics::mean;
use fidelity::{ball, carrying, duels, episodes, golden, keeper, kicks, movement, starts};

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

/// Panics with the comparisons that differ by more than `factor` times their tolerance.
fn assert_close(rows: &[Comparison], factor: f64) {
    assert!(!rows.is_empty());
    let far = |row: &&Comparison| {
        let difference = (row.engine.value - row.ours.value).abs();
        difference.is_nan() || difference > factor * row.tolerance
    };
    let far = rows.iter().filter(far).map(ToString::to_string).collect::<Vec<_>>();
    assert!(far.is_empty(), "\n{}\n{}", Comparison::heading(), far.join("\n"));
}

#[test]
fn football_players_start_stop_and_turn_as_in_the_engine() {
    assert_close(&movement::compare(1), 2.0);
}

#[test]
fn football_players_carry_the_ball_at_the_engines_speeds() {
    let rows = carrying::compare(2);
    let wanted = ["speed (m/s)", "speed of the ball", "start with the ball", "kept (%)"];
    let rows = rows.into_iter().filter(|row| wanted.iter().any(|name| row.what.contains(name)));
    assert_close(&rows.collect::<Vec<_>>(), 1.5);
}

#[test]
fn football_passes_leave_the_foot_as_in_the_engine() {
    let recorded = read("kicks");
    for row in list(&recorded, "passes") {
        let (kind, distance) = (text(row, "kind"), number(row, "distance"));
        let ours = kicks::passes(kind, distance, 1);
        let kick = ours.kicks.first().unwrap_or_else(|| panic!("no {kind} over {distance} m"));
        let (speed, lift) = (number(row, "speed"), number(row, "lift"));
        let close =
            (kick.ball_speed - speed).abs() < 0.07 * speed && (kick.lift - lift).abs() < 0.7;
        assert!(close, "{kind} over {distance} m: {kick:?}, recorded {speed} and {lift} m/s");
    }
}

#[test]
fn football_shots_are_as_fast_as_in_the_engine() {
    let recorded = read("kicks");
    for row in list(&recorded, "shots") {
        let ours = kicks::shots(row, 10);
        let speeds = ours.kicks.iter().map(|kick| kick.ball_speed).collect::<Vec<_>>();
        let (engine, ours) = (number(row, "speed"), mean(&speeds));
        assert!((engine - ours).abs() < 0.06 * engine, "{row}: {ours:.1} m/s here");
    }
}

#[test]
fn football_goalkeepers_save_as_in_the_engine() {
    let rows = keeper::compare(100);
    let far = rows.iter().filter(|row| row.verdict() == Verdict::Differs);
    let far = far.map(ToString::to_string).collect::<Vec<_>>();
    assert!(far.len() * 20 <= rows.len(), "\n{}\n{}", Comparison::heading(), far.join("\n"));
}

#[test]
fn football_defenders_leave_a_standing_player_in_midfield_alone() {
    let recorded = read("duels");
    let scene = Scene::read(&recorded["scene"]);
    let steps = number(&recorded, "steps") as usize;
    for difficulty in [0.05, 0.6, 1.0] {
        let scene = Scene { difficulty, ..scene.clone() };
        let standing = duels::duels(&scene, "stand", 5, steps);
        assert_eq!(standing.kept, 5, "difficulty {difficulty}: {:?}", standing.lost_steps);
        let running = duels::duels(&scene, "sprint", 20, steps);
        assert!(running.lost_steps.len() >= 14, "difficulty {difficulty}: a runner passes");
    }
}

/// Returns the share of an end in a row of the recorded episodes, there and here.
fn shares(scenario: &str, policy: &str, end: &str, count: u32) -> [f64; 2] {
    let recorded = read("episodes");
    let mut rows = list(&recorded, "rows").iter();
    let row = rows.find(|row| text(row, "scenario") == scenario && text(row, "policy") == policy);
    let row = row.unwrap_or_else(|| panic!("no row for {scenario}, {policy}"));
    let engine = number(&row["ends"], end) / number(row, "episodes");
    let index = episodes::ENDS.iter().position(|known| *known == end);
    let ours = episodes::episodes(row, count, usize::MAX).expect("the scenario exists");
    let same = ours.iter().filter(|episode| Some(episode.end) == index).count();
    [engine, same as f64 / f64::from(count)]
}

#[test]
fn football_scripts_end_episodes_as_in_the_engine() {
    for (scenario, policy, end, tolerance) in [
        ("academy_empty_goal_close", "script14", "goal", 0.1),
        ("academy_empty_goal", "script14", "goal", 0.1),
        ("academy_run_to_score", "script20", "goal", 0.1),
        ("academy_pass_and_shoot_with_keeper", "idle", "time", 0.1),
        ("academy_run_pass_and_shoot_with_keeper", "idle", "time", 0.1),
        ("academy_empty_goal_close", "idle", "out", 0.1),
        ("academy_empty_goal", "idle", "lost", 0.2),
        ("academy_run_to_score", "idle", "time", 0.25),
        ("academy_3_vs_1_with_keeper", "idle", "time", 0.4),
        ("academy_run_to_score_with_keeper", "script14", "goal", 0.2),
        ("academy_counterattack_hard", "builtin", "lost", 0.25),
        ("academy_counterattack_easy", "script14", "lost", 0.15),
        ("academy_3_vs_1_with_keeper", "script14", "goal", 0.25),
        ("academy_3_vs_1_with_keeper", "random", "goal", 0.15),
        ("academy_counterattack_hard", "random", "lost", 0.35),
    ] {
        let [engine, ours] = shares(scenario, policy, end, 40);
        let close = (engine - ours).abs() <= tolerance + 1e-9;
        assert!(close, "{scenario}, {policy}, {end}: {engine:.2} recorded, {ours:.2} here");
    }
}
