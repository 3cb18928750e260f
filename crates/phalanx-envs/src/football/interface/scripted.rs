//! The scripted policies.

use std::f32::consts::FRAC_PI_4;

use phalanx_core::rng::Rng;

use super::actions::{BUILTIN_AI, IDLE, SHOT, SPRINT};
use super::view::View;
use crate::football::engine::pitch::{HALF_LENGTH, UNIT_X, UNIT_Y};
use crate::math::atan2;

/// The scripted policies, each with a one-sentence description. The last one needs `action_set =
/// "v2"`.
pub const SCRIPTED_POLICIES: &[(&str, &str)] = &[
    (
        "run_and_shoot",
        "Sprints to the ball, then with it or beside it to the goal, and shoots within 14 m of it.",
    ),
    ("run_and_shoot_from_20_m", "Does the same, but shoots within 20 m of the goal."),
    ("random", "Chooses uniformly from the available actions."),
    ("idle", "Presses nothing."),
    ("builtin", "Leaves all players to the built-in rules (action_set=v2)."),
];

/// The number of policies that the default set of actions can play.
pub(super) const WITHOUT_BUILTIN: usize = SCRIPTED_POLICIES.len() - 1;
/// How far from the ball a mate of its owner runs to the goal instead of the ball, in metres.
const APART: f32 = 3.0;
/// The direction actions by angle in steps of 45 degrees, from the right over the bottom.
const BY_ANGLE: [u16; 8] = [5, 6, 7, 8, 1, 2, 3, 4];

/// Writes the actions of policy number `policy`, `[agent]`.
pub(super) fn choose(
    policy: usize,
    view: &View,
    avail: &[bool],
    rng: &mut Rng,
    actions: &mut [u16],
) {
    let n_actions = avail.len() / actions.len();
    for (agent, (action, mask)) in actions.iter_mut().zip(avail.chunks_exact(n_actions)).enumerate()
    {
        let wanted = match policy {
            0 => run_and_shoot(view, agent, 14.0),
            1 => run_and_shoot(view, agent, 20.0),
            2 => rng.choose(mask).map_or(IDLE, |action| action as u16),
            3 => IDLE,
            _ => BUILTIN_AI,
        };
        *action = if mask[usize::from(wanted)] { wanted } else { IDLE };
    }
}

/// Returns the action of an agent that sprints first, then runs, and shoots within `radius` metres
/// of the goal.
fn run_and_shoot(view: &View, agent: usize, radius: f32) -> u16 {
    let Some(index) = view.active[agent] else { return IDLE };
    if !view.sticky[agent][8] {
        return SPRINT;
    }
    let metres = |[x, y]: [f32; 2]| [x * UNIT_X, y * UNIT_Y];
    let here = metres(view.players[0][usize::from(index)].position);
    let ball = metres(view.ball_place());
    let goal = [HALF_LENGTH, 0.0];
    let owner = view.owns(index);
    if owner && View::distance(goal, here) < radius {
        return SHOT;
    }
    let ours = view.owner.is_some_and(|owner| owner.team == 0);
    let target = if owner || (ours && View::distance(ball, here) > APART) { goal } else { ball };
    let angle = atan2(target[1] - here[1], target[0] - here[0]);
    let action = BY_ANGLE[((angle / FRAC_PI_4).round() as i32).rem_euclid(8) as usize];
    let held = view.sticky[agent][usize::from(action) - 1];
    if held { IDLE } else { action }
}
