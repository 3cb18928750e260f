//! Flights and rolls of the ball from the recorded states.

use phalanx_envs::football::engine::ball::fly;
use phalanx_envs::football::engine::pitch::HALF_LENGTH;
use phalanx_envs::football::engine::state::Ball;
use phalanx_envs::football::engine::vec2::Vec2;
use serde_json::Value;

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, numbers, read, text};

/// Returns the ball of a recorded state.
fn state(flight: &Value) -> Ball {
    let [position, velocity, spin] =
        ["position", "velocity", "spin"].map(|key| numbers(&flight[key]));
    let plane = |v: &[f64]| Vec2::new(v[0] as f32, v[1] as f32);
    Ball {
        position: plane(&position),
        height: position[2] as f32,
        velocity: plane(&velocity),
        climb: velocity[2] as f32,
        spin: plane(&spin),
        sidespin: spin[2] as f32,
    }
}

/// What separates our flight from the recorded one.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// The largest distance while the ball had not yet met the grass for the second time, in metres.
    pub flying: f64,
    /// The distance at the end, in metres.
    pub at_end: f64,
    /// How long the flight is, in seconds.
    pub seconds: f64,
}

/// Plays a recorded flight.
pub fn deviation(golden: &Value, flight: &Value) -> Deviation {
    let every = number(golden, "every_frames") as usize;
    let mut ball = state(flight);
    let mut result = Deviation { flying: 0.0, at_end: 0.0, seconds: 0.0 };
    let mut bounces = 0;
    for point in list(flight, "frames") {
        for _ in 0..every {
            let falling = ball.climb < 0.0;
            fly(&mut ball);
            bounces += usize::from(falling && ball.climb > 0.0);
        }
        let point = numbers(point);
        let plane =
            (f64::from(ball.position.x) - point[0]).hypot(f64::from(ball.position.y) - point[1]);
        result.at_end = plane.hypot(f64::from(ball.height) - point[2]);
        if bounces == 0 {
            result.flying = result.flying.max(result.at_end);
        }
        result.seconds += every as f64 * 0.01;
        if point[0].abs() > f64::from(HALF_LENGTH) {
            break;
        }
    }
    result
}

/// Compares all flights.
pub fn compare() -> Vec<Comparison> {
    let golden = read("ball");
    let row = |flight: &Value| {
        let [kind, gait] = ["kind", "gait"].map(|key| text(flight, key));
        let held = number(flight, "held");
        let deviation = deviation(&golden, flight);
        Comparison {
            what: format!(
                "distance (m) after {:.1} s: {kind}, {gait}, held {held} steps",
                deviation.seconds
            ),
            engine: Estimate::exact(0.0),
            ours: Estimate::exact(deviation.at_end),
            tolerance: 0.1,
        }
    };
    list(&golden, "flights").iter().map(row).collect()
}
