//! The state of a match: plain data, which is all that has to be saved.

use serde::{Deserialize, Serialize};

use super::vec2::Vec2;

/// The largest number of players of a team.
pub const TEAM_SIZE: usize = 11;

/// A player: team (0 left, 1 right) and index in the team's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerId {
    /// The team: 0 is the left one, 1 the right one.
    pub team: u8,
    /// The index in the team's list.
    pub index: u8,
}

/// The role of a player; the numbers are those of the original's observations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Role {
    /// The goalkeeper.
    #[default]
    Goalkeeper = 0,
    /// A centre back.
    CentreBack = 1,
    /// The left back.
    LeftBack = 2,
    /// The right back.
    RightBack = 3,
    /// A defensive midfielder.
    DefensiveMidfield = 4,
    /// A central midfielder.
    CentralMidfield = 5,
    /// A left midfielder.
    LeftMidfield = 6,
    /// A right midfielder.
    RightMidfield = 7,
    /// An attacking midfielder.
    AttackingMidfield = 8,
    /// A centre forward.
    CentreForward = 9,
}

/// The phase of a match; the numbers are those of the original's observations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum GameMode {
    /// The ball is in play.
    #[default]
    Normal = 0,
    /// Kick-off.
    KickOff = 1,
    /// Goal kick.
    GoalKick = 2,
    /// Free kick.
    FreeKick = 3,
    /// Corner.
    Corner = 4,
    /// Throw-in.
    ThrowIn = 5,
    /// Penalty.
    Penalty = 6,
}

/// How the ball is kicked on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kick {
    /// A low pass to a mate nearby.
    ShortPass,
    /// A low pass to a mate further away.
    LongPass,
    /// A pass through the air.
    HighPass,
    /// A shot at the goal.
    Shot,
}

/// A kick that a player is asked to make as soon as it can.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KickRequest {
    /// The kind.
    pub kick: Kick,
    /// The direction that is held, of length one. A pass looks for mates there; a shot for a place in the goal.
    pub direction: Vec2,
    /// How long the button was held: the gauge, from 0 to 1 (one step: 0.1).
    pub gauge: f32,
    /// The mate to pass to, if the caller has chosen it.
    pub target: Option<PlayerId>,
    /// Whether the ball goes exactly in `direction`, neither to a mate nor to a place in the goal. The gauge of such a
    /// pass is its share of 60 m.
    pub aimed: bool,
}

/// What a player is asked to do in a frame, by a controller or by the built-in rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Where to run, of length one, or zero to stand.
    pub direction: Vec2,
    /// How fast to run, in m/s: 0, 3.5 (dribble), 5 (walk), 8 (sprint) or anything between.
    pub speed: f32,
    /// The velocity that is wanted with the ball, in m/s: the next touch sends the ball there. None: that of `direction`
    /// and `speed`. A player with best possession runs after the ball by itself, whatever `direction` is.
    pub carry: Option<Vec2>,
    /// Where to look while standing, of length one, or zero to keep looking where it looks.
    pub facing: Vec2,
    /// A kick to make.
    pub kick: Option<KickRequest>,
    /// Whether to slide.
    pub slide: bool,
    /// Whether sprint and dribble are held together, which makes touches longer.
    pub knock_on: bool,
}

/// The abilities of a player, from 0 to 1 but for the speed. They depend on the index in the team's list only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Abilities {
    /// The highest speed, in m/s.
    pub top_speed: f32,
    /// Acceleration.
    pub acceleration: f32,
    /// Agility.
    pub agility: f32,
    /// Balance.
    pub balance: f32,
    /// Reaction.
    pub reaction: f32,
    /// Stamina.
    pub stamina: f32,
    /// Power of shots.
    pub shot_power: f32,
    /// Ball control.
    pub ball_control: f32,
    /// Dribbling.
    pub dribble: f32,
    /// Short passes.
    pub short_pass: f32,
    /// High passes.
    pub high_pass: f32,
    /// Shots.
    pub shot: f32,
    /// Tackling.
    pub tackle: f32,
}

/// The ball.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ball {
    /// The position of its centre in the plane.
    pub position: Vec2,
    /// The height of its centre.
    pub height: f32,
    /// The velocity in the plane, in m/s.
    pub velocity: Vec2,
    /// The upward velocity, in m/s.
    pub climb: f32,
    /// The spin about the axes along and across the pitch, in rad/s: a ball that rolls without slipping along `x` has a
    /// positive `y` part, one along `y` a negative `x` part.
    pub spin: Vec2,
    /// The spin about the vertical axis, in rad/s: positive bends the flight from `x` towards `y`.
    pub sidespin: f32,
}

/// A touch of the ball.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// The player that touched the ball.
    pub player: PlayerId,
    /// The frame of the match.
    pub frame: u32,
    /// The kick, if it was a pass or a shot.
    pub kick: Option<Kick>,
    /// Whether the ball's way after it was not chosen: a tackle, a save, or a ball that hit a body.
    pub accidental: bool,
    /// The mate that a pass is meant for.
    pub target: Option<PlayerId>,
}
