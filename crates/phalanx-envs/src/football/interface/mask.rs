//! Which actions are available.

use super::actions::{
    BUILTIN_AI, DRIBBLE, HIGH_PASS, IDLE, LONG_PASS, RELEASE_DIRECTION, RELEASE_DRIBBLE,
    RELEASE_SPRINT, SHORT_PASS, SHOT, SLIDING,
};
use super::args::Masks;
use super::view::View;
use crate::football::engine::state::GameMode;

/// How near to the ball a player must be for actions with it, in observed units.
const REACH: f32 = 0.03;
/// The area from which shots are allowed: the least `x`, and the largest distance from the middle.
const SHOOTING: [f32; 2] = [0.64, 0.27];

/// Writes the mask of an agent.
///
/// GRF_MARL's: passes, shots and dribbling need a ball within reach that the opponents do not own,
/// slides one that they own; only what is held can be released; shots are allowed in front of the
/// goal only, and long and high passes are not allowed there. At goal kicks, corners and penalties
/// of the own team only kicks are useful, and only they and idling are available.
pub(super) fn write(masks: Masks, view: &View, agent: usize, mask: &mut [bool]) {
    mask.fill(true);
    if masks == Masks::None {
        return;
    }
    let mut allow = |action: u16, allowed: bool| mask[usize::from(action)] &= allowed;
    let [x, y] = view.ball_place();
    let near = view.active[agent].is_some_and(|index| {
        View::distance(view.players[0][usize::from(index)].position, view.ball_place()) <= REACH
    });
    let theirs = view.owner.is_some_and(|owner| owner.team == 1);
    let free = view.owner.is_none();
    let play = !theirs && (near || (free && view.mode != GameMode::Normal));
    for action in [LONG_PASS, HIGH_PASS, SHORT_PASS, SHOT, DRIBBLE] {
        allow(action, play);
    }
    allow(SLIDING, theirs && near);
    let held = &view.sticky[agent];
    allow(RELEASE_SPRINT, held[8]);
    allow(RELEASE_DRIBBLE, held[9]);
    allow(RELEASE_DIRECTION, held[..8].contains(&true));
    let before_goal = x >= SHOOTING[0] && y.abs() <= SHOOTING[1];
    allow(SHOT, before_goal);
    if before_goal && x <= 1.0 {
        allow(LONG_PASS, false);
        allow(HIGH_PASS, false);
    }
    let kicks: &[u16] = match view.mode {
        GameMode::GoalKick if x < -0.7 => &[LONG_PASS, HIGH_PASS, SHORT_PASS],
        GameMode::Corner if x > 0.9 => &[LONG_PASS, HIGH_PASS, SHORT_PASS],
        GameMode::Penalty if x > 0.6 => &[SHOT],
        _ => return,
    };
    mask.fill(false);
    for action in kicks.iter().chain(&[IDLE]) {
        mask[usize::from(*action)] = true;
    }
    if let Some(builtin) = mask.get_mut(usize::from(BUILTIN_AI)) {
        *builtin = true;
    }
}
