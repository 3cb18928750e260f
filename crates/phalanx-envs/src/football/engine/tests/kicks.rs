//! Passes and shots.

use super::{Drill, left};
use crate::football::engine::state::{Kick, KickRequest};
use crate::football::engine::vec2::Vec2;

/// The ball just after a kick, and the player's speed.
struct Kicked {
    speed: f32,
    climb: f32,
    frames: u32,
    ball: crate::football::engine::state::Ball,
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

#[test]
fn shots_debug() {
    for seed in 0..20 {
        let k = kick(seed, 5.0, 150, Kick::Shot, -30.0, 35.0);
        let mut ball = k.ball;
        while ball.position.x < 55.17 && ball.velocity.x > 1.0 {
            crate::football::engine::ball::fly(&mut ball);
        }
        println!(
            "{} {:.1} {:.1} from {:.1} {:.2} v {:.1} {:.1} spin {:.0} {:.0} {:.0} -> {:.2} {:.2}",
            k.frames,
            k.speed,
            k.climb,
            k.ball.position.x,
            k.ball.position.y,
            k.ball.velocity.x,
            k.ball.velocity.y,
            k.ball.spin.x,
            k.ball.spin.y,
            k.ball.sidespin,
            ball.position.y,
            ball.height
        );
    }
}
