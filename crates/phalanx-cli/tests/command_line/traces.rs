//! Traces replay to the same bytes.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::phalanx;

/// Records a trace, replays its actions, and returns its lines.
fn replayed(folder: &Path, env: &[&str], policy: &str) -> Vec<Value> {
    let arguments = [&["trace"], env, &["--seed", "9", "--episodes", "3", "--full"]].concat();
    let record = |policy: &str, out: &str| {
        let output =
            phalanx(folder, &[&arguments[..], &["--policy", policy, "--out", out]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{env:?} {policy}: {error}");
        fs::read_to_string(folder.join(out)).expect("it was written")
    };
    let trace = record(policy, "first.jsonl");
    let lines: Vec<Value> =
        trace.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let actions: String = lines[1..]
        .iter()
        .filter(|line| line["t"] != 0)
        .map(|line| format!("{}\n", line["actions"]))
        .collect();
    fs::write(folder.join("actions.jsonl"), actions).expect("written");
    assert!(trace == record("actions.jsonl", "again.jsonl"), "{env:?} {policy}");
    lines
}

#[test]
fn a_trace_replays_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let players = ["random", "heuristic", "attack_nearest", "focus_fire", "kiting", "stop"];
    for policy in players {
        let lines = replayed(folder.path(), &["skirmish/3m"], policy);
        assert_eq!(lines[0]["env"], "skirmish/3m");
        assert_eq!(lines[1]["t"], 0);
        assert_eq!(lines[1]["units"].as_array().expect("units").len(), 6);
        assert_eq!(lines[1]["obs"].as_array().expect("agents").len(), 3);
        assert!(lines[1..].iter().all(|line| line.get("enemy_actions").is_none()));
    }
}

#[test]
fn a_trace_replays_in_all_games_and_against_all_opponents_and_shows_the_enemies_actions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (env, policy, chosen) in [
        (&["smax/3s_vs_5z"][..], "heuristic", Some(5)),
        (&["smax/3m", "env_args.self_play=true"], "random", Some(3)),
        (&["smax/smacv2_5_units"], "random", Some(5)),
        (&["skirmish/5m_vs_6m", "env_args.opponent=random"], "kiting", Some(6)),
        (&["skirmish/protoss_5_vs_5", "env_args.opponent=attack_nearest"], "random", Some(5)),
        (&["skirmish/5m_vs_6m", "env_args.self_play=true"], "focus_fire", None),
        (&["skirmish/terran_5_vs_5", "env_args.conic_fov=true"], "attack_nearest", None),
        (&["two_step"], "random", None),
    ] {
        let lines = replayed(folder.path(), env, policy);
        for line in &lines[1..] {
            let length =
                line.get("enemy_actions").map(|list| list.as_array().expect("a list").len());
            let expected = if line["t"] == 0 { chosen.map(|_| 0) } else { chosen };
            assert_eq!(length, expected, "{env:?}");
        }
    }
}

#[test]
fn predator_prey_is_rendered_as_text_and_its_trace_has_agent_rewards() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hunt = ["trace", "predator_prey", "env_args.individual_rewards=true", "--show"];
    let how = ["--policy", "greedy_hunt", "--out", "hunt.jsonl"];
    let output = phalanx(folder.path(), &[&hunt[..], &how[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).expect("text");
    let text = fs::read_to_string(folder.path().join("hunt.jsonl")).expect("written");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines[1..] {
        let grid = line["text"].as_str().expect("a grid");
        assert_eq!(grid.lines().count(), 10, "{grid}");
        assert!(shown.contains(grid), "{grid}");
        let own = line["agent_rewards"].as_array().expect("one for each agent");
        let sum: f64 = own.iter().filter_map(Value::as_f64).sum();
        assert!((sum - line["reward"].as_f64().expect("a number")).abs() < 1e-4);
    }
}
