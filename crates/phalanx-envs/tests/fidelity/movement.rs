//! Curves of speed: starts, releases and turns far from the ball.

use serde_json::Value;

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, numbers, read, text};
use super::stage::{IDLE, RIGHT, Scene, Stage, gait};
use super::statistics::{curve_distance, mean};

const OUTFIELD: usize = 10;

/// Returns the key of a turn or of a release.
fn action(what: &str) -> u16 {
    match what {
        "45" => 6,
        "90" => 7,
        "135" => 8,
        "180" => 1,
        _ => 14,
    }
}

/// The mean velocity of each player after each step, `[player][step]`, and the mean speed.
pub struct Curves {
    pub speed: Vec<Vec<f64>>,
    pub along: Vec<Vec<f64>>,
    pub across: Vec<Vec<f64>>,
}

/// Presses a key for all and adds the velocities after each step.
fn follow(stage: &mut Stage, key: u16, sums: &mut Curves, steps: usize) {
    for step in 0..steps {
        stage.step(if step == 0 { key } else { IDLE });
        for player in 0..OUTFIELD {
            let velocity = stage.game.players[0][player + 1].velocity;
            sums.speed[player][step] += f64::from(velocity.length());
            sums.along[player][step] += f64::from(velocity.x);
            sums.across[player][step] += f64::from(velocity.y);
        }
    }
}

/// Measures a case: `seeds` episodes for each of five phases of the command.
pub fn measure(scene: &Scene, name: &str, what: &str, seeds: u32, steps: usize) -> Curves {
    let mut stage = Stage::new(scene);
    let zero = || vec![vec![0.0; steps]; OUTFIELD];
    let mut curves = Curves { speed: zero(), along: zero(), across: zero() };
    let keys = gait(name);
    for seed in 0..seeds {
        for phase in 0..5 {
            stage.reset(seed);
            let waits = if what == "start" { 5 + phase } else { 5 };
            stage.steps(IDLE, waits);
            keys[..keys.len() - 1].iter().for_each(|&key| stage.steps(key, 1));
            if what == "start" {
                follow(&mut stage, RIGHT, &mut curves, steps);
            } else {
                stage.step(RIGHT);
                stage.steps(IDLE, 19 + phase);
                follow(&mut stage, action(what), &mut curves, steps);
            }
        }
    }
    let runs = f64::from(seeds * 5);
    for curve in [&mut curves.speed, &mut curves.along, &mut curves.across].into_iter().flatten() {
        curve.iter_mut().for_each(|value| *value /= runs);
    }
    curves
}

/// Returns the cases of the golden file, each with its curves by player.
fn cases(golden: &Value) -> Vec<(String, String, Vec<&Value>)> {
    let mut cases: Vec<(String, String, Vec<&Value>)> = Vec::new();
    for curve in list(golden, "curves") {
        let (gait, what) = (text(curve, "gait").to_owned(), text(curve, "what").to_owned());
        match cases.iter_mut().find(|case| case.0 == gait && case.1 == what) {
            Some(case) => case.2.push(curve),
            None => cases.push((gait, what, vec![curve])),
        }
    }
    cases
}

/// Compares all curves: the mean relative distance over players, and the final speed.
pub fn compare(seeds: u32) -> Vec<Comparison> {
    let golden = read("movement");
    let scene = Scene::read(&golden["scene"]);
    let mut rows = Vec::new();
    for (name, what, curves) in cases(&golden) {
        let steps = list(curves[0], "speed").len();
        let ours = measure(&scene, &name, &what, seeds, steps);
        let mut distances = Vec::new();
        let mut ends = [Vec::new(), Vec::new()];
        for curve in curves {
            let player = number(curve, "player") as usize - 1;
            let parts = [("speed", &ours.speed), ("along", &ours.along), ("across", &ours.across)];
            for (part, ours) in parts.into_iter().filter(|(part, _)| !curve[*part].is_null()) {
                distances.push(curve_distance(&numbers(&curve[part]), &ours[player]));
            }
            let speed = numbers(&curve["speed"]);
            ends[0].push(speed[steps - 1]);
            ends[1].push(ours.speed[player][steps - 1]);
        }
        rows.push(Comparison {
            what: format!("{name}, {what}: distance of the curves (%)"),
            engine: Estimate::exact(0.0),
            ours: Estimate::exact(100.0 * mean(&distances)),
            tolerance: 5.0,
        });
        rows.push(Comparison {
            what: format!("{name}, {what}: last speed (m/s)"),
            engine: Estimate::exact(mean(&ends[0])),
            ours: Estimate::exact(mean(&ends[1])),
            tolerance: 0.1,
        });
    }
    rows
}
