//! Kicks: how long they take after the key, and how the ball leaves the foot.

use phalanx_envs::football::engine::Match;
use phalanx_envs::football::engine::pitch::{GOAL_HALF_WIDTH, GOAL_HEIGHT, HALF_LENGTH};
use phalanx_envs::football::engine::state::Role;
use serde_json::Value;

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, read, text};
use super::stage::{IDLE, Scene, Stage, ball_speed, button, placed, speed};
use super::statistics::{deviation, mean};

/// A kick makes the ball at least this fast, and faster by this much within a frame, in m/s.
const KICKED_SPEED: f64 = 9.6;
const KICKED_GAIN: f64 = 2.5;

/// A kick: frames since the press, the kicker's speed and the ball at the kick.
#[derive(Clone, Copy, Debug)]
pub struct Kicked {
    pub frames: usize,
    pub player_speed: f64,
    pub ball_speed: f64,
    pub lift: f64,
    pub angle: f64,
}

/// Presses a button for `held` steps and plays on, at most `steps` steps; `each` sees every frame after the kick.
///
/// Stops when `each` returns false or the ball is out of play.
pub fn press(
    stage: &mut Stage,
    action: u16,
    held: usize,
    steps: usize,
    mut each: impl FnMut(usize, &Match) -> bool,
) -> Option<Kicked> {
    let (mut kicked, mut previous, mut frame, mut wanted) = (None, f64::INFINITY, 0, true);
    for step in 0..steps {
        let over = stage.act(if step < held { action } else { IDLE }, |game| {
            frame += 1;
            let fast = ball_speed(game);
            if kicked.is_some() {
                wanted = wanted && each(frame, game);
            } else if fast > KICKED_SPEED && fast > previous + KICKED_GAIN {
                let ball = &game.ball;
                kicked = Some(Kicked {
                    frames: frame,
                    player_speed: speed(game, 1),
                    ball_speed: fast,
                    lift: f64::from(ball.climb),
                    angle: f64::from(ball.velocity.y.atan2(ball.velocity.x)).to_degrees(),
                });
            }
            previous = fast;
        });
        if over || !wanted {
            break;
        }
    }
    kicked
}

fn collect(kicks: &[Kicked], part: impl Fn(&Kicked) -> f64) -> Vec<f64> {
    kicks.iter().map(part).collect()
}

/// Plays the kicks of a row of delays.
pub fn delays(scene: &Scene, gait: &str, kind: &str, seeds: u32) -> Vec<Kicked> {
    let mut stage = Stage::new(scene);
    let kick = |seed: u32| {
        let run_up = if gait == "stand" { 6 } else { 18 + seed as usize % 5 };
        stage.approach(seed, gait, run_up);
        press(&mut stage, button(kind), 1, 30, |_, _| false)
    };
    (0..seeds).filter_map(kick).collect()
}

/// The result of passes: the kicks, the highest points, and frames from the press to the mate's possession.
#[derive(Default)]
pub struct Passes {
    pub kicks: Vec<Kicked>,
    pub apexes: Vec<f64>,
    pub received: Vec<f64>,
}

/// Plays passes from a standing start to a mate `distance` metres ahead, whose controller presses nothing.
pub fn passes(kind: &str, distance: f64, seeds: u32) -> Passes {
    let keeper = placed(Role::Goalkeeper, -1.0, 0.0, false);
    let scene = Scene {
        ball: [-0.385, 0.0],
        left: vec![
            keeper,
            placed(Role::CentreBack, -0.4, 0.0, false),
            placed(Role::CentreBack, -0.385 + distance / 55.0, 0.0, false),
        ],
        right: vec![keeper],
        controllers: 3,
        difficulty: 0.6,
    };
    let mut stage = Stage::new(&scene);
    let mut all = Passes::default();
    for seed in 0..seeds {
        stage.approach(seed, "stand", 4);
        let (mut apex, mut received) = (0.0_f64, None);
        let kick = press(&mut stage, button(kind), 1, 45, |frame, game| {
            apex = apex.max(f64::from(game.ball.height));
            let owner = game.owner.map(|owner| (owner.team, owner.index));
            if owner == Some((0, 2)) {
                received = Some(frame as f64);
            }
            received.is_none()
        });
        if let Some(kick) = kick {
            all.kicks.push(kick);
            all.apexes.push(apex);
            all.received.extend(received);
        }
    }
    all
}

/// The result of shots at an empty goal: the kicks, where they cross the goal line, and the goals.
#[derive(Default)]
pub struct Shots {
    pub kicks: Vec<Kicked>,
    pub lateral: Vec<f64>,
    pub goals: usize,
}

/// Plays shots whose button is pressed `distance` metres before the goal line.
pub fn shots(row: &Value, seeds: u32) -> Shots {
    let distance = number(row, "distance");
    let x = (f64::from(HALF_LENGTH) - distance - 6.0) / 55.0;
    let scene = Scene {
        ball: [x + 0.015, 0.0],
        left: vec![
            placed(Role::Goalkeeper, -1.0, 0.0, false),
            placed(Role::CentreBack, x, 0.0, false),
        ],
        right: vec![placed(Role::Goalkeeper, 1.0, 0.0, true)],
        controllers: 1,
        difficulty: 0.6,
    };
    let mut stage = Stage::new(&scene);
    let mut all = Shots::default();
    let held = number(row, "held") as usize;
    for seed in 0..seeds {
        let mut over = stage.approach(seed, text(row, "gait"), 0);
        while !over && HALF_LENGTH - stage.game.ball.position.x > distance as f32 + 0.5 {
            over = stage.step(IDLE);
        }
        if text(row, "aim") == "corner" {
            stage.step(6);
        }
        let mut crossing = None;
        let kick = press(&mut stage, button("shot"), held, 40, |_, game| {
            let (ball, before) = (&game.ball, &game.previous_ball);
            if crossing.is_none()
                && ball.position.x >= HALF_LENGTH
                && before.position.x < HALF_LENGTH
            {
                let part =
                    (HALF_LENGTH - before.position.x) / (ball.position.x - before.position.x);
                let y = before.position.y + part * (ball.position.y - before.position.y);
                crossing = Some((y, ball.height));
            }
            crossing.is_none()
        });
        if let Some(kick) = kick {
            all.kicks.push(kick);
            if let Some((y, height)) = crossing {
                all.lateral.push(f64::from(y));
                all.goals += usize::from(y.abs() < GOAL_HALF_WIDTH && height < GOAL_HEIGHT);
            }
        }
    }
    all
}

/// Compares everything in the golden file.
pub fn compare(seeds: u32) -> Vec<Comparison> {
    let golden = read("kicks");
    let mut rows = Vec::new();
    let mut add = |what: String, engine: Estimate, ours: Estimate, tolerance: f64| {
        rows.push(Comparison { what, engine, ours, tolerance });
    };
    let scene = Scene::read(&golden["scene_of_delays"]);
    for row in list(&golden, "delays") {
        let [gait, kind] = ["gait", "kind"].map(|key| text(row, key));
        let ours = delays(&scene, gait, kind, seeds);
        let frames = collect(&ours, |kick| kick.frames as f64);
        let n = number(row, "episodes") - number(row, "missed");
        let engine = Estimate::mean(number(row, "frames_mean"), number(row, "frames_sd"), n);
        let estimate = Estimate::mean(mean(&frames), deviation(&frames), ours.len() as f64);
        add(format!("{kind}, {gait}: frames from the key to the kick"), engine, estimate, 5.0);
        add(
            format!("{kind}, {gait}: their deviation"),
            Estimate::exact(number(row, "frames_sd")),
            Estimate::exact(deviation(&frames)),
            5.0,
        );
        let slow = mean(&collect(&ours, |kick| kick.player_speed));
        let engine = number(row, "player_speed");
        add(
            format!("{kind}, {gait}: the player's speed then (m/s)"),
            Estimate::exact(engine),
            Estimate::exact(slow),
            0.1 * engine.max(5.0),
        );
    }
    for row in list(&golden, "passes") {
        let (kind, distance) = (text(row, "kind"), number(row, "distance"));
        let ours = passes(kind, distance, seeds);
        let what = format!("{kind} over {distance} m");
        for (key, name, value, tolerance) in [
            (
                "speed",
                "speed (m/s)",
                mean(&collect(&ours.kicks, |kick| kick.ball_speed)),
                0.05 * number(row, "speed"),
            ),
            ("lift", "lift (m/s)", mean(&collect(&ours.kicks, |kick| kick.lift)), 0.5),
            ("apex", "highest point (m)", mean(&ours.apexes), 0.3),
        ] {
            add(
                format!("{what}: {name}"),
                Estimate::exact(number(row, key)),
                Estimate::exact(value),
                tolerance,
            );
        }
        let share = ours.received.len() as f64 / ours.kicks.len() as f64;
        let engine = Estimate::share(number(row, "received"), number(row, "kicked"));
        add(
            format!("{what}: received (%)"),
            engine,
            Estimate::share(share, ours.kicks.len() as f64),
            15.0,
        );
        if let Some(frames) = row["received_frames"].as_f64() {
            let ours = Estimate::exact(mean(&ours.received));
            add(
                format!("{what}: frames until received"),
                Estimate::exact(frames),
                ours,
                0.15 * frames,
            );
        }
    }
    for row in list(&golden, "shots") {
        let ours = shots(row, seeds);
        let [gait, aim] = ["gait", "aim"].map(|key| text(row, key));
        let what = format!("shot {aim} from {} m, {gait}, held {}", row["distance"], row["held"]);
        let n = number(row, "kicked");
        let m = ours.kicks.len() as f64;
        let (speeds, lifts) =
            (collect(&ours.kicks, |kick| kick.ball_speed), collect(&ours.kicks, |kick| kick.lift));
        add(
            format!("{what}: speed (m/s)"),
            Estimate::mean(number(row, "speed"), number(row, "speed_sd"), n),
            Estimate::mean(mean(&speeds), deviation(&speeds), m),
            0.03 * number(row, "speed"),
        );
        add(
            format!("{what}: lift (m/s)"),
            Estimate::mean(number(row, "lift"), number(row, "lift_sd"), n),
            Estimate::mean(mean(&lifts), deviation(&lifts), m),
            0.5,
        );
        let engine = number(row, "lateral_sd");
        add(
            format!("{what}: lateral deviation at the line (m)"),
            Estimate { value: engine, half: 1.96 * engine / (2.0 * n).sqrt() },
            Estimate {
                value: deviation(&ours.lateral),
                half: 1.96 * deviation(&ours.lateral) / (2.0 * m).sqrt(),
            },
            0.25 * engine,
        );
        let share = ours.goals as f64 / m;
        add(
            format!("{what}: goals (%)"),
            Estimate::share(number(row, "goals"), n),
            Estimate::share(share, m),
            10.0,
        );
    }
    rows
}
