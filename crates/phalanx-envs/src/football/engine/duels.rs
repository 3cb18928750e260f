//! Fighting for the ball: tackles, slides, and balls that hit bodies.

use phalanx_core::rng::Rng;

use super::Match;
use super::contact::spun;
use super::pitch::{BALL_RADIUS, FRAME};
use super::player::{Body, TouchKind};
use super::reaches::{TACKLES, Tolerance};
use super::saves::{GETTING_UP, blind_frames};
use super::state::{Ball, PlayerId, TEAM_SIZE};
use super::touches::{duel_chance, missed_by};
use super::vec2::Vec2;

/// How near a ball has to be to where a tackle meets it.
const TOLERANCE: Tolerance = Tolerance {
    radius: 0.42,
    offset: 0.2,
    angle: 0.25 * std::f32::consts::PI,
    height: 1.0,
    runs: true,
};
/// The largest change of the velocity in a frame of a tackle that speeds up, and that brakes, in m/s.
const TACKLE_CHANGE: f32 = 0.07;
const TACKLE_BRAKE: f32 = 0.2;
/// The speed up to which a body speeds up in a tackle, in m/s.
const TACKLE_SPEED: f32 = 3.0;
/// The frames of a slide, without getting up.
const SLIDE: u16 = 60;
/// The frames of a slide in which the leg can meet the ball or an opponent.
const SLIDE_REACH: std::ops::Range<u16> = 8..34;
/// How far ahead of a sliding body the leg reaches.
const SLIDE_LEG: f32 = 0.95;
/// How near the ball has to be to the leg.
const SLIDE_RADIUS: f32 = 0.35;
/// Half the width of a body that a ball can hit.
const BODY: f32 = 0.24;
/// The height up to which a ball meets legs.
const LEGS: f32 = 0.8;
/// Half the gap between the legs of a body, for the centre of a ball.
const LEGS_GAP: f32 = 0.06;
/// The height of a body.
const BODY_HEIGHT: f32 = 1.85;
/// The frames in which no body is hit again.
const BLOCK_PAUSE: u32 = 15;

/// Lets a player begin a tackle: the opponents have best possession, no opponent stands between the player and the
/// ball, and a tackle meets it. Returns whether it does.
pub(super) fn begin_tackle(game: &mut Match, id: PlayerId) -> bool {
    let player = game.player(id);
    if game.holder.is_some()
        || !player.acts()
        || game.best_team == Some(id.team)
        || player.position.distance(game.ball.position) > 3.5
        || game.last_touch.is_some_and(|touch| game.frame < touch.frame + blind_frames(game, id))
        || duel_chance(game, id) < 0.2
    {
        return false;
    }
    let wanted = player.command.direction;
    let run = player.velocity.direction_or(player.facing);
    // A tackle must not lead away from where the player wants to run.
    if wanted != Vec2::ZERO && wanted.dot(run) < 0.2 && player.velocity.length() > 1.8 {
        return false;
    }
    let Some((number, side)) = game.fitting_move(player, &TACKLES, TOLERANCE, 0.0, |_| true) else {
        return false;
    };
    let heading =
        if player.velocity.length() < 1.8 { player.facing } else { player.velocity.direction() };
    let meeting = game.ball_at(f32::from(TACKLES[number].contact) * FRAME).position;
    game.player_mut(id).body =
        Body::Tackle { meeting, tackle: number as u8, side, frame: 0, heading };
    true
}

/// Plays a frame of a tackle.
pub(super) fn tackle_frame(game: &mut Match, id: PlayerId, rng: &mut Rng) {
    let Body::Tackle { meeting, tackle, side, frame, heading } = game.player(id).body else {
        return;
    };
    let plan = &TACKLES[tackle as usize];
    let frame = frame + 1;
    let right = Vec2::new(-heading.y, heading.x);
    let from = |place: [f32; 2]| right * (place[0] * side) + heading * place[1];
    let planned = if frame <= plan.contact {
        from(plan.body) * (100.0 / f32::from(plan.contact))
    } else {
        (from(plan.end) - from(plan.body)) * (100.0 / f32::from(plan.frames - plan.contact))
    };
    let player = game.player_mut(id);
    // Up to the ball the body keeps its own run; then half of the move is that run.
    let speed = player.velocity.length();
    let (planned, most) = if frame <= plan.contact {
        (
            planned.direction() * planned.length().clamp(speed, speed.max(TACKLE_SPEED)),
            TACKLE_CHANGE,
        )
    } else {
        (planned.limited(speed), TACKLE_BRAKE)
    };
    player.velocity += ((planned - player.velocity) * 0.5).limited(most);
    player.position += player.velocity * FRAME;
    player.body = if frame >= plan.frames {
        Body::Free
    } else {
        Body::Tackle { meeting, tackle, side, frame, heading }
    };
    if frame != plan.contact {
        return;
    }
    let ball = game.ball;
    let Some(missed) = missed_by(ball.position.distance(meeting)) else { return };
    if game.holder.is_some() || (ball.height - plan.ball[2]).abs() > 1.0 {
        return;
    }
    // Half of what a trap would do, and 4 m/s away from the body.
    let away = (ball.position - game.player(id).position).direction_or(heading);
    let trapped = game.player(id).velocity * 0.9 + away * 1.5;
    let velocity = (trapped * 0.5 + away * 4.0).mix(ball.velocity, missed);
    let poked = spun(
        game,
        id,
        Ball { velocity, climb: rng.range(0.5, 1.5), ..ball },
        Vec2::new(-away.y, away.x) * 10.0,
        0.0,
        0.3,
    );
    game.set_ball(poked);
    game.record_accidental_touch(id);
}

/// Lets a player begin a slide, if it does not have the ball.
pub(super) fn begin_slide(game: &mut Match, id: PlayerId) -> bool {
    let player = game.player(id);
    if player.has_possession || game.holder.is_some() {
        return false;
    }
    let direction =
        player.command.direction.direction_or(player.velocity.direction_or(player.facing));
    let player = game.player_mut(id);
    player.body = Body::Slide { frame: 0, frames: SLIDE + GETTING_UP, direction };
    player.command.slide = false;
    true
}

/// Plays a frame of a slide: the body speeds up to 7 m/s, then slows down. The ball is hit with 6 m/s in the direction
/// of the slide and 6 m/s upwards, less 0.28 of its own velocity.
pub(super) fn slide_frame(game: &mut Match, id: PlayerId) {
    let Body::Slide { frame, frames, direction } = game.player(id).body else { return };
    let frame = frame + 1;
    let player = game.player_mut(id);
    let speed = if frame < 30 {
        (player.velocity.length() + 0.25).min(7.0)
    } else {
        7.0 - 0.2 * f32::from(frame - 30)
    };
    let target = direction * speed.max(0.0);
    player.velocity += (target - player.velocity).limited(1.0);
    player.position += player.velocity * FRAME;
    player.facing = direction;
    player.body =
        if frame >= frames { Body::Free } else { Body::Slide { frame, frames, direction } };
    if frame > SLIDE {
        player.velocity = Vec2::ZERO;
    }
    if !SLIDE_REACH.contains(&frame) || game.holder.is_some() || game.touched_lately(id, 20) {
        return;
    }
    let leg = game.player(id).position + direction * SLIDE_LEG;
    let ball = game.ball;
    if ball.position.distance(leg) < SLIDE_RADIUS && ball.height < 0.7 {
        let hit = Ball {
            velocity: direction * 6.0 + ball.velocity * -0.28,
            climb: 6.0 - 0.28 * ball.climb,
            ..ball
        };
        game.set_ball(hit);
        game.record_accidental_touch(id);
    }
}

/// Lets the ball rebound from bodies that could not expect it: those of the team that did not touch it within the last
/// 0.2 s. With `n` = the direction away from the body, the ball gets `6 n + 0.6 |v| n - 0.2 v`, mixed with its own
/// velocity, at most as fast as before, times 0.7.
pub(super) fn block_ball(game: &mut Match, rng: &mut Rng) {
    let Some(touch) = game.last_touch else { return };
    if game.holder.is_some()
        || game.frame > touch.frame + 20
        || game.block_frame.is_some_and(|frame| game.frame <= frame + BLOCK_PAUSE)
        || game.ball.height > BODY_HEIGHT + BALL_RADIUS
    {
        return;
    }
    let team = 1 - touch.player.team as usize;
    for index in 0..game.counts[team].min(TEAM_SIZE) {
        let player = &game.players[team][index];
        let gap = game.ball.position - player.position;
        if !player.on_pitch || gap.length_squared() > 1.0 {
            continue;
        }
        let id = PlayerId { team: team as u8, index: index as u8 };
        let width = match player.body {
            Body::Free | Body::Stumble { .. } => BODY,
            Body::Slide { .. } | Body::Tackle { .. } => BODY + 0.1,
            Body::Touch { kind: TouchKind::Trap | TouchKind::Control, .. } => continue,
            _ => continue,
        };
        if gap.length() > width + BALL_RADIUS
            || game.touched_lately(id, 20)
            || game.has_unique_possession(id)
        {
            continue;
        }
        let ball = game.ball;
        let look = player.facing;
        if ball.height < LEGS && (gap.x * look.y - gap.y * look.x).abs() < LEGS_GAP {
            continue;
        }
        let recent = 1.0 - (game.frame - touch.frame) as f32 * 0.05;
        let towards = recent * 0.8 + 0.2;
        let up = (ball.height - 0.9) * 0.6;
        let normal = gap.direction() * towards + player.velocity * (1.0 - towards);
        let length = (normal.length_squared() + up * up).sqrt().max(1e-3);
        let (normal, up) = (normal * (1.0 / length), up / length);
        let speed = (ball.velocity.length_squared() + ball.climb * ball.climb).sqrt();
        let bias = 0.75;
        let strength = 6.0 + 0.6 * speed;
        let mut velocity =
            (normal * strength - ball.velocity * 0.2) * bias + ball.velocity * (1.0 - bias);
        let mut climb = (up * strength - ball.climb * 0.2) * bias + ball.climb * (1.0 - bias);
        let after = (velocity.length_squared() + climb * climb).sqrt();
        let factor = 0.7 * if after > speed { speed / after } else { 1.0 };
        velocity = velocity * factor;
        climb *= factor;
        let spin = Vec2::new(rng.range(-30.0, 30.0), rng.range(-30.0, 30.0));
        game.set_ball(Ball { velocity, climb, spin: ball.spin.mix(spin, 0.4), ..ball });
        game.block_frame = Some(game.frame);
        game.record_accidental_touch(id);
        return;
    }
}

impl Match {
    /// Returns whether a player touched the ball within the last `frames`.
    fn touched_lately(&self, id: PlayerId, frames: u32) -> bool {
        self.player(id).last_touch.is_some_and(|touch| self.frame - touch.frame <= frames)
    }

    /// Returns the opponent nearest to a player, and its distance.
    pub fn nearest_opponent(&self, id: PlayerId) -> Option<(usize, f32)> {
        let other = 1 - id.team as usize;
        let here = self.player(id).position;
        (0..self.counts[other])
            .filter(|&index| self.players[other][index].on_pitch)
            .map(|index| (index, self.players[other][index].position.distance(here)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }
}
