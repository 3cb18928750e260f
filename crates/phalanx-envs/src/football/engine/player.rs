//! A player.

use serde::{Deserialize, Serialize};

use super::setup::PlayerSetup;
use super::state::{Abilities, Command, KickRequest, Role, Touch};
use super::vec2::Vec2;

/// What the body of a player is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// It runs or stands, and touches the ball if it can.
    #[default]
    Free,
    /// It steps to the ball and touches it.
    Touch {
        /// The frames until the touch.
        frames: u16,
        /// The frames left after it.
        rest: u16,
        /// How it touches the ball.
        kind: TouchKind,
        /// The velocity that it wants with the ball.
        carry: Vec2,
        /// Where it expects the ball at the touch.
        meeting: Vec2,
    },
    /// It prepares a kick.
    WindUp {
        /// The kick.
        request: KickRequest,
        /// The frames until it touches the ball.
        frames: u16,
    },
    /// It follows through after a kick: it has no possession and cannot touch the ball.
    FollowThrough {
        /// The frames left.
        frames: u16,
    },
    /// It reaches for a ball that an opponent has.
    Tackle {
        /// Where it expects the ball.
        meeting: Vec2,
        /// The move.
        tackle: u8,
        /// The side of the move: 1, or -1 for its mirror image.
        side: f32,
        /// The frames since it began.
        frame: u16,
        /// The direction from which the places of the move are counted.
        heading: Vec2,
    },
    /// It slides.
    Slide {
        /// The frames since it began.
        frame: u16,
        /// The frames it takes, getting up included.
        frames: u16,
        /// The direction.
        direction: Vec2,
    },
    /// It has lost its balance: it hardly steers and cannot touch the ball.
    Stumble {
        /// The frames left.
        frames: u16,
    },
    /// It lies on the ground, or gets up.
    Fallen {
        /// The frames left.
        frames: u16,
    },
    /// It (a goalkeeper) makes a save.
    Save {
        /// The move.
        save: u8,
        /// The side of the move: 1, or -1 for its mirror image.
        side: f32,
        /// The frames since it began.
        frame: u16,
        /// The direction from which the places of the move are counted.
        heading: Vec2,
    },
}

/// How a player in a step touches the ball.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TouchKind {
    /// It has the ball and pushes it on.
    Control,
    /// It receives the ball.
    Trap,
}

/// A player of a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Player {
    /// The role.
    pub role: Role,
    /// Whether it takes part; false for missing players and after a red card.
    pub on_pitch: bool,
    /// Whether it never acts.
    pub lazy: bool,
    /// Whether an agent may control it.
    pub controllable: bool,
    /// The place in the formation, in the team's own frame, from -1 to 1.
    pub formation: Vec2,
    /// The abilities, before difficulty and tiredness.
    pub abilities: Abilities,
    /// The factor of difficulty and tiredness on all abilities except top speed and stamina.
    pub form: f32,
    /// The position, in metres.
    pub position: Vec2,
    /// The velocity, in m/s.
    pub velocity: Vec2,
    /// The direction in which the body looks, of length one.
    pub facing: Vec2,
    /// What it is asked to do. A kick stays here until the body begins it, then it is taken away.
    pub command: Command,
    /// What its body is doing.
    pub body: Body,
    /// Whether its body has just become free and looks for the next step at once.
    pub ready: bool,
    /// The frames until the body obeys a new command.
    pub latency: u16,
    /// The command for speed and direction that the body obeys: a velocity.
    pub obeyed: Vec2,
    /// How tired it is, from 0 (fresh) to 1.
    pub tired: f32,
    /// The number of yellow cards.
    pub yellow_cards: u8,
    /// The agent that controls it.
    pub agent: Option<u8>,
    /// Whether the built-in rules play for the agent, since it chose the action that asks for them.
    pub builtin: bool,
    /// Whether it has possession of the ball.
    pub has_possession: bool,
    /// How long it has had possession, in frames.
    pub possession_frames: u32,
    /// The earliest time at which it can be at the ball, in seconds.
    pub time_to_ball: f32,
    /// The same with a longer reach, in seconds.
    pub optimistic_time_to_ball: f32,
    /// By how much others have pushed it lately, in metres; this decays by 5 % per frame.
    pub pushed: Vec2,
    /// Its last touch of the ball.
    pub last_touch: Option<Touch>,
}

impl Player {
    /// Returns the player with an index in its team's list, as a match begins.
    pub(super) fn new(setup: &PlayerSetup, index: usize, difficulty: f32, side: f32) -> Self {
        Self {
            role: setup.role,
            on_pitch: true,
            lazy: setup.lazy,
            controllable: setup.controllable,
            formation: setup.formation,
            abilities: Abilities::of(index),
            form: 0.3 + 0.7 * difficulty,
            position: setup.position,
            facing: Vec2::new(side, 0.0),
            time_to_ball: 1.0,
            optimistic_time_to_ball: 1.0,
            ..Self::default()
        }
    }

    /// Returns whether a mind commands this player: an agent, unless it left that to the built-in rules.
    #[inline]
    pub fn is_commanded_by_agent(&self) -> bool {
        self.agent.is_some() && !self.builtin
    }

    /// Returns whether it does anything with the ball: lazy players only do so for an agent.
    #[inline]
    pub fn acts(&self) -> bool {
        !self.lazy || self.is_commanded_by_agent()
    }

    /// Returns the share of `seconds` that is left since the last touch: 1 at the touch, 0 after that time.
    #[inline]
    pub fn touch_bias(&self, frame: u32, seconds: f32) -> f32 {
        self.last_touch
            .map_or(0.0, |touch| 1.0 - ((frame - touch.frame) as f32 * 0.01 / seconds).min(1.0))
    }
}
