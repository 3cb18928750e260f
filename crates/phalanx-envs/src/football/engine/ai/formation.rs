//! Where a player stands in its team's formation, and how the formation moves with the ball.

use super::ramp::{curve, ramp};
use crate::football::engine::pitch::{HALF_LENGTH, HALF_WIDTH};
use crate::football::engine::state::{Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;
use crate::math::pow;

/// The share of half the pitch's length that a team covers, before tactics.
const DEPTH: f32 = 0.45;
/// The share of half the pitch's width that a team covers, before tactics.
const WIDTH: f32 = 0.95;
/// The least distance between two places of a formation.
const SPACE: f32 = 0.5;

/// The places by index in the team's list, in the team's own frame (it attacks towards positive `x`), and
/// the typical place of the role that they are mixed with: 4-3-3, from the goalkeeper to the right winger.
const PLACES: [[f32; 4]; TEAM_SIZE] = [
    [-1.0, 0.0, -1.0, 0.0],
    [-0.7, -0.75, -0.8, -0.8],
    [-1.0, -0.25, -1.0, 0.0],
    [-1.0, 0.25, -1.0, 0.0],
    [-0.7, 0.75, -0.8, 0.8],
    [0.0, -0.5, 0.0, 0.0],
    [-0.2, 0.0, 0.0, 0.0],
    [0.0, 0.5, 0.0, 0.0],
    [0.6, -0.75, 0.0, -1.0],
    [1.0, 0.0, 1.0, 0.0],
    [0.6, 0.75, 0.0, 1.0],
];

/// Returns the formation of a team of `count` players: the place of each, from -1 to 1 along both axes.
///
/// The place depends on the index in the list only, whatever role the scenario gives. Each is 0.6 · the place of the
/// 4-3-3 + 0.4 · the typical place of its role; then outfield players closer than 0.5 push each other apart.
pub fn places(count: usize) -> [Vec2; TEAM_SIZE] {
    let mut places = PLACES
        .map(|[x, y, role_x, role_y]| Vec2::new(0.6 * x + 0.4 * role_x, 0.6 * y + 0.4 * role_y));
    for _ in 0..10 {
        let mut shift = [Vec2::ZERO; TEAM_SIZE];
        let mut moved = false;
        for first in 1..count {
            for second in first + 1..count {
                let between = places[first] - places[second];
                let distance = between.length();
                if distance < SPACE {
                    let push =
                        between.direction_or(Vec2::new(0.0, -1.0)) * ((SPACE - distance) * 0.5);
                    shift[first] += push;
                    shift[second] -= push;
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
        for (place, shift) in places.iter_mut().zip(shift) {
            *place = Vec2::new(
                (place.x + shift.x).clamp(-1.0, 1.0),
                (place.y + shift.y).clamp(-1.0, 1.0),
            );
        }
    }
    places
}

/// Returns how offensive a role is: 0 for goalkeepers and centre backs, 1 for a centre forward.
pub fn mindset(role: Role) -> f32 {
    match role {
        Role::Goalkeeper | Role::CentreBack => 0.0,
        Role::LeftBack | Role::RightBack | Role::DefensiveMidfield => 0.25,
        Role::CentralMidfield | Role::LeftMidfield | Role::RightMidfield => 0.5,
        Role::AttackingMidfield => 0.75,
        Role::CentreForward => 1.0,
    }
}

/// A pair of settings: with the ball and against it.
#[derive(Clone, Copy)]
struct Tactic {
    offense: f32,
    defense: f32,
}

impl Tactic {
    const fn new(offense: f32, defense: f32) -> Self {
        Self { offense, defense }
    }

    fn shifted(self, offense: f32, defense: f32) -> Self {
        Self::new(
            (self.offense + offense).clamp(0.0, 1.0),
            (self.defense + defense).clamp(0.0, 1.0),
        )
    }

    fn at(self, possession: f32) -> f32 {
        self.offense * possession + self.defense * (1.0 - possession)
    }
}

/// The factor on [`DEPTH`].
const DEPTH_FACTOR: Tactic = Tactic::new(0.868, 0.71);
/// The factor on [`WIDTH`].
const WIDTH_FACTOR: Tactic = Tactic::new(0.948, 0.84);
/// How much of the team stands in its own half.
const OWN_HALF: Tactic = Tactic::new(0.52, 0.54);
/// How far forward the midfield stands.
const MIDFIELD: Tactic = Tactic::new(0.828, 0.776);
/// How strongly the midfield is pulled there.
const MIDFIELD_STRENGTH: f32 = 0.35;
/// How much possession shifts the team instead of the ball.
const SIDE: Tactic = Tactic::new(0.176, 0.332);
/// How strongly players are drawn to the action.
const FOCUS: Tactic = Tactic::new(0.826, 0.938);

/// What a team's formation follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tide {
    /// The average place of the ball along the pitch, seen from the player.
    pub ball_x: f32,
    /// The average place of the ball across the pitch, seen from the player.
    pub ball_y: f32,
    /// The average place of the ball over 3 s.
    pub ball_3s: Vec2,
    /// The average place of the ball over 2 s.
    pub ball_2s: Vec2,
    /// Where the designated player of the match is.
    pub focus: Vec2,
    /// The team's possession, faded: 0.5 (none) to 1.5.
    pub possession: f32,
    /// How offensive the team plays, from 0 to 1.
    pub offensiveness: f32,
    /// How much the game took place in the other half, over 6 s, from -1 to 1.
    pub side: f32,
    /// The offside trap.
    pub trap: f32,
}

/// The rectangle that a formation is mapped into, and what pulls the players in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TeamBox {
    /// The end of the box towards the own goal.
    pub back: f32,
    /// The end towards the other goal.
    pub front: f32,
    /// The end towards negative `y`.
    pub low: f32,
    /// The end towards positive `y`.
    pub high: f32,
    /// Pulls along the pitch: place and strength.
    pub x_focus: [f32; 2],
    /// Pulls across the pitch: place and strength.
    pub y_focus: [f32; 2],
    /// The place of the action.
    pub action: Vec2,
    /// How strongly players near the action are drawn to it.
    pub action_strength: f32,
    /// How far forward the midfield is pulled, from 0 to 1, and the strength.
    pub midfield: [f32; 2],
}

impl TeamBox {
    /// Returns the box for a player with `role`, in open play and in the team's own frame.
    ///
    /// Possession `p` = the faded possession, mixed with the place of the ball while it is unclear. Half the depth is
    /// 55 m · 0.45 · factor(`p`), half the width 36 m · 0.95 · factor(`p`), the centre follows the average ball and is
    /// shifted into the own half; the back end does not lie behind the offside trap.
    pub fn in_play(tide: &Tide, role: Role) -> Self {
        let mindset = mindset(role);
        let (mut depth, mut width, mut own_half) = (DEPTH_FACTOR, WIDTH_FACTOR, OWN_HALF);
        match role {
            Role::CentreBack => width = width.shifted(0.2, 0.0),
            Role::LeftBack | Role::RightBack => {
                width = width.shifted(0.2, 0.0);
                own_half = own_half.shifted(-0.1, -0.075);
            }
            Role::LeftMidfield | Role::RightMidfield => own_half = own_half.shifted(-0.1, -0.05),
            Role::AttackingMidfield | Role::CentreForward => depth = depth.shifted(0.0, 0.125),
            _ => {}
        }
        let side = SIDE
            .shifted_freely(0.2 * (mindset - 0.5), 0.2 * (0.5 - mindset))
            .shifted(0.3 * (tide.offensiveness - 1.0), -0.3 * tide.offensiveness);

        let owned = ramp(tide.possession - 0.5, 0.3, 0.7);
        let along = tide.ball_x / HALF_LENGTH;
        let unclear = (1.0 - (owned * 2.0 - 1.0).abs()) * 0.6;
        let possession = owned * (1.0 - unclear) + ramp(along, -0.7, 0.7) * unclear;
        let possession = (possession + (tide.offensiveness - 0.5) * 0.3).clamp(0.0, 1.0);

        let focus = tide.ball_3s * possession
            + (tide.ball_2s * 0.5 + tide.focus * 0.5) * (1.0 - possession);
        let depth = DEPTH * depth.at(possession);
        let width = WIDTH * width.at(possession);
        let offset = -HALF_LENGTH * (own_half.at(possession) * 2.0 - 1.0);
        let side_strength = side.at(possession);
        let side_x = HALF_LENGTH * (0.2 * (possession * 2.0 - 1.0) + 0.8 * tide.side);
        let center_x = tide.ball_x * (1.0 - side_strength) + side_x * side_strength + offset;
        let center_x = center_x.clamp(-HALF_LENGTH, HALF_LENGTH) * ((1.0 - depth) * 0.95 + 0.05);
        let center_y = tide.ball_y.clamp(-HALF_WIDTH, HALF_WIDTH) * ((1.0 - width) * 0.9 + 0.1);

        let front = center_x + depth * HALF_LENGTH;
        let mut back = center_x - depth * HALF_LENGTH;
        if back < tide.trap {
            back = tide.trap.clamp(-HALF_LENGTH, HALF_LENGTH);
        }

        // The defence gathers in front of the trap: the limit has its sign turned, as in the original.
        let defended = Vec2::new(
            (focus.x - 2.0).clamp(-HALF_LENGTH, (-back).max(-HALF_LENGTH)),
            focus.y * 0.9,
        );
        let attacked = Vec2::new((focus.x + 1.0).clamp(-HALF_LENGTH, HALF_LENGTH), focus.y * 0.9);
        let half = ramp(along, -0.7, 0.7) * 0.7 + 0.3;
        let strength = pow(half, 0.8) * possession + pow(1.0 - half, 0.6) * (1.0 - possession);
        Self {
            back,
            front,
            low: center_y - width * HALF_WIDTH,
            high: center_y + width * HALF_WIDTH,
            x_focus: [0.0, 0.0],
            y_focus: [tide.ball_y, 0.5 * possession + 0.2 * (1.0 - possession)],
            action: attacked * possession + defended * (1.0 - possession),
            action_strength: FOCUS.at(possession) * (0.2 + 0.8 * strength),
            midfield: [
                MIDFIELD.at(possession) * 0.7 + ramp(along, -0.8, 0.8) * 0.3,
                MIDFIELD_STRENGTH,
            ],
        }
    }

    /// Returns where in the box the player with a place of the formation stands.
    ///
    /// Midfielders are pulled to `midfield`; the place is mapped into the box; then come the pulls along and across
    /// the pitch and, for places less than 50 m from it, the pull to the action.
    pub fn position(&self, place: Vec2) -> Vec2 {
        let mut x = place.x;
        if self.midfield[1] > 0.0 {
            let bias = curve((1.0 - (x * 1.2).abs()).clamp(0.0, 1.0), 1.0) * self.midfield[1];
            x = x * (1.0 - bias) + (self.midfield[0] * 2.0 - 1.0) * bias;
        }
        let (length, breadth) = (self.front - self.back, self.high - self.low);
        let pure = Vec2::new(
            self.back + (x * 0.5 + 0.5) * length,
            self.low + (place.y * 0.5 + 0.5) * breadth,
        );
        let mut position = pure;
        let [x_focus, x_strength] = self.x_focus;
        if x_strength > 0.0 {
            let near = 1.0 - ((x_focus - position.x).abs() / length.abs()).clamp(0.0, 1.0);
            let bias = pow(curve(near, 1.0), 0.8) * x_strength;
            position.x = position.x * (1.0 - bias) + x_focus * bias;
        }
        let [y_focus, y_strength] = self.y_focus;
        if y_strength > 0.0 {
            let near = 1.0 - ((y_focus - position.y).abs() / breadth.abs()).clamp(0.0, 1.0);
            let bias = near * (0.2 + 0.8 * y_focus.abs() / HALF_WIDTH) * y_strength;
            position.y = position.y * (1.0 - bias) + y_focus * bias;
        }
        if self.action_strength > 0.0 {
            let away = self.action - pure;
            let distance = Vec2::new(away.x, away.y * 0.8).length() / 50.0;
            if distance < 1.0 {
                let peak = (1.0 - ramp((distance - 0.15).abs(), 0.0, 0.25)) * 0.1;
                let bias =
                    (curve(1.0 - distance, 0.3) + peak).clamp(0.0, 1.0) * self.action_strength;
                let pulled = Vec2::new(self.action.x, self.action.y * 0.6 + position.y * 0.4);
                position = position.mix(pulled, bias);
            }
        }
        position
    }
}

impl Tactic {
    fn shifted_freely(self, offense: f32, defense: f32) -> Self {
        Self::new(self.offense + offense, self.defense + defense)
    }
}

/// Keeps a position on the pitch.
pub fn on_pitch(position: Vec2) -> Vec2 {
    Vec2::new(
        position.x.clamp(-HALF_LENGTH, HALF_LENGTH),
        position.y.clamp(-HALF_WIDTH, HALF_WIDTH),
    )
}
