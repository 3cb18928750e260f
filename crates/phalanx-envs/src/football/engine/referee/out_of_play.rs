//! Goals, and balls over the goal line or the side line.

use super::super::Match;
use super::super::pitch::{
    BALL_RADIUS, GOAL_HALF_WIDTH, GOAL_HEIGHT, HALF_LENGTH, HALF_LINE, HALF_WIDTH,
};
use super::super::state::GameMode;
use super::super::vec2::Vec2;
use super::Restart;

/// The distance from the goal line, as a share of half the pitch, from which a goal kick is taken.
const GOAL_KICK: f32 = 0.92;
/// The least distance of a throw-in from the goal line.
const THROW_IN_MARGIN: f32 = 0.6;

/// Counts a goal, or returns how play goes on if the ball has left the pitch.
pub(super) fn judge(game: &mut Match) -> Option<Restart> {
    for defenders in 0..2 {
        let side = -Match::attack(defenders);
        if is_goal(game, side) {
            game.score[1 - defenders] += 1;
            return Some(Restart {
                mode: GameMode::KickOff,
                team: defenders,
                position: Vec2::ZERO,
            });
        }
    }
    let Vec2 { x, y } = game.ball.position;
    let last = game.last_touch.map_or(0, |touch| usize::from(touch.player.team));
    let reach = HALF_LINE + BALL_RADIUS;
    if x.abs() > HALF_LENGTH + reach {
        let own_goal_line = -Match::attack(last);
        let (mode, position) = if x * own_goal_line > 0.0 {
            let corner = Vec2::new(HALF_LENGTH * own_goal_line, HALF_WIDTH * y.signum());
            (GameMode::Corner, corner)
        } else {
            (GameMode::GoalKick, Vec2::new(HALF_LENGTH * GOAL_KICK * -own_goal_line, 0.0))
        };
        return Some(Restart { mode, team: 1 - last, position });
    }
    if y.abs() > HALF_WIDTH + reach && game.referee.relaxed == 0 {
        let limit = HALF_LENGTH - THROW_IN_MARGIN;
        let position = Vec2::new(x.clamp(-limit, limit), HALF_WIDTH * y.signum());
        return Some(Restart { mode: GameMode::ThrowIn, team: 1 - last, position });
    }
    None
}

/// Returns whether the ball crossed the plane of the goal at `side` (1 or -1) between its posts and
/// below its bar in this frame. A ball that began the frame beside a post, next to the goal line,
/// did not.
fn is_goal(game: &Match, side: f32) -> bool {
    let (from, to) = (&game.previous_ball, &game.ball);
    let line = HALF_LENGTH + HALF_LINE + BALL_RADIUS;
    let (before, after) = (from.position.x * side, to.position.x * side);
    if !(before < line && after >= line) {
        return false;
    }
    let beside =
        from.position.y.abs() > GOAL_HALF_WIDTH && before > HALF_LENGTH - HALF_LINE - BALL_RADIUS;
    let share = (line - before) / (after - before);
    let y = from.position.mix(to.position, share).y;
    let height = from.height + (to.height - from.height) * share;
    !beside && y.abs() <= GOAL_HALF_WIDTH && (0.0..=GOAL_HEIGHT).contains(&height)
}
