//! What a mind sees: the match in its team's own frame, partly with a delay.

use serde::{Deserialize, Serialize};

use super::ramp::ramp;
use crate::football::engine::Match;
use crate::football::engine::ball::{BallPath, BallPoint};
use crate::football::engine::pitch::FRAME;
use crate::football::engine::player::Player;
use crate::football::engine::state::{PlayerId, Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;
use crate::math::squared;

/// The frames between two snapshots.
pub const SNAPSHOT_FRAMES: u32 = 10;
/// How far a delayed position may lie from the true one, in metres.
const MAX_ERROR: f32 = 2.5;
/// How far a delayed velocity may lie from the true one, in m/s.
const MAX_SPEED_ERROR: f32 = 5.0;

/// The position and the velocity of a player.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The position.
    pub position: Vec2,
    /// The velocity.
    pub velocity: Vec2,
}

impl Figure {
    /// Returns where a player is, with its position and velocity multiplied with `sign`.
    #[inline]
    fn of(player: &Player, sign: f32) -> Self {
        Self { position: player.position * sign, velocity: player.velocity * sign }
    }

    /// Returns where a mind believes a player to be that remembers this place in the frame of the left team after `age`
    /// seconds, while it really is at `real`.
    #[inline]
    fn believed(&self, real: Self, age: f32, sign: f32) -> Self {
        Self {
            position: near(self.after(age) * sign, real.position, MAX_ERROR),
            velocity: near(self.velocity * sign, real.velocity, MAX_SPEED_ERROR),
        }
    }

    /// Returns the position after `seconds` at this velocity.
    #[inline]
    pub fn after(&self, seconds: f32) -> Vec2 {
        self.position + self.velocity * seconds
    }
}

/// Players and ball as they were in a frame, in the frame of the left team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    frame: u32,
    players: [[Figure; TEAM_SIZE]; 2],
    path: BallPath,
}

/// The last three snapshots: what delayed minds remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// A ring.
    snapshots: [Snapshot; 3],
    /// The place of the newest snapshot in the ring.
    newest: usize,
    /// The number of snapshots taken, at most 3.
    taken: usize,
}

impl Memory {
    /// Takes a snapshot.
    pub fn take(&mut self, frame: u32, path: &BallPath, players: [&[Player]; 2]) {
        self.newest = (self.newest + 1) % self.snapshots.len();
        self.taken = (self.taken + 1).min(self.snapshots.len());
        let snapshot = &mut self.snapshots[self.newest];
        snapshot.frame = frame;
        snapshot.path = *path;
        for (figures, players) in snapshot.players.iter_mut().zip(players) {
            for (figure, player) in figures.iter_mut().zip(players) {
                *figure = Figure { position: player.position, velocity: player.velocity };
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.taken = 0;
    }

    /// Returns the snapshot that is `delay` · 0.1 s old, up to 0.1 s more; none for no delay.
    fn at(&self, delay: usize) -> Option<&Snapshot> {
        let index = delay.min(self.taken.saturating_sub(1));
        let places = self.snapshots.len();
        if index == 0 {
            None
        } else {
            Some(&self.snapshots[(self.newest + places - index) % places])
        }
    }
}

/// A match as a team sees it: in its own frame it attacks towards positive `x`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The match.
    pub game: &'a Match,
    /// The team: 0 or 1.
    pub team: usize,
    /// What positions are multiplied with: 1 for the left team, -1 for the right one.
    pub sign: f32,
}

impl<'a> View<'a> {
    /// Returns the view of a team.
    pub fn new(game: &'a Match, team: usize) -> Self {
        Self { game, team, sign: Match::attack(team) }
    }

    /// Returns the other team.
    pub fn other(&self) -> usize {
        1 - self.team
    }

    /// Returns a player of a team.
    #[inline]
    pub fn player(&self, team: usize, index: usize) -> &'a Player {
        &self.game.players[team][index]
    }

    /// Returns where a player of a team is now.
    #[inline]
    pub fn figure(&self, team: usize, index: usize) -> Figure {
        Figure::of(self.player(team, index), self.sign)
    }

    /// Returns a player of the own team.
    #[inline]
    pub fn mate(&self, index: usize) -> Figure {
        self.figure(self.team, index)
    }

    /// Returns a player of the other team.
    #[inline]
    pub fn opponent(&self, index: usize) -> Figure {
        self.figure(self.other(), index)
    }

    /// Returns the indices of the players of a team that are on the pitch.
    pub fn present(&self, team: usize) -> impl Iterator<Item = usize> + use<'a> {
        let game = self.game;
        (0..game.counts[team]).filter(move |&index| game.players[team][index].on_pitch)
    }

    /// Returns the role of a mate in open play: that of the place it fills in at the moment.
    pub fn role(&self, index: usize) -> Role {
        self.player(self.team, self.game.minds.teams[self.team].fills[index] as usize).role
    }

    /// Returns the delay of a mate's view, in tenths of a second: `80 - 40 reaction + 100 (1 - difficulty)` ms, rounded;
    /// none for the player that touched the ball last.
    pub fn delay(&self, index: usize) -> usize {
        let id = PlayerId { team: self.team as u8, index: index as u8 };
        if self.game.last_touch.is_some_and(|touch| touch.player == id) {
            return 0;
        }
        let player = self.player(self.team, index);
        let seconds = 0.08 - 0.04 * player.abilities.reaction * player.form
            + 0.1 * (1.0 - self.game.setup.difficulty[self.team]);
        (seconds * 10.0 + 0.5) as usize
    }

    /// Returns where a mind with a delay believes a player of a team to be: the old position, carried on.
    #[inline]
    pub fn seen(&self, team: usize, index: usize, delay: usize) -> Figure {
        self.sight(delay).figure(team, index)
    }

    /// Returns what a mind with a delay sees of the players.
    #[inline]
    pub fn sight(&self, delay: usize) -> Sight<'a> {
        let snapshot = self.game.minds.memory.at(delay);
        let age = snapshot.map_or(0.0, |old| (self.game.frame - old.frame) as f32 * FRAME);
        Sight { view: *self, snapshot, age }
    }

    /// Returns where the ball will be after `seconds`.
    #[inline]
    pub fn ball(&self, seconds: f32) -> Vec2 {
        self.game.ball_at(seconds).position * self.sign
    }

    /// Returns where a mind with a delay believes the ball to be after `seconds`.
    #[inline]
    pub fn seen_ball(&self, seconds: f32, delay: usize) -> BallPoint {
        let seconds = seconds.min(2.99);
        let real = self.game.ball_at(seconds);
        let mut ball = BallPoint { position: real.position * self.sign, height: real.height };
        if let Some(snapshot) = self.game.minds.memory.at(delay)
            && snapshot.frame < self.game.path_frame
        {
            let old = snapshot.path.at(self.game.frame, seconds);
            ball.position = near(old.position * self.sign, ball.position, MAX_ERROR);
            ball.height = old.height;
        }
        ball
    }

    /// Returns the designated player of the own team.
    pub fn own_designated(&self) -> usize {
        self.game.designated[self.team] as usize
    }

    /// Returns the designated player of the other team.
    pub fn their_designated(&self) -> usize {
        self.game.designated[self.other()] as usize
    }

    /// Returns whether a mate is the designated player of the match.
    pub fn is_main(&self, index: usize) -> bool {
        self.game.main == PlayerId { team: self.team as u8, index: index as u8 }
    }

    /// Returns where the designated player of the match is.
    pub fn main(&self) -> Figure {
        self.figure(self.game.main.team as usize, self.game.main.index as usize)
    }

    /// Returns whether the own team can be at the ball first.
    pub fn has_best_possession(&self) -> bool {
        self.game.best_team == Some(self.team as u8)
    }

    /// Returns the player of a team that is nearest to a point, but for `except`.
    pub fn nearest(&self, team: usize, point: Vec2, except: Option<usize>) -> Option<usize> {
        let mut best = None;
        let mut distance = f32::INFINITY;
        for index in self.present(team) {
            let away = (self.figure(team, index).position - point).length_squared();
            if Some(index) != except && away < distance {
                (best, distance) = (Some(index), away);
            }
        }
        best
    }

    /// Returns the `N` players of a team that are nearest to a point, the nearest one first, and how many there are.
    pub fn nearest_few<const N: usize>(&self, team: usize, point: Vec2) -> ([usize; N], usize) {
        let mut found = [(f32::INFINITY, 0); N];
        let mut count = 0;
        let players = &self.game.players[team][..self.game.counts[team]];
        for (index, player) in players.iter().enumerate().filter(|(_, player)| player.on_pitch) {
            let away = (player.position * self.sign - point).length_squared();
            if count == N && away >= found[N - 1].0 {
                continue;
            }
            let mut place = count.min(N - 1);
            while place > 0 && found[place - 1].0 > away {
                found[place] = found[place - 1];
                place -= 1;
            }
            found[place] = (away, index);
            count = (count + 1).min(N);
        }
        (found.map(|(_, index)| index), count)
    }

    /// Returns how much of the ball a mate believes to have: `(opponents' time + 0.2) / (own time + 0.2)`, with its own
    /// time at its last decision. Before its first one it believes to be at the ball.
    pub fn possession_amount(&self, index: usize) -> f32 {
        let own = self.game.minds.players[self.team][index].time_to_ball;
        (self.game.team_time_to_ball[self.other()] + 0.2) / (own + 0.2)
    }

    /// Returns the faded possession of the team as a mate feels it: the designated player near the ball feels the
    /// present one.
    pub fn felt_possession(&self, index: usize) -> f32 {
        let faded = self.game.fading_possession[self.team];
        if self.own_designated() != index {
            return faded;
        }
        let distance = (self.ball(0.3) - self.mate(index).position).length();
        let share = squared(ramp(distance, 2.0, 14.0));
        faded * share + self.game.possession_amount[self.team] * (1.0 - share)
    }
}

/// What a mind with a delay sees of the players.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    view: View<'a>,
    /// What it remembers; none without a delay.
    snapshot: Option<&'a Snapshot>,
    /// The age of that, in seconds.
    age: f32,
}

impl Sight<'_> {
    /// Calls `use_figure` with the index of each player of a team that is on the pitch, and with where the mind believes
    /// it to be.
    #[inline]
    pub fn each(&self, team: usize, mut use_figure: impl FnMut(usize, Figure)) {
        let game = self.view.game;
        let players = game.players[team][..game.counts[team]].iter().enumerate();
        let present = players.filter(|(_, player)| player.on_pitch);
        let sign = self.view.sign;
        if let Some(snapshot) = self.snapshot {
            for (index, player) in present {
                let real = Figure::of(player, sign);
                use_figure(index, snapshot.players[team][index].believed(real, self.age, sign));
            }
        } else {
            for (index, player) in present {
                use_figure(index, Figure::of(player, sign));
            }
        }
    }

    /// Returns where the mind believes a player of a team to be: the old position, carried on.
    #[inline]
    pub fn figure(&self, team: usize, index: usize) -> Figure {
        let real = self.view.figure(team, index);
        let Some(snapshot) = self.snapshot else { return real };
        snapshot.players[team][index].believed(real, self.age, self.view.sign)
    }
}

/// Returns `believed`, moved towards `real` if it lies further than `most` from it.
#[inline]
fn near(believed: Vec2, real: Vec2, most: f32) -> Vec2 {
    let error = real - believed;
    let squared = error.length_squared();
    if squared > most * most { believed + error * (1.0 - most / squared.sqrt()) } else { believed }
}
