//! The built-in rules that command players without an agent.
//!
//! [`think`] runs once per frame. A team agrees on its formation, offside trap, marks and runs ([`team`]); a player
//! without the ball follows these ([`off_ball`]), one with the ball passes, shoots or dribbles ([`on_ball`]), a goalkeeper
//! keeps its goal ([`keeper`]), and all take their places before a restart ([`set_piece`]). All rules are written for
//! a team that attacks towards positive `x` ([`view`]). Players decide every few frames, the more often the nearer
//! they are to the ball; most see the world with a delay.

pub mod assignment;
pub mod formation;
pub mod keeper;
pub mod marking;
pub mod mental;
pub mod off_ball;
pub mod on_ball;
mod player;
pub mod ramp;
pub mod set_piece;
pub mod support;
pub mod team;
pub mod trail;
pub mod view;

use serde::{Deserialize, Serialize};

use phalanx_core::rng::Rng;

use super::Match;
use super::state::{PlayerId, TEAM_SIZE};
use super::vec2::Vec2;
use on_ball::Outlook;
use team::TeamMind;
use trail::Trail;
use view::{Memory, SNAPSHOT_FRAMES, View};

/// How often a player's outlook is updated, in frames; before the first time it is zero.
const OUTLOOK_PERIOD: usize = 10;
/// How near to the ball players decide more often, in metres.
const NEAR: f32 = 10.0;
/// The longest time between two turns of a player, in frames.
const LONGEST_TURN: u64 = 25;
/// The frames of a second.
const SECOND: u32 = 100;
/// The seconds over which a player's speed is averaged.
const BREATH_SECONDS: usize = 10;

/// What the built-in rules remember between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minds {
    /// What each team agrees on.
    pub teams: [TeamMind; 2],
    /// What each player remembers, `[team][index]`.
    pub players: [[PlayerMind; TEAM_SIZE]; 2],
    /// The world as delayed minds see it.
    pub memory: Memory,
    /// Where the ball was.
    pub trail: Trail,
    /// How much longer the left team had the ball than the right one lately, in seconds from -60 to 60.
    pub possession_minute: f32,
    /// The player that takes the restart.
    pub taker: Option<PlayerId>,
    /// Whether the formations are set.
    started: bool,
}

/// What a player remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlayerMind {
    /// How good its place is.
    pub outlook: Outlook,
    /// Its time to the ball as it decided last, in seconds; zero before its first decision.
    pub time_to_ball: f32,
    /// Shifts its turns far from the ball, in frames.
    phase: u8,
    /// How far it ran in each of the last seconds, in metres.
    ran: [f32; BREATH_SECONDS],
    /// Where it was at the last full second.
    was: Option<Vec2>,
}

impl PlayerMind {
    /// Returns the average speed over the last 10 s, in m/s.
    pub fn average_speed(&self) -> f32 {
        self.ran.iter().sum::<f32>() / BREATH_SECONDS as f32
    }

    /// Records where the player is at a full second.
    fn record(&mut self, position: Vec2) {
        self.ran.rotate_right(1);
        self.ran[0] = self.was.map_or(0.0, |was| was.distance(position));
        self.was = Some(position);
    }
}

impl Match {
    /// Returns the number of agents of a team that act, that is, do not leave their players to the built-in rules.
    pub fn active_agents(&self, team: usize) -> usize {
        let controllers = &self.control.controllers[team][..self.control.counts[team]];
        controllers.iter().filter(|controller| !controller.builtin).count()
    }

    /// Returns whether some player of a team passes and shoots by the built-in rules.
    fn plays_by_itself(&self, team: usize) -> bool {
        self.active_agents(team) < self.control.counts[team].max(1)
    }
}

/// Fills the commands of the players that no agent commands.
pub fn think(game: &mut Match, rng: &mut Rng) {
    remember(game, rng);
    let ball = game.ball_at(0.1).position;
    let first = game.setup.first_team.min(1);
    // Counts the players of both teams.
    let mut place = game.frame as usize;
    for team in [first, 1 - first] {
        let in_play = game.in_play();
        if in_play {
            team::update(game, team);
        }
        for index in 0..game.counts[team] {
            if in_play && place.is_multiple_of(OUTLOOK_PERIOD) && game.plays_by_itself(team) {
                let outlook = Outlook::of(&View::new(game, team), index);
                game.minds.players[team][index].outlook = outlook;
            }
            place += 1;
            let player = &game.players[team][index];
            if !player.on_pitch
                || player.is_commanded_by_agent()
                || !player::is_due(game, team, index, ball)
            {
                continue;
            }
            let command = player::command(&View::new(game, team), index, rng);
            let player = &mut game.players[team][index];
            player.command = command;
            game.minds.players[team][index].time_to_ball = player.time_to_ball;
        }
    }
}

/// Forgets what does not outlast an interruption of the game.
pub fn forget(game: &mut Match) {
    let ball = game.ball.position;
    let minds = &mut game.minds;
    minds.memory.clear();
    minds.trail = Trail::at(ball);
    for mind in &mut minds.teams {
        *mind = TeamMind {
            places: mind.places,
            offensiveness: mind.offensiveness,
            ..TeamMind::default()
        };
    }
    for mind in minds.players.iter_mut().flatten() {
        *mind = PlayerMind { phase: mind.phase, ..PlayerMind::default() };
    }
}

/// Updates what the minds remember of the game.
fn remember(game: &mut Match, rng: &mut Rng) {
    if !game.minds.started {
        for team in 0..2 {
            game.minds.teams[team].places = formation::places(game.counts[team]);
            let draw = rng.next_u64();
            for (index, mind) in game.minds.players[team].iter_mut().enumerate() {
                mind.phase = ((draw >> (5 * index)) % LONGEST_TURN) as u8;
            }
        }
        game.minds.trail = Trail::at(game.ball.position);
        game.minds.started = true;
        // The team that is nearer to the ball has had it, as far as the other one knows.
        if let Some(owner) = game.best_team {
            let owner = owner as usize;
            game.fading_possession[owner] = 1.5;
            game.fading_possession[1 - owner] = 0.5;
        }
        // Players of the first team that stand near the ball have decided once before the whistle.
        let first = game.setup.first_team.min(1);
        for index in 0..game.counts[first] {
            if game.players[first][index].position.distance(game.ball.position) < NEAR {
                game.minds.players[first][index].time_to_ball = 1.0;
            }
        }
    }
    let frame = game.frame;
    if frame.is_multiple_of(SNAPSHOT_FRAMES) {
        let [left, right] = &game.players;
        let players = [&left[..game.counts[0]], &right[..game.counts[1]]];
        game.minds.memory.take(frame, &game.path, players);
    }
    let ball = game.ball.position;
    game.minds.trail.record(frame, ball);
    if game.in_play() {
        let sign = Match::attack(game.main.team as usize);
        game.minds.possession_minute =
            (game.minds.possession_minute + 0.01 * sign).clamp(-60.0, 60.0);
        if frame.is_multiple_of(SECOND) {
            for team in 0..2 {
                for index in 0..game.counts[team] {
                    let position = game.players[team][index].position;
                    game.minds.players[team][index].record(position);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
