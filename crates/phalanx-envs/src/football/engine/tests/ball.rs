//! The flight of the ball.

use crate::football::engine::ball::{BallPath, advance, fly, rebound_from_woodwork};
use crate::football::engine::pitch::BALL_RADIUS;
use crate::football::engine::state::Ball;
use crate::football::engine::vec2::Vec2;

fn kicked(speed: f32) -> Ball {
    Ball { height: BALL_RADIUS, velocity: Vec2::new(speed, 0.0), ..Ball::default() }
}

#[test]
fn a_ball_without_spin_rolls_as_far_as_the_originals() {
    // Speed; metres after 0.5, 1 and 2 s and at rest.
    let rolls = [
        (5.0, [2.154, 3.722, 5.435, 5.667]),
        (10.0, [4.235, 7.340, 11.342, 13.604]),
        (15.0, [6.097, 10.350, 15.784, 19.764]),
        (20.0, [7.781, 12.922, 19.340, 24.516]),
        (30.0, [10.727, 17.158, 24.839, 31.491]),
    ];
    for (speed, expected) in rolls {
        let mut ball = kicked(speed);
        let mut reached = Vec::new();
        for frame in 1..=600 {
            advance::<false>(&mut ball);
            if [50, 100, 200, 600].contains(&frame) {
                reached.push(ball.position.x);
            }
        }
        for (got, expected) in reached.iter().zip(expected) {
            assert!((got - expected).abs() < 0.01, "{speed} m/s: {got} m instead of {expected} m");
        }
    }
}

#[test]
fn kicked_balls_fly_as_in_the_original() {
    // Position, velocity and spin after a kick; positions after 0.5, 1, 1.5 and 2 s.
    let flights: [([f32; 9], [[f32; 3]; 4]); 5] = [
        // short pass stand
        (
            [
                -24.957203, 0.362701, 0.302017, 23.155945, 9.112014, 4.439525, -17.53666, 45.99958,
                29.35394,
            ],
            [
                [-14.621, 5.143, 0.138],
                [-7.561, 9.164, 0.179],
                [-2.236, 12.423, 0.110],
                [1.548, 14.743, 0.111],
            ],
        ),
        // short pass stand
        (
            [
                -25.041965, 0.865657, 0.373379, 22.070649, 10.978839, 5.201512, 19.50825,
                -38.57726, -25.56341,
            ],
            [
                [-14.877, 5.290, 2.527],
                [-6.064, 8.175, 3.541],
                [1.808, 10.084, 3.170],
                [9.021, 11.353, 1.335],
            ],
        ),
        // high pass stand
        (
            [
                -24.47765, 0.625282, 0.678575, 34.9332, 15.492765, 13.991084, 5.40447, -12.22771,
                3.6469,
            ],
            [
                [-9.443, 7.424, 6.067],
                [2.240, 12.935, 8.899],
                [11.857, 17.649, 9.590],
                [20.093, 21.816, 8.333],
            ],
        ),
        // shot walk
        (
            [
                -17.664948, -0.025656, 0.267629, 33.95024, -0.646894, 3.637838, -4.71223, 22.15186,
                -2.93206,
            ],
            [
                [-2.662, -0.400, 0.154],
                [7.324, -0.710, 0.129],
                [13.826, -0.908, 0.110],
                [18.300, -1.044, 0.110],
            ],
        ),
        // shot sprint
        (
            [
                -12.05433, 1.797703, 0.297768, 32.644184, 1.991551, 4.37098, -11.83667, 32.32917,
                -11.581,
            ],
            [
                [2.502, 2.334, 0.137],
                [12.279, 2.379, 0.108],
                [19.014, 2.352, 0.109],
                [23.636, 2.335, 0.110],
            ],
        ),
    ];
    for ([x, y, z, vx, vy, vz, wx, wy, wz], expected) in flights {
        let mut ball = Ball {
            position: Vec2::new(x, y),
            height: z,
            velocity: Vec2::new(vx, vy),
            climb: vz,
            spin: Vec2::new(wx, wy),
            sidespin: wz,
        };
        for [x, y, z] in expected {
            for _ in 0..50 {
                fly(&mut ball);
            }
            assert!(
                ball.position.distance(Vec2::new(x, y)) < 0.05,
                "{:?} instead of {x}, {y}",
                ball.position
            );
            assert!((ball.height - z).abs() < 0.02, "{} instead of {z}", ball.height);
        }
    }
}

#[test]
fn a_path_is_where_the_ball_flies() {
    let mut ball = Ball { climb: 8.0, spin: Vec2::new(5.0, -10.0), sidespin: 20.0, ..kicked(20.0) };
    let mut path = BallPath::new(&ball, 7);
    let mut flown = vec![ball];
    for _ in 0..600 {
        fly(&mut ball);
        flown.push(ball);
    }
    for frame in [0, 1, 9, 10, 35, 120, 299] {
        path.extend(frame + 7);
        for ahead in [0, 10, 55, 120, 290] {
            let point = path.at(frame + 7, ahead as f32 * 0.01);
            let there = flown[(frame + ahead) as usize];
            assert!(point.position.distance(there.position) < 0.05, "{frame} + {ahead}");
            assert!((point.height - there.height).abs() < 0.15, "{frame} + {ahead}");
        }
    }
}

#[test]
fn a_post_turns_the_ball_back_with_four_fifths_of_its_speed() {
    let mut ball = Ball { position: Vec2::new(54.9, 3.6), height: 1.0, ..kicked(20.0) };
    assert!(rebound_from_woodwork(&mut ball));
    assert!((ball.velocity.length() - 16.0).abs() < 1e-3);
    let mut bar = Ball { position: Vec2::new(54.9, 0.0), height: 2.5, ..kicked(20.0) };
    assert!(rebound_from_woodwork(&mut bar));
    assert!(bar.velocity.x < 0.0);
    let mut inside = Ball { position: Vec2::new(54.9, 0.0), height: 1.0, ..kicked(20.0) };
    assert!(!rebound_from_woodwork(&mut inside));
}
