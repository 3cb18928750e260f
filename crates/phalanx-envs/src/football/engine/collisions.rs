//! Bodies that push each other, drag each other along, and fall over each other.

use super::Match;
use super::Trip;
use super::player::{Body, Player};
use super::pursuit::SPRINT;
use super::state::{PlayerId, TEAM_SIZE};
use super::vec2::Vec2;
use crate::math::pow;

/// The radius of a body.
const RADIUS: f32 = 0.36;
/// The distance from which bodies drag each other.
const DRAG: f32 = 2.0 * (RADIUS + 0.576);
/// The largest share of the other's velocity that is taken over.
const DRAG_FORCE: f32 = 0.25;
/// The sensitivity from which a body stumbles, and from which it falls.
const TRIPS: [f32; 2] = [0.48, 0.66];
/// The frames of a stumble, of one at a sprint, which brakes first, and of a fall without getting up.
pub(super) const STUMBLE: u16 = 25;
const SPRINTED_STUMBLE: u16 = 48;
const FALL: u16 = 62;

/// What a pair of bodies needs to know of one of them.
#[derive(Clone, Copy)]
struct Side<'a> {
    player: &'a Player,
    /// How much it faces away from the other, from 0 to 1.
    back: f32,
    main: bool,
    to_ball: f32,
}

/// Lets all bodies collide.
pub(super) fn resolve(game: &mut Match) {
    let mut ids = [PlayerId { team: 0, index: 0 }; 2 * TEAM_SIZE];
    // Backwards, so that the bodies after one lie before it.
    let mut places = Places::default();
    let mut n = 0;
    for team in [1, 0] {
        for index in (0..game.counts[team]).rev() {
            let player = &game.players[team][index];
            if player.on_pitch {
                ids[n] = PlayerId { team: team as u8, index: index as u8 };
                places.set(n, player.position);
                n += 1;
            }
        }
    }
    let mut near = [0; 2 * TEAM_SIZE];
    let mut any = 0;
    for (number, near) in near.iter_mut().enumerate().take(n).skip(1) {
        *near = places.near(number);
        any |= *near;
    }
    if any == 0 {
        present(game).for_each(Player::forget_push);
        return;
    }
    let mut meetings = [Meeting::default(); 2 * TEAM_SIZE];
    for first in (1..n).rev() {
        let mut others = near[first];
        while others != 0 {
            let second = others.ilog2() as usize;
            others ^= 1 << second;
            collide(game, (first, ids[first]), (second, ids[second]), &mut meetings);
        }
    }
    for (player, meeting) in present(game).zip(&meetings) {
        let mut offset = meeting.push;
        if meeting.force > 0.0 {
            offset += meeting.drag * (0.01 / meeting.force);
        }
        if offset != Vec2::ZERO {
            player.position += offset;
            player.pushed = (player.pushed * 0.95 + offset).limited(0.1);
        } else {
            player.forget_push();
        }
    }
}

/// Returns the players on the pitch, backwards.
fn present(game: &mut Match) -> impl Iterator<Item = &mut Player> {
    let ([left, right], counts) = (&mut game.players, game.counts);
    let players = right[..counts[1]].iter_mut().rev().chain(left[..counts[0]].iter_mut().rev());
    players.filter(|player| player.on_pitch)
}

impl Player {
    /// Lets a frame pass in which nothing pushes the player.
    fn forget_push(&mut self) {
        if self.pushed != Vec2::ZERO {
            self.pushed = self.pushed * 0.95;
            if self.pushed.length_squared() < 2.5e-5 {
                self.pushed = Vec2::ZERO;
            }
        }
    }
}

/// The places that are compared at once, so that the compiler takes vector instructions.
const BLOCK: usize = 8;
/// The places that [`Places`] has room for.
const ROOM: usize = (2 * TEAM_SIZE).next_multiple_of(BLOCK);
/// A bit for each of these.
const BITS: [u32; ROOM] = {
    let mut bits = [1; ROOM];
    let mut number = 1;
    while number < ROOM {
        bits[number] = bits[number - 1] << 1;
        number += 1;
    }
    bits
};

/// The places of all bodies.
struct Places {
    x: [f32; ROOM],
    y: [f32; ROOM],
}

impl Default for Places {
    fn default() -> Self {
        Self { x: [0.0; ROOM], y: [0.0; ROOM] }
    }
}

impl Places {
    fn set(&mut self, number: usize, place: Vec2) {
        self.x[number] = place.x;
        self.y[number] = place.y;
    }

    /// Returns which of the bodies with lower numbers are near enough to meet one, by bit.
    fn near(&self, number: usize) -> u32 {
        let here = Vec2::new(self.x[number], self.y[number]);
        self.within_reach(here, number.div_ceil(BLOCK)) & (BITS[number] - 1)
    }

    /// Returns which bodies of the first blocks are near enough to meet one at a place, by bit.
    // Inlined, the loop would not become vector instructions.
    #[inline(never)]
    fn within_reach(&self, here: Vec2, blocks: usize) -> u32 {
        let n = blocks.min(ROOM / BLOCK) * BLOCK;
        let mut near = 0;
        for ((x, y), bit) in self.x[..n].iter().zip(&self.y[..n]).zip(&BITS[..n]) {
            let (x, y) = (here.x - x, here.y - y);
            near |= if x * x + y * y < DRAG * DRAG { *bit } else { 0 };
        }
        near
    }
}

/// What others did to a body in a frame.
#[derive(Clone, Copy, Debug, Default)]
struct Meeting {
    /// How far they pushed it.
    push: Vec2,
    /// The velocities by which they dragged it along, weighted with their forces, and these forces.
    drag: Vec2,
    force: f32,
}

fn collide(
    game: &mut Match,
    (first, id_a): (usize, PlayerId),
    (second, id_b): (usize, PlayerId),
    meetings: &mut [Meeting],
) {
    let (pa, pb) = (game.player(id_a), game.player(id_b));
    let distance = pa.position.distance(pb.position);
    let normal = (pa.position - pb.position).direction_or(Vec2::new(0.0, 1.0));
    let ball = game.ball.position;
    let side = |player, id: PlayerId, normal: Vec2| Side {
        player,
        back: (player_facing(player).dot(normal) * 0.5 + 0.5).clamp(0.0, 1.0),
        main: game.main == id,
        to_ball: player_distance(player, ball),
    };
    let (sa, sb) = (side(pa, id_a, normal), side(pb, id_b, -normal));
    let is_designated = |id: PlayerId| game.designated[id.team as usize] == id.index;
    let battle = is_designated(id_a) && is_designated(id_b);
    if distance < 2.0 * RADIUS {
        let share = advantage(&sa, &sb, battle, 0.4, 0.5);
        let depth = (RADIUS - 0.5 * distance) * 2.0;
        let mut push = [normal * (depth * (1.0 - share)), normal * (-depth * share)];
        // A defender slips to the side of the one with the ball.
        if sb.main && pb.has_possession {
            push[0] += slip(pa, pb);
        } else if sa.main && pa.has_possession {
            push[1] += slip(pb, pa);
        }
        meetings[first].push += push[0].limited(SPRINT * 0.01);
        meetings[second].push += push[1].limited(SPRINT * 0.01);
    }
    let share = advantage(&sa, &sb, battle, 0.6, 0.9);
    let shell = (distance - 2.0 * RADIUS).max(0.0);
    let force = pow((1.0 - shell / (DRAG - 2.0 * RADIUS)).clamp(0.0, 1.0), 0.2) * DRAG_FORCE;
    let relative = pb.velocity - pa.velocity;
    for (number, force, relative) in
        [(first, force * (1.0 - share), relative), (second, force * share, -relative)]
    {
        meetings[number].drag += relative * (force * force);
        meetings[number].force += force;
    }
    if distance < 2.0 * RADIUS {
        let overlap = (pa.position + pa.velocity * 0.03).distance(pb.position + pb.velocity * 0.03);
        let levels = [trip_level(game, &sa, id_a, overlap), trip_level(game, &sb, id_b, overlap)];
        trip(game, id_a, id_b, levels[0]);
        trip(game, id_b, id_a, levels[1]);
    }
    slide_trip(game, id_a, id_b, distance);
    slide_trip(game, id_b, id_a, distance);
}

fn player_facing(player: &Player) -> Vec2 {
    player.velocity.direction_or(player.facing).mix(player.facing, 0.7)
}

fn player_distance(player: &Player, ball: Vec2) -> f32 {
    player.position.distance(ball)
}

/// Returns the share (0 to 1) by which the second of two gives way: facing, speed, the ball and balance decide.
fn advantage(a: &Side, b: &Side, battle: bool, main: f32, scale: f32) -> f32 {
    let mut bias = (a.back - b.back) * 0.8;
    bias -=
        ((a.player.velocity.length() - b.player.velocity.length()) / SPRINT * 0.2).clamp(-0.2, 0.2);
    if main < 0.5 {
        bias += tackling(a.player) - tackling(b.player);
    }
    bias += main * (f32::from(u8::from(a.main)) - f32::from(u8::from(b.main)));
    if battle {
        bias += (b.to_ball.min(1.2) - a.to_ball.min(1.2)).clamp(-0.6, 0.6);
    }
    bias += a.player.abilities.balance * a.player.form - b.player.abilities.balance * b.player.form;
    bias.clamp(-1.0, 1.0) * scale * 0.5 + 0.5
}

fn tackling(player: &Player) -> f32 {
    match player.body {
        Body::Tackle { .. } | Body::Slide { .. } => {
            0.1 + 0.4 * player.abilities.tackle * player.form
        }
        _ => 0.0,
    }
}

fn slip(player: &Player, owner: &Player) -> Vec2 {
    let angle = 0.3 * std::f32::consts::PI;
    let left = owner.position + owner.facing.turned(angle) * (2.0 * RADIUS);
    let right = owner.position + owner.facing.turned(-angle) * (2.0 * RADIUS);
    let nearer =
        if player.position.distance(left) < player.position.distance(right) { left } else { right };
    (nearer - player.position).limited(0.01) * (0.3 * player.abilities.balance * player.form)
}

/// Returns how near a body is to losing its balance, from 0 to 1.
fn trip_level(game: &Match, side: &Side, id: PlayerId, overlap: f32) -> f32 {
    let player = side.player;
    let sum = (1.0 - side.back)
        + (player.velocity.length() / SPRINT).min(1.0)
        + f32::from(u8::from(game.has_best_possession(id)))
        + (1.0 - player.abilities.balance * player.form) * 3.0
        + (player.pushed.length() * 10.0).min(1.0)
        + pow(1.0 - (overlap / (2.0 * RADIUS)).min(1.0), 0.4) * 6.0
        + (1.0 - (side.to_ball / 0.7).min(1.0));
    sum / 14.0
}

fn trip(game: &mut Match, victim: PlayerId, offender: PlayerId, level: f32) {
    if level > TRIPS[0] {
        fall(game, victim, offender, level > TRIPS[1], false);
    }
}

/// A slide brings down those whose legs it meets.
fn slide_trip(game: &mut Match, offender: PlayerId, victim: PlayerId, distance: f32) {
    if let Body::Slide { frame, direction, .. } = game.player(offender).body
        && (10..28).contains(&frame)
        && distance < 1.3
    {
        let leg = game.player(offender).position + direction * 0.7;
        if leg.distance(game.player(victim).position) < 0.45 {
            fall(game, victim, offender, true, true);
        }
    }
}

fn fall(game: &mut Match, victim: PlayerId, offender: PlayerId, fell: bool, by_slide: bool) {
    let frame = game.frame;
    let player = game.player_mut(victim);
    let down = matches!(player.body, Body::Fallen { .. } | Body::Save { .. } | Body::Slide { .. });
    if down || (!fell && matches!(player.body, Body::Stumble { .. })) {
        return;
    }
    player.body = if fell {
        Body::Fallen { frames: FALL + if by_slide { super::saves::GETTING_UP } else { 0 } }
    } else {
        let sprints = player.velocity.length() > 6.0;
        Body::Stumble { frames: if sprints { SPRINTED_STUMBLE } else { STUMBLE } }
    };
    game.last_trip = Some(Trip { frame, victim, offender, fell, by_slide });
}
