//! A football match, frame by frame.
//!
//! Everything is in metres, seconds and the frame of the left team: it attacks towards positive `x`, and
//! positive `y` points to the *bottom* touch line, as in the original's observations. A frame lasts 0.01 s.
//!
//! [`Match::frame`] plays a frame in this order: the ball flies, the referee rules, possession is settled, minds fill
//! the players' [`Command`](state::Command)s, bodies move and touch the ball, and bodies collide. Minds ([`ai`] for
//! players without an agent, [`control`] for those with one) see everything and write commands only; bodies read
//! nothing of the minds but commands.

pub mod abilities;
pub mod ai;
pub mod ball;
mod bodies;
mod collisions;
mod contact;
pub mod control;
mod duels;
mod kicking;
mod movement;
mod passes;
pub mod pitch;
pub mod player;
pub mod possession;
pub mod pursuit;
mod reaches;
pub mod referee;
mod saves;
pub mod setup;
mod shots;
pub mod state;
mod touches;
pub mod vec2;

use serde::{Deserialize, Serialize};

use phalanx_core::rng::Rng;

use ball::BallPath;
use pitch::BALL_RADIUS;
use player::Player;
use setup::MatchSetup;
use state::{Ball, GameMode, Kick, PlayerId, TEAM_SIZE, Touch};
use vec2::Vec2;

/// The height at which a goalkeeper holds the ball, in metres.
const HELD_HEIGHT: f32 = 1.1;

/// A match: plain data, which is all that has to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// How it began.
    pub setup: MatchSetup,
    /// The frames played.
    pub frame: u32,
    /// The ball.
    pub ball: Ball,
    /// The ball in the frame before.
    pub previous_ball: Ball,
    /// Where the ball goes if nobody touches it.
    pub path: BallPath,
    /// The frame in which the path was last computed anew.
    pub path_frame: u32,
    /// The players, `[team][index]`; those from `counts` on are missing.
    pub players: [[Player; TEAM_SIZE]; 2],
    /// The number of players of each team.
    pub counts: [usize; 2],
    /// The player that owns the ball: it has possession and was the last to touch it.
    pub owner: Option<PlayerId>,
    /// The player that holds the ball in its hands, or stands ready to bring it into play.
    pub holder: Option<PlayerId>,
    /// The last touch of the ball.
    pub last_touch: Option<Touch>,
    /// The last touch by each team.
    pub last_touch_of: [Option<Touch>; 2],
    /// The frame in which the ball last hit a body by chance.
    pub block_frame: Option<u32>,
    /// The last trip: a body that fell or stumbled over another.
    pub last_trip: Option<Trip>,
    /// The player of each team that has the ball or is expected to play it next.
    pub designated: [u8; 2],
    /// The one of these that is expected to play it first.
    pub main: PlayerId,
    /// The team that can be at the ball first.
    pub best_team: Option<u8>,
    /// Whether a player of each team has possession.
    pub team_possession: [bool; 2],
    /// The shortest time to the ball of each team, in seconds.
    pub team_time_to_ball: [f32; 2],
    /// How much each team has of the ball: above 1 if it is nearer in time.
    pub possession_amount: [f32; 2],
    /// The slow average of that, from 0.5 to 1.5.
    pub fading_possession: [f32; 2],
    /// The goals of each team.
    pub score: [u32; 2],
    /// The phase.
    pub mode: GameMode,
    /// What the referee remembers.
    pub referee: referee::Referee,
    /// What agents' controllers remember.
    pub control: control::Control,
    /// What the built-in rules remember.
    pub minds: ai::Minds,
}

/// A player that fell or stumbled over an opponent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// The frame of the match.
    pub frame: u32,
    /// The player that tripped.
    pub victim: PlayerId,
    /// The opponent.
    pub offender: PlayerId,
    /// Whether it fell, rather than stumbled.
    pub fell: bool,
    /// Whether the opponent was sliding.
    pub by_slide: bool,
}

impl Match {
    /// Begins a match.
    pub fn new(setup: &MatchSetup) -> Self {
        let mut players = [[Player::default(); TEAM_SIZE]; 2];
        for (team, players) in players.iter_mut().enumerate() {
            let side = if team == 0 { 1.0 } else { -1.0 };
            for (index, player) in players.iter_mut().enumerate().take(setup.counts[team]) {
                *player =
                    Player::new(&setup.players[team][index], index, setup.difficulty[team], side);
            }
        }
        let ball = Ball { position: setup.ball, height: BALL_RADIUS, ..Ball::default() };
        Self {
            setup: *setup,
            frame: 0,
            ball,
            previous_ball: ball,
            path: BallPath::new(&ball, 0),
            path_frame: 0,
            players,
            counts: setup.counts,
            owner: None,
            holder: None,
            last_touch: None,
            last_touch_of: [None; 2],
            block_frame: None,
            last_trip: None,
            designated: [0; 2],
            main: PlayerId { team: setup.first_team as u8, index: 0 },
            best_team: None,
            team_possession: [false; 2],
            team_time_to_ball: [1.0; 2],
            possession_amount: [1.0; 2],
            fading_possession: [1.0; 2],
            score: [0; 2],
            mode: GameMode::Normal,
            referee: referee::Referee::default(),
            control: control::Control::default(),
            minds: ai::Minds::default(),
        }
    }

    /// Plays a frame.
    pub fn frame(&mut self, rng: &mut Rng) {
        self.before_minds();
        ai::think(self, rng);
        control::command(self);
        self.after_minds(rng);
    }

    /// Plays the part of a frame before players are commanded.
    pub(super) fn before_minds(&mut self) {
        self.fly_ball();
        referee::frame(self);
        self.update_possession();
        self.update_possession_amounts();
    }

    /// Plays the part of a frame after players were commanded.
    pub(super) fn after_minds(&mut self, rng: &mut Rng) {
        bodies::frame(self, rng);
        self.frame += 1;
    }

    /// Returns whether the ball is in play and no restart is awaited.
    #[inline]
    pub fn in_play(&self) -> bool {
        self.mode == GameMode::Normal
    }

    /// Returns a player.
    #[inline]
    pub fn player(&self, id: PlayerId) -> &Player {
        &self.players[id.team as usize][id.index as usize]
    }

    /// Returns a player to change.
    #[inline]
    pub fn player_mut(&mut self, id: PlayerId) -> &mut Player {
        &mut self.players[id.team as usize][id.index as usize]
    }

    /// Returns the direction in which a team attacks: 1 for the left team, -1 for the right one.
    #[inline]
    pub fn attack(team: usize) -> f32 {
        if team == 0 { 1.0 } else { -1.0 }
    }

    /// Returns the goalkeeper of a team.
    pub fn keeper(&self, team: usize) -> Option<PlayerId> {
        (0..self.counts[team])
            .find(|&index| {
                let player = &self.players[team][index];
                player.on_pitch && player.role == state::Role::Goalkeeper
            })
            .map(|index| PlayerId { team: team as u8, index: index as u8 })
    }

    /// Gives the ball a new state and computes its path.
    pub fn set_ball(&mut self, ball: Ball) {
        self.ball = ball;
        self.path = BallPath::new(&ball, self.frame);
        self.path_frame = self.frame;
    }

    /// Lays the ball on a place, at rest.
    pub fn place_ball(&mut self, position: Vec2) {
        self.set_ball(Ball { position, height: BALL_RADIUS, ..Ball::default() });
        self.previous_ball = self.ball;
    }

    /// Records a touch of the ball by foot in this frame.
    pub fn record_touch(&mut self, player: PlayerId, kick: Option<Kick>) {
        self.record(Touch { player, frame: self.frame, kick, accidental: false, target: None });
    }

    /// Records a touch in this frame after which the ball's way was not chosen.
    pub fn record_accidental_touch(&mut self, player: PlayerId) {
        self.record(Touch {
            player,
            frame: self.frame,
            kick: None,
            accidental: true,
            target: None,
        });
    }

    fn record(&mut self, touch: Touch) {
        let player = touch.player;
        self.last_touch = Some(touch);
        self.last_touch_of[player.team as usize] = Some(touch);
        self.player_mut(player).last_touch = Some(touch);
    }

    /// Lets a player hold the ball in its hands.
    pub fn hold_ball(&mut self, id: PlayerId, position: Vec2) {
        self.holder = Some(id);
        self.ball = Ball { position, height: HELD_HEIGHT, ..Ball::default() };
        self.path = BallPath::resting(&self.ball, self.frame);
        self.path_frame = self.frame;
    }

    fn fly_ball(&mut self) {
        self.previous_ball = self.ball;
        if self.holder.is_some() {
            return;
        }
        ball::fly(&mut self.ball);
        ball::stop_at_net(&mut self.ball);
        if ball::rebound_from_woodwork(&mut self.ball) {
            self.set_ball(self.ball);
        } else {
            self.path.extend(self.frame);
        }
    }
}

#[cfg(test)]
mod tests;
