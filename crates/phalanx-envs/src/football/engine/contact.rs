//! What a body does to the ball: how hard it is to touch, the spin, and the curl of kicks.

use std::f32::consts::PI;

use phalanx_core::rng::Rng;

use super::Match;
use super::state::{Ball, PlayerId};
use super::vec2::Vec2;
use crate::math::{pow, squared};

/// How hard a touch is: how far the ball springs, how high, and how much of its own motion it keeps; each from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Difficulty {
    pub distance: f32,
    pub height: f32,
    pub keeps: f32,
}

impl Difficulty {
    /// Returns how hard it is to touch the ball now: fast balls (from 10 m/s on), balls more than 0.7 m away, being
    /// pushed, and balls that an opponent kicked less than a second ago. All is multiplied by
    /// `(1 - 0.5 ball control) U(0.5, 1)`.
    pub(super) fn of(game: &Match, id: PlayerId, rng: &mut Rng) -> Self {
        let player = game.player(id);
        let ball = game.ball;
        let pushed = (player.pushed.length() / 0.1).min(1.0) * 2.0;
        let relative = player.velocity - ball.velocity;
        let relative = (relative.length_squared() + ball.climb * ball.climb).sqrt();
        let fast = ((relative - 10.0) / 40.0).clamp(0.0, 1.0);
        let fast = fast * fast.sqrt() * 5.0;
        let gap = (player.position + player.facing * 0.2).distance(ball.position);
        let far = squared(((gap - 0.7) / 0.6).clamp(0.0, 1.0)) * 2.0;
        let mut hard = Self {
            distance: pushed * 2.0 + fast + far * 4.0,
            height: pushed * 0.5 + fast * 2.0 + far,
            keeps: 0.0,
        };
        if let Some(touch) = game.last_touch.filter(|touch| touch.player.team != id.team) {
            let seconds = 1.0 - 0.5 * player.abilities.reaction * player.form;
            let age = (game.frame - touch.frame) as f32 * 0.01;
            let recent = pow(1.0 - (age / seconds).min(1.0), 0.6) * 5.0;
            hard.distance += recent;
            hard.height += recent;
            hard.keeps = (recent * 0.1).min(0.9);
        }
        let skill = (1.0 - 0.5 * player.abilities.ball_control * player.form) * rng.range(0.5, 1.0);
        Self {
            distance: (hard.distance * skill).min(1.0),
            height: (hard.height * skill).min(1.0),
            keeps: (hard.keeps * skill).min(1.0),
        }
    }
}

/// Returns the ball with the share `bias` of a new spin. The original keeps the spin of the team that it processes
/// second in the mirrored frame, so that topspin turns into backspin.
pub(super) fn spun(
    game: &Match,
    id: PlayerId,
    ball: Ball,
    spin: Vec2,
    sidespin: f32,
    bias: f32,
) -> Ball {
    let sign = if id.team as usize == game.setup.first_team { 1.0 } else { -1.0 };
    Ball {
        spin: game.ball.spin.mix(spin * sign, bias),
        sidespin: game.ball.sidespin + (sidespin - game.ball.sidespin) * bias,
        ..ball
    }
}

/// Returns the curl of a kick in radians: a quarter of twice the angle between the body and the kick in half turns,
/// counted from the front or the back. The kick leaves the foot turned by a share of it towards where the body looks,
/// and the spin bends it back.
pub(super) fn curl(facing: Vec2, kick: Vec2) -> f32 {
    let angle = kick.angle_to(facing) / PI;
    let side = if angle.abs() > 0.5 { (1.0 - angle.abs()).copysign(angle) } else { angle };
    side * 0.5
}

/// Returns by which share of its [`curl`] a kick is turned.
pub(super) fn curl_share(velocity: Vec2, climb: f32) -> f32 {
    0.4 + 0.6 * ((velocity.length_squared() + climb * climb).sqrt() / 70.0).min(1.0)
}
