//! How a match begins.

use serde::{Deserialize, Serialize};

use super::state::{Role, TEAM_SIZE};
use super::vec2::Vec2;

/// How a player begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlayerSetup {
    /// The role.
    pub role: Role,
    /// Where the player starts, in metres in the frame of the left team.
    pub position: Vec2,
    /// The place in the formation as configured, in the team's own frame: it attacks towards 1.
    pub formation: Vec2,
    /// Whether the player never acts.
    pub lazy: bool,
    /// Whether an agent may control the player.
    pub controllable: bool,
}

/// Everything that a scenario fixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MatchSetup {
    /// The players, `[team][index]`.
    pub players: [[PlayerSetup; TEAM_SIZE]; 2],
    /// The number of players of each team.
    pub counts: [usize; 2],
    /// Where the ball starts, in metres.
    pub ball: Vec2,
    /// The difficulty of each team, from 0 to 1: it scales the abilities of its players.
    pub difficulty: [f32; 2],
    /// The number of agents that control players of each team.
    pub agents: [usize; 2],
    /// Whether offside is an offence.
    pub offsides: bool,
    /// The team that is processed first in a frame.
    pub first_team: usize,
}
