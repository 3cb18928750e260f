//! A small record of JaxMARL, a battle of each scenario and three with options, made by
//! `record_jaxmarl.py golden`.
//!
//! Observations, masks and the state are stored as weighted sums, one for each agent, in which
//! index and value both count.

use serde_json::Value;

use super::*;

const GOLDEN: &str = include_str!("golden.jsonl");
const TOLERANCE: f64 = 1e-3;

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn digest(rows: &[f32], width: usize) -> Vec<f64> {
    let weight = |index: usize| (index * 37 % 101 + 1) as f64 / 101.0;
    let sum = |row: &[f32]| {
        row.iter().enumerate().map(|(index, &number)| f64::from(number) * weight(index)).sum()
    };
    rows.chunks_exact(width).map(sum).collect()
}

fn assert_close(what: &str, ours: &[f64], theirs: &Value, tolerance: f64) {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!((ours - theirs).abs() < tolerance, "{what} {index}: {ours}, not {theirs}");
    }
}

#[test]
fn battles_match_the_record_of_jaxmarl() {
    let mut battles = 0;
    let (mut steps, mut decisions) = (0, 0);
    for line in GOLDEN.lines() {
        let record: Value = serde_json::from_str(line).expect("the record is JSON");
        let name = record["scenario"].as_str().expect("a name");
        let mut field = Field::with(name, arguments(&record["options"]));
        let mut script = field.env.script.clone();
        let (obs_dim, n_actions) = (field.env.spec.obs_dim, field.env.spec.n_actions);
        let state_dim = field.env.spec.state_dim;
        for (time, at) in record["times"].as_array().expect("a list").iter().enumerate() {
            let what = |part: &str| format!("{name}, step {time}, {part}");
            if time == 0 {
                let battle = &mut field.env.battle;
                let part = |part: &str| numbers(&at[part]);
                let (kind, x, y) = (part("kind"), part("x"), part("y"));
                let (health, cooldown) = (part("health"), part("cooldown"));
                let actions = part("actions");
                let at_start = record["first"] == 0;
                for unit in 0..battle.n_units {
                    battle.kind[unit] = kind[unit] as u8;
                    battle.x[unit] = x[unit] as f32;
                    battle.y[unit] = y[unit] as f32;
                    battle.health[unit] = health[unit] as f32;
                    battle.cooldown[unit] = cooldown[unit] as f32;
                    battle.action[unit] = if at_start { STOP } else { actions[unit] as u16 };
                }
                field.rewrite();
            } else {
                let actions: Vec<u16> =
                    numbers(&at["actions"]).into_iter().map(|action| action as u16).collect();
                if let Some(theirs) = at["script"].as_array() {
                    let ours = field.script_options(&mut script, false);
                    assert_eq!(ours.len(), theirs.len());
                    assert!(ours.iter().zip(theirs).all(|(ours, theirs)| theirs == ours), "{name}");
                    decisions += ours.len();
                }
                let outcome = field.step(&actions);
                let rewards = [f64::from(outcome.reward), f64::from(field.rows.info[3])];
                assert_close(&what("rewards"), &rewards, &at["rewards"], 1e-5);
                steps += 1;
            }
            let rows = &field.rows;
            let masks = field.masks();
            assert_close(&what("observation"), &digest(&rows.obs, obs_dim), &at["obs"], TOLERANCE);
            assert_close(&what("mask"), &digest(&masks, n_actions), &at["masks"], TOLERANCE);
            assert_close(&what("state"), &digest(&rows.state, state_dim), &at["state"], TOLERANCE);
            let battle = &field.env.battle;
            for (part, ours) in [
                ("x", &battle.x),
                ("y", &battle.y),
                ("health", &battle.health),
                ("cooldown", &battle.cooldown),
            ] {
                if !at[part].is_null() {
                    let ours: Vec<f64> =
                        ours[..battle.n_units].iter().map(|&number| f64::from(number)).collect();
                    assert_close(&what(part), &ours, &at[part], 1e-4);
                }
            }
        }
        battles += 1;
    }
    assert_eq!(battles, SCENARIOS.len() + 3);
    assert!(steps > 250 && decisions > 3000, "{steps} {decisions}");
}
