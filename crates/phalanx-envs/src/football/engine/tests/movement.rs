//! Running without the ball.

use super::{Drill, left};
use crate::football::engine::vec2::Vec2;

/// Velocities after each step: (speed,) or (along, across) for turns; the mean over the frame in which the key is
/// pressed. Player 1 and player 5, top speeds 7.83 and 7.94 m/s.
struct Curve {
    player: u8,
    speed: f32,
    turn: Option<f32>,
    expected: &'static [[f32; 2]],
}

/// Returns the mean velocities after steps of 0.1 s, over 40 moments of the command.
fn mean_velocities(curve: &Curve) -> Vec<Vec2> {
    let repeats = 40;
    let mut means = vec![Vec2::ZERO; curve.expected.len()];
    for repeat in 0..repeats {
        let places: Vec<Vec2> =
            (0..10).map(|index| Vec2::new(-40.0, 7.0 * index as f32 - 33.0)).collect();
        let mut drill = Drill::new(repeat, Vec2::new(52.0, 33.0), &places, Vec2::new(50.0, -30.0));
        let id = left(curve.player);
        let ahead = Vec2::new(1.0, 0.0);
        let run_up = if curve.turn.is_some() { 250 } else { 20 } + repeat as usize;
        for _ in 0..run_up {
            drill.frame(|game| {
                let command = &mut game.player_mut(id).command;
                command.direction = ahead;
                command.speed = if curve.turn.is_some() { curve.speed } else { 0.0 };
            });
        }
        for mean in &mut means {
            for _ in 0..10 {
                drill.frame(|game| {
                    let command = &mut game.player_mut(id).command;
                    let turn = curve.turn.unwrap_or(0.0);
                    command.direction =
                        if turn < 0.0 { ahead } else { ahead.turned(turn.to_radians()) };
                    command.speed = if turn < 0.0 { 0.0 } else { curve.speed };
                });
            }
            *mean += drill.game.player(id).velocity * (1.0 / repeats as f32);
        }
    }
    means
}

/// Asserts that a curve is met, if it may be shifted by one step: the mean distance of the velocities is at most 7 % of
/// the speed, and a run ends at the original's speed.
fn assert_curve(curve: &Curve) {
    let got = mean_velocities(curve);
    let error = |shift: usize, late: bool| {
        let pairs = got.len() - shift;
        let distances = (0..pairs).map(|step| {
            let (ours, theirs) = if late { (step + shift, step) } else { (step, step + shift) };
            let [along, across] = curve.expected[theirs];
            got[ours].distance(Vec2::new(along, across))
        });
        distances.sum::<f32>() / pairs as f32
    };
    let least = error(0, false).min(error(1, true)).min(error(1, false));
    let what = format!("player {} at {} m/s, turn {:?}", curve.player, curve.speed, curve.turn);
    assert!(least < 0.07 * curve.speed, "{what}: off by {least} m/s: {got:.2?}");
    let [along, across] = *curve.expected.last().expect("a curve has points");
    let end = got.last().expect("a curve has points").length();
    let expected = Vec2::new(along, across).length();
    if curve.turn.is_none() {
        assert!(
            (end - expected).abs() < 0.1,
            "{what}: ends at {end} m/s instead of {expected} m/s"
        );
    }
}

#[test]
fn players_run_and_turn_as_the_originals_do() {
    let curves = [
        Curve {
            player: 1,
            speed: 5.0,
            turn: None,
            expected: &[
                [0.65, 0.00],
                [1.76, 0.00],
                [2.95, 0.00],
                [3.80, 0.00],
                [4.53, 0.00],
                [4.91, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 5.0,
            turn: None,
            expected: &[
                [0.53, 0.00],
                [1.66, 0.00],
                [2.94, 0.00],
                [3.80, 0.00],
                [4.51, 0.00],
                [4.92, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
                [5.00, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: None,
            expected: &[
                [0.68, 0.00],
                [1.79, 0.00],
                [2.99, 0.00],
                [3.83, 0.00],
                [4.55, 0.00],
                [5.00, 0.00],
                [5.37, 0.00],
                [5.73, 0.00],
                [6.03, 0.00],
                [6.29, 0.00],
                [6.63, 0.00],
                [6.93, 0.00],
                [7.16, 0.00],
                [7.33, 0.00],
                [7.46, 0.00],
                [7.56, 0.00],
                [7.63, 0.00],
                [7.68, 0.00],
                [7.72, 0.00],
                [7.75, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: None,
            expected: &[
                [0.58, 0.00],
                [1.73, 0.00],
                [2.98, 0.00],
                [3.83, 0.00],
                [4.55, 0.00],
                [5.02, 0.00],
                [5.39, 0.00],
                [5.86, 0.00],
                [6.34, 0.00],
                [6.74, 0.00],
                [7.05, 0.00],
                [7.28, 0.00],
                [7.46, 0.00],
                [7.59, 0.00],
                [7.68, 0.00],
                [7.75, 0.00],
                [7.81, 0.00],
                [7.84, 0.00],
                [7.87, 0.00],
                [7.89, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 3.5,
            turn: None,
            expected: &[
                [0.68, 0.00],
                [1.79, 0.00],
                [2.92, 0.00],
                [3.39, 0.00],
                [3.50, 0.00],
                [3.49, 0.00],
                [3.48, 0.00],
                [3.48, 0.00],
                [3.50, 0.00],
                [3.48, 0.00],
                [3.48, 0.00],
                [3.50, 0.00],
                [3.48, 0.00],
                [3.48, 0.00],
                [3.50, 0.00],
                [3.49, 0.00],
                [3.49, 0.00],
                [3.50, 0.00],
                [3.48, 0.00],
                [3.48, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 3.5,
            turn: None,
            expected: &[
                [0.58, 0.00],
                [1.73, 0.00],
                [2.92, 0.00],
                [3.40, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
                [3.50, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 5.0,
            turn: Some(-1.0),
            expected: &[
                [4.58, 0.00],
                [2.89, 0.00],
                [0.94, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 5.0,
            turn: Some(-1.0),
            expected: &[
                [4.38, 0.00],
                [2.50, 0.00],
                [0.65, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 5.0,
            turn: Some(45.0),
            expected: &[
                [4.86, 0.37],
                [4.40, 1.56],
                [3.82, 2.92],
                [3.58, 3.48],
                [3.54, 3.53],
                [3.54, 3.53],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
            ],
        },
        Curve {
            player: 5,
            speed: 5.0,
            turn: Some(45.0),
            expected: &[
                [4.67, 0.47],
                [3.97, 1.69],
                [3.46, 2.92],
                [3.45, 3.41],
                [3.53, 3.53],
                [3.54, 3.53],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
                [3.54, 3.54],
            ],
        },
        Curve {
            player: 1,
            speed: 5.0,
            turn: Some(90.0),
            expected: &[
                [4.65, 0.22],
                [3.18, 0.98],
                [1.23, 2.17],
                [0.16, 3.26],
                [0.03, 4.09],
                [0.01, 4.70],
                [0.00, 4.98],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
            ],
        },
        Curve {
            player: 5,
            speed: 5.0,
            turn: Some(90.0),
            expected: &[
                [4.46, 0.29],
                [2.78, 1.15],
                [0.91, 2.37],
                [0.09, 3.45],
                [0.02, 4.29],
                [0.01, 4.82],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
                [0.00, 5.00],
            ],
        },
        Curve {
            player: 1,
            speed: 5.0,
            turn: Some(135.0),
            expected: &[
                [4.58, 0.00],
                [2.95, 0.00],
                [0.88, 0.12],
                [-0.69, 0.77],
                [-1.65, 1.65],
                [-2.30, 2.30],
                [-2.86, 2.86],
                [-3.30, 3.30],
                [-3.51, 3.51],
                [-3.54, 3.54],
                [-3.54, 3.54],
                [-3.54, 3.54],
            ],
        },
        Curve {
            player: 1,
            speed: 5.0,
            turn: Some(180.0),
            expected: &[
                [4.58, 0.00],
                [2.95, 0.00],
                [0.83, 0.00],
                [-1.00, 0.00],
                [-2.32, 0.00],
                [-3.11, 0.00],
                [-3.70, 0.00],
                [-4.06, 0.00],
                [-4.50, 0.00],
                [-4.84, 0.00],
                [-5.00, 0.00],
                [-5.00, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 5.0,
            turn: Some(180.0),
            expected: &[
                [4.38, 0.00],
                [2.54, 0.00],
                [0.39, 0.00],
                [-1.26, 0.01],
                [-2.57, 0.02],
                [-3.28, 0.01],
                [-3.81, 0.00],
                [-4.21, 0.00],
                [-4.59, 0.00],
                [-4.90, 0.00],
                [-5.00, 0.00],
                [-5.00, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: Some(-1.0),
            expected: &[
                [7.50, 0.00],
                [6.18, 0.00],
                [3.61, 0.00],
                [1.20, 0.00],
                [0.07, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: Some(-1.0),
            expected: &[
                [7.48, 0.00],
                [5.97, 0.00],
                [3.25, 0.00],
                [1.01, 0.00],
                [0.02, 0.00],
                [0.00, 0.00],
                [0.00, 0.00],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: Some(45.0),
            expected: &[
                [7.67, 0.22],
                [6.92, 1.11],
                [5.74, 2.69],
                [5.04, 3.96],
                [4.99, 4.56],
                [5.07, 4.87],
                [5.15, 5.08],
                [5.24, 5.21],
                [5.31, 5.30],
                [5.37, 5.37],
                [5.41, 5.41],
                [5.44, 5.44],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: Some(45.0),
            expected: &[
                [7.68, 0.32],
                [6.76, 1.31],
                [5.60, 2.89],
                [5.04, 4.10],
                [5.07, 4.63],
                [5.15, 4.96],
                [5.24, 5.17],
                [5.33, 5.30],
                [5.40, 5.39],
                [5.46, 5.45],
                [5.50, 5.50],
                [5.53, 5.53],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: Some(90.0),
            expected: &[
                [7.53, 0.13],
                [6.32, 0.57],
                [4.07, 1.40],
                [1.92, 2.55],
                [0.66, 3.71],
                [0.14, 4.56],
                [0.01, 5.19],
                [0.01, 5.67],
                [0.00, 5.96],
                [0.00, 6.23],
                [0.00, 6.58],
                [0.00, 6.88],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: Some(90.0),
            expected: &[
                [7.51, 0.15],
                [6.09, 0.61],
                [3.73, 1.53],
                [1.68, 2.75],
                [0.57, 3.97],
                [0.11, 4.78],
                [0.02, 5.41],
                [0.01, 5.95],
                [0.00, 6.42],
                [0.00, 6.80],
                [0.00, 7.09],
                [0.00, 7.32],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: Some(135.0),
            expected: &[
                [7.50, 0.00],
                [6.18, 0.00],
                [3.62, 0.08],
                [0.74, 0.61],
                [-1.18, 1.40],
                [-2.06, 2.08],
                [-2.65, 2.66],
                [-3.17, 3.17],
                [-3.56, 3.56],
                [-3.90, 3.90],
                [-4.14, 4.14],
                [-4.33, 4.33],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: Some(135.0),
            expected: &[
                [7.48, 0.00],
                [5.97, 0.00],
                [3.27, 0.14],
                [0.46, 0.75],
                [-1.39, 1.59],
                [-2.24, 2.26],
                [-2.85, 2.86],
                [-3.33, 3.33],
                [-3.71, 3.71],
                [-4.05, 4.05],
                [-4.41, 4.41],
                [-4.70, 4.70],
            ],
        },
        Curve {
            player: 1,
            speed: 8.0,
            turn: Some(180.0),
            expected: &[
                [7.50, 0.00],
                [6.18, 0.00],
                [3.60, 0.00],
                [0.53, 0.01],
                [-1.73, 0.02],
                [-2.87, 0.01],
                [-3.58, 0.00],
                [-4.08, 0.00],
                [-4.51, 0.00],
                [-4.95, 0.00],
                [-5.42, 0.00],
                [-5.80, 0.00],
            ],
        },
        Curve {
            player: 5,
            speed: 8.0,
            turn: Some(180.0),
            expected: &[
                [7.48, 0.00],
                [5.97, 0.00],
                [3.24, 0.00],
                [0.27, 0.01],
                [-1.82, 0.01],
                [-2.92, 0.01],
                [-3.69, 0.00],
                [-4.24, 0.00],
                [-4.60, 0.00],
                [-5.09, 0.00],
                [-5.60, 0.00],
                [-6.12, 0.00],
            ],
        },
    ];
    for curve in &curves {
        assert_curve(curve);
    }
}

#[test]
fn runs_end_at_the_speed_that_is_asked_for_or_the_top_speed() {
    for (speed, expected) in [(3.5, 3.5), (5.0, 5.0), (8.0, 7.83)] {
        let curve = Curve { player: 1, speed, turn: None, expected: &[[0.0, 0.0]; 60] };
        let end = mean_velocities(&curve)[59].length();
        assert!((end - expected).abs() < 0.02, "{end} m/s instead of {expected} m/s");
    }
}
