//! Goalkeepers' saves: holding and parrying.

use phalanx_core::rng::Rng;

use super::Match;
use super::pitch::HALF_LENGTH;
use super::player::Body;
use super::reaches::{Move, SAVES, Tolerance};
use super::state::{Ball, PlayerId, Role};
use super::vec2::Vec2;
use crate::math::pow;

/// The cosine of the angle between the run and the way to the ball up to which a body looks ahead.
const AHEAD: f32 = 0.7;
/// Where the hands may be used: the depth and half the width of the penalty area.
const AREA: Vec2 = Vec2::new(16.4, 20.05);
/// How near a ball has to be to where a save meets it.
const TOLERANCE: Tolerance = Tolerance {
    radius: 0.54,
    offset: 0.4,
    angle: 0.4 * std::f32::consts::PI,
    height: 0.8,
    runs: false,
};

/// Returns whether a goalkeeper may use its hands: nobody holds the ball, no mate kicked it last, and it will be in the
/// penalty area.
fn may_use_hands(game: &Match, id: PlayerId) -> bool {
    if game.player(id).role != Role::Goalkeeper || game.holder.is_some() {
        return false;
    }
    let back_pass = game.last_touch.is_some_and(|touch| {
        touch.player.team == id.team && touch.player != id && !touch.accidental
    });
    let ball = game.ball_at(0.16).position;
    let depth = HALF_LENGTH + ball.x * Match::attack(id.team as usize);
    !back_pass && depth < AREA.x && ball.y.abs() < AREA.y
}

/// Returns for how many frames a player does not see a touch by the other team: it sees the world as it was up to
/// 0.1 s ago, or up to 0.2 s if it reacts slowly. Its own team's touches are seen at once.
pub(super) fn blind_frames(game: &Match, id: PlayerId) -> u32 {
    if game.last_touch.is_none_or(|touch| touch.player.team == id.team) {
        return 0;
    }
    let player = game.player(id);
    let difficulty = game.setup.difficulty[id.team as usize];
    let delay = 80.0 - 40.0 * player.abilities.reaction * player.form + 100.0 * (1.0 - difficulty);
    (delay / 100.0).round() as u32 * 10 + game.frame % 10
}

/// Returns whether a player sees touches of the other team a snapshot later.
pub(super) fn is_late(game: &Match, id: PlayerId) -> bool {
    blind_frames(game, id) >= 10
}

/// Returns by how many seconds a player believes the ball to be further on its way than it is, or nothing if it does not
/// know of the last touch yet.
///
/// Players see one of the snapshots that are taken every ten frames. A touch changes the ball's path in the newest one,
/// but not its time.
pub(super) fn premonition(game: &Match, id: PlayerId) -> Option<f32> {
    let Some(touch) = game.last_touch else { return Some(0.0) };
    let old = blind_frames(game, id) / 10;
    let age = game.frame / 10 - touch.frame / 10;
    match age.cmp(&old) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some((touch.frame % 10) as f32 * 0.01),
        std::cmp::Ordering::Greater => Some(0.0),
    }
}

/// Lets a goalkeeper begin a save if one of its moves meets the ball. Returns whether it does.
pub(super) fn begin(game: &mut Match, id: PlayerId) -> bool {
    let player = game.player(id);
    if !may_use_hands(game, id)
        || player.position.distance(game.ball_at(0.4).position) > 6.0
        || (game.has_unique_possession(id) && game.possession_amount[id.team as usize] >= 3.4)
        || game.last_touch.is_some_and(|touch| game.frame < touch.frame + blind_frames(game, id))
    {
        return false;
    }
    // A ball that stays out of the goal and is its team's anyway is only picked up.
    let only_hold = game.possession_amount[id.team as usize] > 1.3
        && !is_bound_for_goal(game, id.team as usize);
    // A body that runs at the ball looks ahead and cannot begin a save that starts from a sidestep.
    let to_ball = (game.ball_at(0.1).position - player.position).direction();
    let ahead = player.velocity.direction().dot(to_ball) > AHEAD;
    let allow = |save: &Move| (save.hold || !only_hold) && !(ahead && save.is_sidestep());
    let Some((number, side)) = game.fitting_move(player, &SAVES, TOLERANCE, 0.0, allow) else {
        return false;
    };
    game.player_mut(id).body =
        Body::Save { save: number as u8, side, frame: 0, heading: heading(game, id) };
    true
}

/// Returns whether a straight line along the ball's flight meets the goal of a team, with 0.5 m to spare.
fn is_bound_for_goal(game: &Match, team: usize) -> bool {
    let (now, soon) = (game.ball_at(0.0).position, game.ball_at(0.8).position);
    let line = -HALF_LENGTH * Match::attack(team);
    let run = soon.x - now.x;
    if run * line <= 0.0 {
        return false;
    }
    let y = now.y + (soon.y - now.y) * (line - now.x) / run;
    y.abs() < 4.3
}

/// Returns the direction from which the places of a move are counted.
fn heading(game: &Match, id: PlayerId) -> Vec2 {
    let player = game.player(id);
    if player.velocity.length() < 1.8 { player.facing } else { player.velocity.direction() }
}

/// Plays a frame of a save.
pub(super) fn frame(game: &mut Match, id: PlayerId, rng: &mut Rng) {
    let Body::Save { save, side, frame, heading } = game.player(id).body else { return };
    let plan = &SAVES[save as usize];
    let frame = frame + 1;
    let right = Vec2::new(-heading.y, heading.x);
    let from = |place: [f32; 2]| right * (place[0] * side) + heading * place[1];
    let player = game.player_mut(id);
    // The body moves evenly to where it meets the ball, then to where it ends.
    player.velocity = if frame <= plan.contact {
        from(plan.body) * (100.0 / f32::from(plan.contact))
    } else {
        (from(plan.end) - from(plan.body)) * (100.0 / f32::from(plan.frames - plan.contact))
    };
    player.position += player.velocity * 0.01;
    let ends = plan.frames + if plan.lies { GETTING_UP } else { 0 };
    player.body =
        if frame >= ends { Body::Free } else { Body::Save { save, side, frame, heading } };
    if frame > plan.frames {
        player.velocity = Vec2::ZERO;
    }
    if frame == plan.contact {
        let middle =
            (from(plan.ball[..2].try_into().expect("two of three")) - from(plan.body)) * 0.5;
        meet_ball(game, id, plan.hold, plan.ball[2], middle, rng);
    }
}

/// The frames that it takes to get up.
pub(super) const GETTING_UP: u16 = 74;

/// Holds or parries the ball if it is where the hands are.
///
/// A hold fails if `(1 - v / 40) (1 - b^0.6) < 0.3` with `v` = the ball's speed relative to the body and `b` = 1 just
/// after the last touch by an opponent, 0 after `1.2 - 0.4 reaction` s. A parried ball keeps 0.3 of its speed away from
/// the goal, and climbs at 1.2 m/s.
fn meet_ball(game: &mut Match, id: PlayerId, hold: bool, height: f32, reach: Vec2, rng: &mut Rng) {
    let player = game.player(id);
    let ball = game.ball;
    if game.holder.is_some()
        || ball.position.distance(player.position + reach) > 1.9
        || (ball.height - height).abs() > 1.0
        || Match::is_beyond_goal_line(ball.position.x)
    {
        return;
    }
    let relative = (ball.velocity - player.velocity).length();
    let reaction = player.abilities.reaction * player.form;
    let recent = game.last_touch_of[1 - id.team as usize].map_or(0.0, |touch| {
        1.0 - ((game.frame - touch.frame) as f32 * 0.01 / (1.2 - 0.4 * reaction)).min(1.0)
    });
    let ease = (1.0 - (relative / 40.0).min(1.0)) * (1.0 - pow(recent, 0.6));
    if hold && ease >= 0.3 {
        let player = game.player(id);
        let facing = player.facing;
        let held = player.position + facing * 0.3;
        game.hold_ball(id, held);
    } else {
        let away = Vec2::new(Match::attack(id.team as usize), 0.0);
        let direction = (ball.velocity * -0.1
            + player.velocity * 2.0
            + away * 4.0
            + Vec2::new(0.0, rng.range(-1.0, 1.0)))
        .direction();
        let speed = ball.velocity.length() * 0.3 + player.velocity.length() * 2.5;
        game.set_ball(Ball {
            velocity: direction * speed,
            climb: 1.2,
            spin: ball.spin * 0.8,
            sidespin: ball.sidespin * 0.8,
            ..ball
        });
    }
    game.record_accidental_touch(id);
}
