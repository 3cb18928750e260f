//! Fouls, the advantage window and cards.

use serde::{Deserialize, Serialize};

use super::super::control;
use super::super::pitch::{HALF_LENGTH, HALF_LINE, HALF_WIDTH};
use super::super::player::Body;
use super::super::state::{GameMode, PlayerId, Role};
use super::super::vec2::Vec2;
use super::super::{Match, Trip};
use super::Restart;
use crate::math::pow;

/// The size of the penalty area: from the goal line, and half its width.
const PENALTY_AREA: [f32; 2] = [16.5, 20.15];
/// The distance of the penalty mark from the goal line.
const PENALTY_MARK: f32 = 11.0;
/// The frames after a foul in which advantage is not judged, and after which the foul is forgotten.
const ADVANTAGE: [u32; 2] = [60, 300];
/// The frame of a slide in which the foot is at the ball.
const SLIDE_TOUCH: f32 = 16.0;

/// A foul, with the card that it deserves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Foul {
    offender: PlayerId,
    victim: PlayerId,
    frame: u32,
    position: Vec2,
    card: Card,
    /// Whether play goes on as long as the victim's team profits.
    advantage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Card {
    None,
    Yellow,
    Red,
}

/// Judges a trip in the frame before.
///
/// Standing: a fall over a player that tackles, within 2 m of the ball while the victim's team has it (faded possession above
/// 1.1). Sliding: any trip within 8 m of the ball by a player that has not touched it for 0.6 s, if
/// its severity exceeds 1; above 1.4 it is a yellow card, above 2 a red one.
pub(super) fn notice(game: &mut Match) {
    let Some(trip) = game.last_trip.filter(|trip| trip.frame + 1 == game.frame) else { return };
    let victim = game.player(trip.victim);
    let distance = victim.position.distance(game.ball.position);
    let recent = game.player(trip.offender).last_touch;
    let touched = recent.is_some_and(|touch| game.frame - touch.frame <= 60);
    let repeated = game.referee.foul.is_some_and(|foul| foul.offender == trip.offender);
    let (card, advantage) = if trip.by_slide {
        let severity = severity(game, &trip);
        if repeated || touched || distance >= 8.0 || severity <= 1.0 {
            return;
        }
        let card = if severity > 2.0 {
            Card::Red
        } else if severity > 1.4 {
            Card::Yellow
        } else {
            Card::None
        };
        (card, false)
    } else {
        let theirs = game.fading_possession[usize::from(trip.victim.team)] > 1.1;
        let body = &game.player(trip.offender).body;
        let fights = matches!(body, Body::Tackle { .. } | Body::Slide { .. });
        if !trip.fell || !theirs || distance >= 2.0 || !fights {
            return;
        }
        (Card::None, true)
    };
    game.referee.foul = Some(Foul {
        offender: trip.offender,
        victim: trip.victim,
        frame: game.frame,
        position: victim.position,
        card,
        advantage,
    });
}

/// Returns how bad a slide is: up to 0.5 for being early or late, up to 0.5 for a ball 2 m from the
/// foot, and up to 1 for coming from behind.
fn severity(game: &Match, trip: &Trip) -> f32 {
    let (victim, offender) = (game.player(trip.victim), game.player(trip.offender));
    let timing = match offender.body {
        Body::Slide { frame, direction, .. } => {
            let late = pow(((f32::from(frame) - SLIDE_TOUCH).abs() / SLIDE_TOUCH).min(1.0), 0.7);
            let foot = offender.position + direction;
            0.5 * late + 0.5 * (game.ball.position.distance(foot) / 2.0).min(1.0)
        }
        _ => 1.0,
    };
    let from_behind = (victim.position - offender.position).direction().dot(victim.facing);
    timing + from_behind * 0.5 + 0.5
}

/// Returns the restart for a foul, unless its victim's team profits from playing on, and shows the
/// card.
///
/// There is no advantage in the penalty area. Elsewhere a standing foul is whistled if the victim's
/// team has less of the ball after 0.6 s, and forgotten after 3 s.
pub(super) fn judge(game: &mut Match) -> Option<Restart> {
    let foul = game.referee.foul?;
    let team = usize::from(foul.victim.team);
    let attack = Match::attack(team);
    let penalty = foul.position.y.abs() < PENALTY_AREA[1] - HALF_LINE
        && foul.position.x * attack > HALF_LENGTH - PENALTY_AREA[0] + HALF_LINE;
    if foul.advantage && !penalty {
        let age = game.frame - foul.frame;
        if age > ADVANTAGE[1] {
            game.referee.foul = None;
            return None;
        }
        if age <= ADVANTAGE[0] || game.fading_possession[team] >= 1.0 {
            return None;
        }
    }
    show_card(game, &foul);
    Some(if penalty {
        let mark = Vec2::new((HALF_LENGTH - PENALTY_MARK) * attack, 0.0);
        Restart { mode: GameMode::Penalty, team, position: mark }
    } else {
        let position = Vec2::new(
            foul.position.x.clamp(-0.95 * HALF_LENGTH, 0.95 * HALF_LENGTH),
            foul.position.y.clamp(-0.95 * HALF_WIDTH, 0.95 * HALF_WIDTH),
        );
        Restart { mode: GameMode::FreeKick, team, position }
    })
}

/// Shows a card. The second yellow one or a red one sends the player off, unless it is the last of
/// its team.
fn show_card(game: &mut Match, foul: &Foul) {
    let offender = foul.offender;
    let player = game.player_mut(offender);
    player.yellow_cards += match foul.card {
        Card::None => return,
        Card::Yellow => 1,
        Card::Red => 3,
    };
    let team = usize::from(offender.team);
    let left = game.players[team].iter().filter(|player| player.on_pitch).count();
    if game.player(offender).yellow_cards > 1 && left > 1 {
        let player = game.player_mut(offender);
        player.on_pitch = false;
        player.has_possession = false;
        let was_keeper = player.role == Role::Goalkeeper;
        control::release(game, offender);
        let mates = &mut game.players[team];
        if let (true, Some(mate)) = (was_keeper, mates.iter_mut().find(|player| player.on_pitch)) {
            mate.role = Role::Goalkeeper;
        }
    }
}
