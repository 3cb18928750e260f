//! What a team agrees on: how offensive it plays, its offside trap, the places that players fill, marks and runs.

use serde::{Deserialize, Serialize};

use super::assignment::assign;
use super::formation::{TeamBox, Tide, on_pitch};
use super::marking::{self, MARKED};
use super::ramp::{curve, ramp};
use super::view::View;
use crate::football::engine::Match;
use crate::football::engine::pitch::HALF_LENGTH;
use crate::football::engine::state::{Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;

/// How often places are assigned and marks chosen, in frames.
const ASSIGN_PERIOD: u32 = 40;
/// How often the offside trap and the dangerous opponents are looked at, in frames.
const LOOK_PERIOD: u32 = 4;
/// How long a run takes, in frames.
const RUN_FRAMES: u32 = 400;

/// What a team agrees on, in its own frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TeamMind {
    /// The place of each player in the formation, from -1 to 1.
    pub places: [Vec2; TEAM_SIZE],
    /// Whose place in the formation each player fills at the moment.
    pub fills: [u8; TEAM_SIZE],
    /// The opponent that each player marks.
    pub marks: [Option<u8>; TEAM_SIZE],
    /// How offensive the team plays, from 0 to 1.
    pub offensiveness: f32,
    /// The place of the offside trap along the pitch.
    pub trap: f32,
    /// The most dangerous opponents, and how many there are.
    pub dangerous: ([u8; MARKED], usize),
    /// The player that makes a run.
    pub runner: Option<u8>,
    /// The frame in which the run ends.
    pub run_until: u32,
    /// The player that supports the one with the ball in front of it.
    pub supporter: Option<u8>,
}

impl Default for TeamMind {
    fn default() -> Self {
        Self {
            places: [Vec2::ZERO; TEAM_SIZE],
            fills: std::array::from_fn(|index| index as u8),
            marks: [None; TEAM_SIZE],
            offensiveness: 0.5,
            trap: -HALF_LENGTH,
            dangerous: ([0; MARKED], 0),
            runner: None,
            run_until: 0,
            supporter: None,
        }
    }
}

/// Updates what a team agrees on in a frame.
pub fn update(game: &mut Match, team: usize) {
    let frame = game.frame;
    let shift = if team == game.setup.first_team { 0 } else { ASSIGN_PERIOD / 2 };
    let look = (frame + team as u32 * LOOK_PERIOD / 2).is_multiple_of(LOOK_PERIOD);
    let assign_now = (frame + shift).is_multiple_of(ASSIGN_PERIOD);
    let mark_now = (frame + shift + 10).is_multiple_of(ASSIGN_PERIOD);
    if !(look || assign_now || mark_now || frame.is_multiple_of(50)) {
        return;
    }
    let mut mind = game.minds.teams[team];
    let view = View::new(game, team);
    if frame.is_multiple_of(100) {
        mind.offensiveness = offensiveness(&view);
    }
    if look {
        mind.trap = offside_trap(&view, mind.offensiveness);
    }
    if frame.is_multiple_of(50) && mind.run_until <= frame {
        mind.runner = find_runner(&view);
        if mind.runner.is_some() {
            mind.run_until = frame + RUN_FRAMES;
        }
    }
    // The original's clock starts at 2 s.
    if (frame + 200).is_multiple_of(150) {
        let designated = view.own_designated();
        let ahead = view.mate(designated).position + Vec2::new(1.5, 0.0);
        mind.supporter = view.nearest(team, ahead, Some(designated)).map(|index| index as u8);
    }
    if assign_now {
        mind.fills = filled_places(&view, &mind);
    }
    if mark_now {
        mind.dangerous = marking::dangerous_opponents(&view);
        let (dangerous, count) = mind.dangerous;
        mind.marks = marking::marks(&view, &dangerous[..count]);
    }
    game.minds.teams[team] = mind;
}

/// Returns how offensive a team plays: half of it from the score and the time played, half from the possession of the
/// last minute.
fn offensiveness(view: &View) -> f32 {
    let game = view.game;
    let deficit = game.score[view.other()] as f32 - game.score[view.team] as f32;
    let need = (0.5 + deficit * 0.25).clamp(0.0, 1.0);
    // A step counts for 1.8 s of a game of 105 minutes.
    let time = 0.5 + 0.5 * (game.frame as f32 * 0.18 / 6300.0).min(1.0);
    let by_score = (0.5 + (need - 0.5) * time).clamp(0.0, 1.0);
    0.5 * by_score + 0.5 * (0.5 + 0.5 * game.minds.possession_minute * view.sign / 60.0)
}

/// Returns where a team sets its offside trap.
///
/// It starts 30 to 50 m in front of the goal, and falls back for the ball (earlier far from the goal than near it), the
/// ball in 0.7 s, 4 m for the opponents' designated player, and for mates more than 4 m behind it.
fn offside_trap(view: &View, offensiveness: f32) -> f32 {
    let start = 30.0 + 20.0 * offensiveness;
    let mut depth = HALF_LENGTH - start;
    let mut ball = -view.ball(0.0).x;
    let margin = 20.0 + 10.0 * (1.0 - offensiveness);
    ball += margin * (1.0 - ramp(ball, HALF_LENGTH - start - margin, HALF_LENGTH - 6.0));
    depth = depth.max(ball).max(-view.ball(0.7).x);
    let opponent = view.opponent(view.their_designated());
    if 4.0 - opponent.after(0.15).x > depth {
        depth = 4.0 - opponent.after(0.1).x;
    }
    -depth.max(marking::offside_depth(view, view.team, 0, 0.0) - 4.0)
}

/// Returns the player that makes a run: the nearest one to a point 26 m in front of the ball, if it is near enough and
/// there are few opponents ahead. Only for teams that are nearer to the ball and have fewer than two agents.
fn find_runner(view: &View) -> Option<u8> {
    if view.game.active_agents(view.team) >= 2 || !view.has_best_possession() {
        return None;
    }
    let designated = view.own_designated();
    let ball = view.mate(designated).position;
    let ahead = ball + Vec2::new(26.0, 0.0);
    let mut runner = None;
    let mut distance = f32::INFINITY;
    for index in view.present(view.team) {
        let away = view.mate(index).position.distance(ahead);
        let free = !view.player(view.team, index).is_commanded_by_agent();
        if index != designated && free && away < distance {
            (runner, distance) = (Some(index), away);
        }
    }
    let runner = runner?;
    let here = view.mate(runner).position;
    let near = (1.0 - ramp(here.distance(ball), 0.0, 40.0)).sqrt();
    // The original looks behind the runner, towards the own goal.
    let spot = Vec2::new(here.x - 10.0, here.y * 0.8);
    let (opponents, count) = view.nearest_few::<4>(view.other(), spot);
    let crowd: f32 = opponents[..count]
        .iter()
        .map(|&index| {
            curve(1.0 - ramp(view.opponent(index).position.distance(spot), 0.0, 15.0), 1.0).sqrt()
                * 0.3
        })
        .sum();
    (near * (1.0 - crowd) >= 0.5).then_some(runner as u8)
}

/// Returns what the formation follows, for a mate.
pub fn tide(view: &View, index: usize) -> Tide {
    let game = view.game;
    let focus = view.main().position;
    let urgency = 1.0 - ramp((focus - view.mate(index).position).length(), 2.0, 30.0);
    let trail = &game.minds.trail;
    Tide {
        ball_x: trail.average(3.5 * (1.0 - urgency * 0.7)).x * view.sign,
        ball_y: trail.average(4.0 * (1.0 - urgency * 0.5)).y * view.sign,
        ball_3s: trail.average(3.0) * view.sign,
        ball_2s: trail.average(2.0) * view.sign,
        focus,
        possession: game.fading_possession[view.team],
        offensiveness: game.minds.teams[view.team].offensiveness,
        side: game.fading_possession[0] + game.fading_possession[1] - 1.0,
        trap: game.minds.teams[view.team].trap,
    }
}

/// Returns where the formation wants a mate that fills the place of another one.
pub fn formation_position(view: &View, index: usize, filled: usize) -> Vec2 {
    let tide = tide(view, index);
    let role = view.player(view.team, filled).role;
    let place = view.game.minds.teams[view.team].places[filled];
    on_pitch(TeamBox::in_play(&tide, role).position(place))
}

/// Returns whose place each player fills: outfield players are assigned so that the longest way is as short as possible
/// and then the ways together are.
fn filled_places(view: &View, mind: &TeamMind) -> [u8; TEAM_SIZE] {
    let mut fills = mind.fills;
    let mut outfield = [0; TEAM_SIZE];
    let mut count = 0;
    for index in view.present(view.team) {
        if view.player(view.team, index).role != Role::Goalkeeper {
            outfield[count] = index;
            count += 1;
        }
    }
    let mut ways = [[0; TEAM_SIZE]; TEAM_SIZE];
    for (column, &place) in outfield[..count].iter().enumerate() {
        let target = formation_position(view, place, place);
        for (row, &index) in outfield[..count].iter().enumerate() {
            let way = view.mate(index).after(0.5).distance(target) * 10.0;
            // Rounds as `f32::round` does, which is a call.
            ways[row][column] = (f64::from(way) + 0.5) as i32;
        }
    }
    let assignment = assign(&ways, count);
    for row in 0..count {
        fills[outfield[row]] = outfield[assignment[row]] as u8;
    }
    fills
}
