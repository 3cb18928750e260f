//! Carrying the ball: speeds, the distance of the ball, touches and turns.

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, numbers, read, text};
use super::stage::{IDLE, RIGHT, Scene, Stage, ball_speed, gait, speed};
use super::statistics::{curve_distance, mean, quantile};

/// A touch changes the ball's velocity in the plane by more than this within a frame, in m/s.
const TOUCH: f32 = 0.4;

/// What is measured while carrying straight, one value per frame (per touch for the intervals).
#[derive(Default)]
pub struct Straight {
    pub speeds: Vec<f64>,
    pub distances: Vec<f64>,
    pub ball_speeds: Vec<f64>,
    pub intervals: Vec<f64>,
}

/// Carries the ball straight on and measures from step 20 to step 55.
pub fn straight(scene: &Scene, name: &str, seeds: u32) -> Straight {
    let mut stage = Stage::new(scene);
    let mut all = Straight::default();
    for seed in 0..seeds {
        if stage.approach(seed, name, 20) {
            continue;
        }
        let (mut last, mut last_touch, mut frame) = (None, None, 0_usize);
        for _ in 0..35 {
            let over = stage.watch(&[IDLE], |game| {
                all.speeds.push(speed(game, 1));
                all.distances
                    .push(f64::from(game.ball.position.distance(game.players[0][1].position)));
                all.ball_speeds.push(ball_speed(game));
                let velocity = game.ball.velocity;
                if last.is_some_and(|last| velocity.distance(last) > TOUCH) {
                    if let Some(touch) = last_touch.filter(|touch| frame - touch > 3) {
                        all.intervals.push((frame - touch) as f64);
                    }
                    last_touch = Some(frame);
                }
                last = Some(velocity);
                frame += 1;
            });
            if over {
                break;
            }
        }
    }
    all
}

/// Returns the mean speed after each step of a start with the ball at the feet.
pub fn start(scene: &Scene, name: &str, seeds: u32) -> Vec<f64> {
    let mut stage = Stage::new(scene);
    let mut sums = vec![0.0; 20];
    for seed in 0..seeds {
        stage.reset(seed);
        stage.steps(IDLE, 8);
        let keys = gait(name);
        keys[..keys.len() - 1].iter().for_each(|&key| stage.steps(key, 1));
        for (step, sum) in sums.iter_mut().enumerate() {
            stage.step(if step == 0 { RIGHT } else { IDLE });
            *sum += speed(&stage.game, 1) / f64::from(seeds);
        }
    }
    sums
}

/// Returns mean velocities along and across after a turn with the ball, and how often the ball is kept.
pub fn turn(scene: &Scene, name: &str, turn: &str, seeds: u32) -> ([Vec<f64>; 2], f64) {
    let mut stage = Stage::new(scene);
    let mut sums = [vec![0.0; 20], vec![0.0; 20]];
    let (mut kept, runs) = (0.0, f64::from(seeds * 3));
    for seed in 0..seeds {
        for run_up in [20, 22, 24] {
            stage.approach(seed, name, run_up);
            let key = if turn == "90" { 7 } else { 1 };
            let [along, across] = &mut sums;
            for (step, (along, across)) in along.iter_mut().zip(across).enumerate() {
                stage.step(if step == 0 { key } else { IDLE });
                let velocity = stage.game.players[0][1].velocity;
                *along += f64::from(velocity.x) / runs;
                *across += f64::from(velocity.y) / runs;
            }
            kept +=
                f64::from(u8::from(stage.game.owner.is_some_and(|owner| owner.team == 0))) / runs;
        }
    }
    (sums, kept)
}

/// Compares everything in the golden file.
pub fn compare(seeds: u32) -> Vec<Comparison> {
    let golden = read("carrying");
    let scene = Scene::read(&golden["scene"]);
    let mut rows = Vec::new();
    let mut add = |what: String, engine: f64, ours: f64, tolerance: f64| {
        let [engine, ours] = [engine, ours].map(Estimate::exact);
        rows.push(Comparison { what, engine, ours, tolerance });
    };
    for row in list(&golden, "straight") {
        let name = text(row, "gait");
        let ours = straight(&scene, name, seeds);
        let engine = number(row, "player_speed_mean");
        add(format!("carrying, {name}: speed (m/s)"), engine, mean(&ours.speeds), 0.05 * engine);
        for (key, what, values) in [
            ("ball_distance", "distance of the ball (m)", &ours.distances),
            ("ball_speed", "speed of the ball (m/s)", &ours.ball_speeds),
            ("touch_interval_frames", "frames between touches", &ours.intervals),
        ] {
            if row[key].is_null() {
                continue;
            }
            for (engine, q) in numbers(&row[key]).into_iter().zip([0.1, 0.5, 0.9]) {
                let quantity = format!("carrying, {name}: {what}, {:.0} % quantile", 100.0 * q);
                add(quantity, engine, quantile(values, q), 0.1 * engine);
            }
        }
    }
    for row in list(&golden, "starts") {
        let name = text(row, "gait");
        let distance = curve_distance(&numbers(&row["speed"]), &start(&scene, name, seeds));
        add(
            format!("start with the ball, {name}: distance of the curves (%)"),
            0.0,
            100.0 * distance,
            5.0,
        );
    }
    for row in list(&golden, "turns") {
        let [name, angle] = ["gait", "turn"].map(|key| text(row, key));
        let (ours, kept) = turn(&scene, name, angle, seeds);
        let parts = ["along", "across"].iter().zip(&ours);
        let distances = parts.map(|(key, ours)| curve_distance(&numbers(&row[*key]), ours));
        let distance = distances.filter(|distance| distance.is_finite()).sum::<f64>() / 2.0;
        add(
            format!("turn of {angle}° with the ball, {name}: distance of the curves (%)"),
            0.0,
            100.0 * distance,
            10.0,
        );
        add(
            format!("turn of {angle}° with the ball, {name}: kept (%)"),
            100.0 * number(row, "owned_after"),
            100.0 * kept,
            10.0,
        );
    }
    rows
}
