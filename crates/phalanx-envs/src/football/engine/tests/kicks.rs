//! Passes and shots.

use super::{Drill, left};
use crate::football::engine::ball::fly;
use crate::football::engine::state::{Ball, Kick, KickRequest};
use crate::football::engine::vec2::Vec2;

/// The ball just after a kick, and the player's speed.
struct Kicked {
    speed: f32,
    climb: f32,
    frames: u32,
    ball: Ball,
}

/// Lets a player run with the ball for `run_up` frames and then kick, with a mate `distance` metres ahead of the ball.
fn kick(seed: u64, gait: f32, run_up: u32, kick: Kick, distance: f32, from: f32) -> Kicked {
    let mate = Vec2::new(from + distance, 0.0);
    let mut drill = Drill::new(
        seed,
        Vec2::new(from, 0.0),
        &[Vec2::new(from - 0.8, 0.0), mate],
        Vec2::new(-55.0, 0.0),
    );
    let id = left(1);
    let ahead = Vec2::new(1.0, 0.0);
    let mut asked = None;
    for frame in 0..1500 {
        drill.frame(|game| {
            let wanted = ahead * gait;
            let pursuit = game.run_to_ball(id, wanted, true);
            let has_ball = game.player(id).has_possession;
            let touched = game.player(id).last_touch.is_some();
            let player = game.player_mut(id);
            player.command.carry = Some(wanted);
            player.command.direction = if has_ball { ahead } else { pursuit.direction };
            player.command.speed = if has_ball { gait } else { pursuit.speed };
            if frame >= run_up && touched && has_ball && asked.is_none() {
                player.command.kick = Some(KickRequest {
                    kick,
                    direction: ahead,
                    gauge: 0.1,
                    target: None,
                    aimed: false,
                });
                asked = Some(frame);
            }
        });
        let game = &drill.game;
        if game
            .last_touch
            .is_some_and(|touch| touch.kick.is_some() && touch.frame + 1 == game.frame)
        {
            let asked = asked.expect("nobody else kicks");
            return Kicked {
                speed: game.ball.velocity.length(),
                climb: game.ball.climb,
                frames: frame - asked,
                ball: game.ball,
            };
        }
    }
    panic!("seed {seed}: no kick of kind {kick:?} at {gait} m/s");
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let all = values.collect::<Vec<_>>();
    all.iter().sum::<f32>() / all.len() as f32
}

fn deviation(values: &[f32]) -> f32 {
    let mean = mean(values.iter().copied());
    mean_square(values.iter().map(|value| value - mean)).sqrt()
}

fn mean_square(values: impl Iterator<Item = f32>) -> f32 {
    mean(values.map(|value| value * value))
}

#[test]
fn passes_leave_a_standing_foot_as_fast_as_the_originals() {
    // Kind; distance of the mate; speed in the plane; climb.
    let expected = [
        (Kick::ShortPass, 6.0, 13.08, 1.44),
        (Kick::ShortPass, 12.0, 17.21, 1.89),
        (Kick::ShortPass, 20.0, 24.21, 2.66),
        (Kick::ShortPass, 40.0, 25.72, 5.33),
        (Kick::HighPass, 12.0, 13.79, 5.81),
        (Kick::HighPass, 20.0, 18.07, 7.24),
        (Kick::HighPass, 40.0, 32.05, 11.25),
    ];
    for (kind, distance, speed, climb) in expected {
        let kicks =
            (0..6).map(|seed| kick(seed, 0.0, 200, kind, distance, -20.0)).collect::<Vec<_>>();
        let got = mean(kicks.iter().map(|kick| kick.speed));
        assert!(
            (got / speed - 1.0).abs() < 0.07,
            "{kind:?} over {distance} m: {got} m/s instead of {speed} m/s"
        );
        let got = mean(kicks.iter().map(|kick| kick.climb));
        assert!(
            (got - climb).abs() < 0.6,
            "{kind:?} over {distance} m: climbs at {got} m/s instead of {climb} m/s"
        );
    }
}

#[test]
fn kicks_take_as_long_as_the_originals() {
    // Speed with the ball; kind; mean frames from the decision to the touch. The original's, less the ten frames in which
    // the button is pressed.
    let expected = [
        (0.0, Kick::ShortPass, 36.5),
        (0.0, Kick::Shot, 26.5),
        (5.0, Kick::ShortPass, 24.8),
        (5.0, Kick::HighPass, 17.6),
        (5.0, Kick::Shot, 24.9),
        (8.0, Kick::ShortPass, 32.7),
        (3.5, Kick::ShortPass, 27.2),
        (3.5, Kick::Shot, 21.8),
    ];
    for (gait, kind, frames) in expected {
        let got = mean((0..40).map(|seed| {
            let run_up = 400 + 3 * seed as u32;
            kick(seed, gait, run_up, kind, 25.0, -30.0).frames as f32
        }));
        assert!(
            (got - frames).abs() < 6.0,
            "{kind:?} at {gait} m/s: {got} frames instead of {frames}"
        );
    }
}

#[test]
fn shots_are_as_fast_and_as_straight_as_the_originals() {
    let kicks =
        (0..80).map(|seed| kick(seed, 5.0, 150, Kick::Shot, -30.0, 33.0)).collect::<Vec<_>>();
    let speed = mean(kicks.iter().map(|kick| kick.speed));
    assert!((speed / 32.06 - 1.0).abs() < 0.03, "{speed} m/s");
    let climb = mean(kicks.iter().map(|kick| kick.climb));
    assert!((climb - 2.58).abs() < 0.5, "{climb} m/s upwards");
    let across = kicks.iter().map(|kick| {
        let mut ball = kick.ball;
        while ball.position.x < 55.17 && ball.velocity.x > 1.0 {
            fly(&mut ball);
        }
        assert!(ball.height < 2.5, "{} m high", ball.height);
        ball.position.y
    });
    // From about 15 m.
    let spread = deviation(&across.collect::<Vec<_>>());
    assert!((0.15..0.5).contains(&spread), "{spread} m");
}
