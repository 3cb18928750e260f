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
    // Wanted speed; the player's mean speed; distances of the ball at 10, 50 and 90 %; the ball's mean speed.
    let expected = [
        (5.0, 5.0, [0.43, 0.45, 0.54], 5.18),
        (8.0, 7.52, [0.71, 0.92, 1.05], 7.4),
        (3.5, 3.96, [0.47, 0.51, 0.56], 4.09),
    ];
    for (wanted, speed, distances, ball_speed) in expected {
        let run = run(wanted);
        let got = [at(&run.distances, 0.1), at(&run.distances, 0.5), at(&run.distances, 0.9)];
        println!(
            "{wanted}: {} {got:.2?} {} {} {:?}",
            run.speed,
            run.ball_speed,
            run.owned,
            &run.intervals[run.intervals.len() / 10]
        );
        println!(
            "      {} {distances:.2?} {ball_speed} intervals {:?} {:?}",
            speed,
            run.intervals[run.intervals.len() / 2],
            run.intervals[run.intervals.len() * 9 / 10]
        );
    }
}
