//! What the original shows of a match: positions in observed units, seen by one of the teams.

use crate::football::engine::Match;
use crate::football::engine::pitch::observed;
use crate::football::engine::state::{GameMode, PlayerId, Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;
use crate::math::hypot;

/// The duration of a step, in seconds; velocities are observed per step.
const STEP: f32 = 0.1;

/// A player as observed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PlayerView {
    pub(super) position: [f32; 2],
    /// The velocity, in observed units per step.
    pub(super) direction: [f32; 2],
    pub(super) tired: f32,
    pub(super) yellow_card: bool,
    pub(super) on_pitch: bool,
    pub(super) role: Role,
}

/// A match as observed by a team that attacks to the right: its own players come first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct View {
    /// Position, with the height in metres.
    pub(super) ball: [f32; 3],
    /// Velocity per step.
    pub(super) ball_direction: [f32; 3],
    /// The own team, then the other one.
    pub(super) players: [[PlayerView; TEAM_SIZE]; 2],
    pub(super) counts: [usize; 2],
    /// Team (0 is the own one) and index of the ball's owner.
    pub(super) owner: Option<PlayerId>,
    pub(super) mode: GameMode,
    pub(super) score: [u32; 2],
    /// The players that the agents of the own team control, `[agent]`.
    pub(super) active: [Option<u8>; TEAM_SIZE],
    /// What these agents hold, `[agent]`.
    pub(super) sticky: [[bool; 10]; TEAM_SIZE],
}

impl View {
    /// Returns a match as seen by `team`. For the right team, the pitch is turned by 180 degrees.
    pub(super) fn of(game: &Match, team: usize) -> Self {
        let side = Match::attack(team);
        let place = |at: Vec2| observed(at * side);
        let speed = |at: Vec2| observed(at * (side * STEP));
        let ([x, y], [dx, dy]) = (place(game.ball.position), speed(game.ball.velocity));
        let mut view = Self {
            ball: [x, y, game.ball.height],
            ball_direction: [dx, dy, game.ball.climb * STEP],
            owner: game.owner.map(|id| PlayerId { team: id.team ^ team as u8, ..id }),
            mode: game.mode,
            ..Self::default()
        };
        for seen in 0..2 {
            let of = seen ^ team;
            view.counts[seen] = game.counts[of];
            view.score[seen] = game.score[of];
            for (view, player) in
                view.players[seen].iter_mut().zip(&game.players[of]).take(game.counts[of])
            {
                *view = PlayerView {
                    position: place(player.position),
                    direction: speed(player.velocity),
                    tired: player.tired,
                    yellow_card: player.yellow_cards > 0,
                    on_pitch: player.on_pitch,
                    role: player.role,
                };
            }
        }
        for (agent, controller) in game.control.controllers[team].iter().enumerate() {
            view.active[agent] = controller.player;
            view.sticky[agent] = controller.sticky();
        }
        view
    }

    /// Returns whether a player of the own team owns the ball.
    pub(super) fn owns(&self, index: u8) -> bool {
        self.owner == Some(PlayerId { team: 0, index })
    }

    /// Returns the distance between two points, in observed units.
    pub(super) fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
        hypot(a[0] - b[0], a[1] - b[1])
    }

    /// Returns the ball's position in the plane.
    pub(super) fn ball_place(&self) -> [f32; 2] {
        [self.ball[0], self.ball[1]]
    }
}
