//! Running with the ball.

use super::{Drill, left};
use crate::football::engine::vec2::Vec2;

/// What a run with the ball looks like, over the frames of a few runs.
#[derive(Debug, Default)]
struct Run {
    speed: f32,
    distances: Vec<f32>,
    ball_speed: f32,
    owned: f32,
    intervals: Vec<u32>,
}

fn run(speed: f32) -> Run {
    let mut run = Run::default();
    let mut frames = 0.0;
    for seed in 0..12 {
        let mut drill = Drill::new(
            seed,
            Vec2::new(-32.0, 0.0),
            &[Vec2::new(-33.0, 0.0)],
            Vec2::new(-55.0, 0.0),
        );
        let id = left(1);
        let mut last = 0;
        for frame in 0..900 {
            drill.frame(|game| {
                let wanted = Vec2::new(speed, 0.0);
                let pursuit = game.run_to_ball(id, wanted, true);
                let command = &mut game.player_mut(id).command;
                command.carry = Some(wanted);
                command.direction = pursuit.direction;
                command.speed = pursuit.speed;
            });
            if frame < 300 {
                continue;
            }
            let game = &drill.game;
            let player = game.player(id);
            run.speed += player.velocity.x;
            run.distances.push(game.ball.position.distance(player.position));
            run.ball_speed += game.ball.velocity.length();
            run.owned += f32::from(u8::from(game.owner == Some(id)));
            frames += 1.0;
            let touch = player.last_touch.map_or(0, |touch| touch.frame);
            if touch != last {
                run.intervals.push(touch - last);
                last = touch;
            }
        }
    }
    run.speed /= frames;
    run.ball_speed /= frames;
    run.owned /= frames;
    run.distances.sort_by(f32::total_cmp);
    run.intervals.sort_unstable();
    run
}

fn at(sorted: &[f32], share: f32) -> f32 {
    sorted[(share * (sorted.len() - 1) as f32) as usize]
}

#[test]
fn players_carry_the_ball_as_the_originals_do() {
    // Wanted speed; the player's mean speed; the median distance of the ball; its mean speed; frames between touches.
    let expected = [
        (5.0, 5.0, 0.45, 5.18, 25.0),
        (8.0, 7.52, 0.92, 7.43, 60.0),
        (3.5, 3.96, 0.51, 4.09, 30.0),
    ];
    for (wanted, speed, distance, ball_speed, interval) in expected {
        let run = run(wanted);
        assert!((run.speed / speed - 1.0).abs() < 0.04, "{wanted}: {} m/s", run.speed);
        let median = at(&run.distances, 0.5);
        assert!((median - distance).abs() < 0.1, "{wanted}: the ball is {median} m away");
        assert!(
            at(&run.distances, 1.0) < 1.3,
            "{wanted}: the ball is {} m away",
            at(&run.distances, 1.0)
        );
        assert!(
            (run.ball_speed / ball_speed - 1.0).abs() < 0.1,
            "{wanted}: {} m/s",
            run.ball_speed
        );
        let frames = run.intervals[run.intervals.len() / 2] as f32;
        assert!((frames / interval - 1.0).abs() < 0.2, "{wanted}: touches every {frames} frames");
        assert!(run.owned > 0.99, "{wanted}: owned for {} of the time", run.owned);
    }
}

#[test]
fn a_standing_player_steps_to_a_resting_ball_at_its_feet_and_touches_only_one_farther_away() {
    for (distance, end, touches) in [
        (0.3, 0.3, false),
        (0.4, 0.4, false),
        (0.5, 0.4, false),
        (0.6, 0.4, false),
        (0.64, 0.4, false),
        (0.68, 0.4, false),
        (0.73, 0.28, true),
        (0.8, 0.28, true),
    ] {
        let here = Vec2::new(-33.0, 0.0);
        let ball = here + Vec2::new(distance, 0.0);
        let mut drill = Drill::new(0, ball, &[here], Vec2::new(-55.0, 0.0));
        for _ in 0..300 {
            drill.frame(|_| {});
        }
        let player = drill.game.player(left(1));
        let gap = player.position.distance(drill.game.ball.position);
        assert_eq!(player.last_touch.is_some(), touches, "{distance} m");
        assert!((gap - end).abs() < 0.15, "{distance} m: {gap} m, in the original {end} m");
        assert!(touches || (gap - end).abs() < 0.01, "{distance} m: {gap} m");
    }
}
