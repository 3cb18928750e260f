//! Who can reach the ball when, who has it, and who is expected to play it.

use std::hint::cold_path;

use super::Match;
use super::ball::BallPoint;
use super::pitch::{FRAME, HALF_LENGTH};
use super::player::{Body, Player};
use super::state::{PlayerId, TEAM_SIZE};
use super::vec2::Vec2;

/// How far the ball is predicted, in seconds.
pub const HORIZON: f32 = 3.0;
/// How long a touch takes that is made at once, in seconds.
pub const TOUCH_TIME: f32 = 0.08;
/// The height above which a ball cannot be reached, in metres.
const REACHABLE_HEIGHT: f32 = 1.5;
/// The time over which a body changes its velocity, in seconds.
const CHANGE: f32 = 0.7;
/// The share of the top speed that counts on the way to the ball.
const RUN: f32 = 0.94;
/// The longest time between two updates of the time to the ball within 6 m of it, in frames.
const RECENT: u32 = 3;
/// By how much earlier than it was expected then a player can be at the ball, in seconds.
const EARLIER: f32 = 0.12;

/// The reach of a player over time: a circle around where it coasts to, which grows as the player changes its velocity.
///
/// With `c(t) = t - t² / 1.4` up to 0.7 s (0.35 after), the centre is `start + v c(t)`; with
/// `g(t) = t² / 1.4` up to 0.7 s (`t - 0.35` after), the radius is `r + 0.94 v_max g(t)`, r = 0.28 m.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    start: Vec2,
    velocity: Vec2,
    speed: f32,
}

impl Reach {
    /// The radius at once.
    pub const USUAL: f32 = 0.28;
    /// The radius at once with a stretched leg.
    pub const OPTIMISTIC: f32 = 0.9;

    /// Returns the reach of a player on its way to `target`.
    pub fn new(player: &Player, target: Vec2) -> Self {
        Self::of_runner(player)
            .unwrap_or_else(|| Self::from(player, (target - player.position).direction() * 0.1))
    }

    /// Returns the reach of a player that runs, which is the same on the way to anywhere.
    pub(super) fn of_runner(player: &Player) -> Option<Self> {
        let velocity = player.velocity;
        (velocity.length_squared() > 1.8 * 1.8)
            .then(|| Self::from(player, velocity.direction() * 0.1 + velocity * FRAME))
    }

    fn from(player: &Player, offset: Vec2) -> Self {
        Self {
            start: player.position + offset,
            velocity: player.velocity,
            speed: player.abilities.top_speed * RUN,
        }
    }

    /// Returns by how much `target` lies outside the reach after `seconds`, for a radius at once.
    #[inline]
    pub fn gap(&self, target: Vec2, seconds: f32, radius: f32) -> f32 {
        let (coast, grown) = if seconds < CHANGE {
            let half = seconds * seconds / (2.0 * CHANGE);
            (seconds - half, half)
        } else {
            (CHANGE / 2.0, seconds - CHANGE / 2.0)
        };
        (target - self.start - self.velocity * coast).length() - radius - self.speed * grown
    }

    /// Returns the time it takes to reach `target`, in seconds.
    pub fn time_to(&self, target: Vec2) -> f32 {
        let late = self.gap(target, CHANGE, Self::USUAL);
        if late > 0.0 {
            return CHANGE + late / self.speed;
        }
        let (mut low, mut high) = (0.0, CHANGE);
        for _ in 0..6 {
            let middle = 0.5 * (low + high);
            if self.gap(target, middle, Self::USUAL) > 0.0 { low = middle } else { high = middle }
        }
        high
    }
}

impl Match {
    /// Returns where the ball will be after `seconds` (at most 3) if nobody touches it.
    #[inline]
    pub fn ball_at(&self, seconds: f32) -> BallPoint {
        self.path.at(self.frame, seconds)
    }

    /// Returns whether a player has possession: the ball is at most 0.5 m high, within 1 m of
    /// `position + 0.05 velocity + 0.1 facing`, and at most 6 m/s faster or slower than the player in any direction.
    pub fn has_possession(&self, player: &Player) -> bool {
        let gap = self.ball.position - player.position;
        if self.ball.height > 0.5
            || gap.length_squared() > 9.0
            || matches!(player.body, Body::FollowThrough { .. })
        {
            return false;
        }
        let centre = player.position + player.velocity * 0.05 + player.facing * 0.1;
        let relative = self.ball.velocity - player.velocity;
        self.ball.position.distance(centre) <= 1.0
            && relative.length_squared() + self.ball.climb * self.ball.climb <= 36.0
    }

    /// Returns the earliest time at which the ball is within the reach of a player, in seconds: the usual reach and the
    /// optimistic one. Beyond 3 s it is the time to run to where the ball is then.
    pub fn compute_time_to_ball(&self, player: &Player) -> [f32; 2] {
        let start = if matches!(player.body, Body::FollowThrough { .. }) { 0.5 } else { 0.0 };
        let mut times = [f32::INFINITY; 2];
        // Ball and player cannot close a gap faster than this: the ball only slows down, and of the body's velocity
        // what coasting loses is what running gains.
        let ball_speed = self.ball.velocity.length();
        let run = player.velocity.length().max(player.abilities.top_speed * RUN);
        let closing = 1.0 / (ball_speed + 1.0 + run);
        // A slow ball stays within reach for longer than it takes to pass by.
        let step = if ball_speed > 8.0 { 0.02 } else { 0.08 };
        let reach = Reach::new(player, self.ball.position);
        // If the path is the one of the last time, the ball is not met much earlier than expected then.
        let known = start == 0.0
            && self.frame > self.path_frame + RECENT
            && (player.position - self.ball.position).length_squared() < 36.0;
        let expected = [player.time_to_ball, player.optimistic_time_to_ball];
        let mut seconds = start;
        // The optimistic reach is the larger one, so that it is met first.
        for (number, radius) in [(1, Reach::OPTIMISTIC), (0, Reach::USUAL)] {
            let mut before = None;
            let early = expected[number].min(HORIZON) - EARLIER;
            if known && early > seconds {
                let gap = reach.gap(self.ball_at(early).position, early, radius);
                if gap > 0.0 {
                    before = Some((early, gap));
                    seconds = early + (gap * closing).max(step);
                }
            }
            while seconds < HORIZON {
                let ball = self.ball_at(seconds);
                let gap = reach.gap(ball.position, seconds, radius);
                if gap <= 0.0 && ball.height < REACHABLE_HEIGHT {
                    if let Some((earlier, wider)) = before {
                        seconds = earlier + (seconds - earlier) * wider / (wider - gap);
                    }
                    times[number] = seconds;
                    break;
                }
                before = (gap > 0.0).then_some((seconds, gap));
                let leap = gap * closing;
                if leap > step {
                    seconds += leap;
                } else {
                    // A branch rather than a maximum: the processor goes on before it knows the gap.
                    cold_path();
                    seconds += step;
                }
            }
        }
        if times[0] == f32::INFINITY {
            let last = self.ball_at(HORIZON - FRAME).position;
            let far = (last.distance(player.position + player.velocity * 0.2)
                / (player.abilities.top_speed * 0.75))
                .max(HORIZON);
            times = times.map(|time| time.min(far));
        }
        if let Body::WindUp { frames, .. } = player.body {
            let soonest = f32::from(frames) * FRAME;
            times = [times[0].min(soonest); 2];
        }
        if times[0] < TOUCH_TIME {
            let there = player.position + player.velocity * TOUCH_TIME;
            times = [(there.distance(self.ball_at(TOUCH_TIME).position) / 0.6).min(1.0)
                * TOUCH_TIME; 2];
        }
        times
    }

    /// Updates times to the ball, possession, the owner, the best team and the designated players.
    pub(super) fn update_possession(&mut self) {
        self.team_possession = [false; 2];
        let mut nearest = [None; 2];
        for (team, nearest) in nearest.iter_mut().enumerate() {
            let mut shortest = f32::INFINITY;
            for index in 0..self.counts[team] {
                let player = &self.players[team][index];
                if !player.on_pitch {
                    continue;
                }
                let squared_distance = (player.position - self.ball.position).length_squared();
                let times = self
                    .must_update_time(squared_distance, index)
                    .then(|| self.compute_time_to_ball(player));
                let holds = self
                    .holder
                    .map(|holder| holder == PlayerId { team: team as u8, index: index as u8 });
                let has =
                    holds.unwrap_or_else(|| squared_distance <= 9.0 && self.has_possession(player));
                let player = &mut self.players[team][index];
                if let Some([usual, optimistic]) = times {
                    player.time_to_ball = usual;
                    player.optimistic_time_to_ball = optimistic;
                }
                if holds == Some(true) {
                    player.time_to_ball = 0.001;
                    player.optimistic_time_to_ball = 0.001;
                }
                player.has_possession = has;
                player.possession_frames = if has { player.possession_frames + 1 } else { 0 };
                self.team_possession[team] |= has;
                if player.time_to_ball < shortest {
                    shortest = player.time_to_ball;
                    *nearest = Some(index);
                }
            }
            self.team_time_to_ball[team] = shortest.min(100.0);
        }
        self.update_owner();
        self.update_designated(nearest);
    }

    /// Returns whether the time to the ball of a player at a squared distance from it is computed in this frame: every
    /// frame within 2 m of the ball, every third, sixth or twentieth frame farther away.
    fn must_update_time(&self, squared_distance: f32, index: usize) -> bool {
        if self.frame == self.path_frame && squared_distance < 225.0 {
            return true;
        }
        let frame = self.frame + index as u32;
        if squared_distance < 4.0 {
            true
        } else if squared_distance < 36.0 {
            frame.is_multiple_of(3)
        } else if squared_distance < 225.0 {
            frame.is_multiple_of(6)
        } else {
            frame.is_multiple_of(20)
        }
    }

    /// The owner has possession and is the last player of the last-touching team to have touched the ball.
    fn update_owner(&mut self) {
        self.owner = self
            .last_touch
            .map(|touch| touch.player)
            .filter(|id| self.players[id.team as usize][id.index as usize].has_possession);
    }

    /// `nearest` are the players of the teams that can be at the ball first.
    fn update_designated(&mut self, nearest: [Option<usize>; 2]) {
        for (team, best) in nearest.into_iter().enumerate() {
            let Some(best) = best else { continue };
            let opponents = self.team_time_to_ball[1 - team];
            let current = self.designated[team] as usize;
            if best == current {
                continue;
            }
            let (old, new) = (&self.players[team][current], &self.players[team][best]);
            let mut rating = (new.time_to_ball + 0.5) / (old.time_to_ball + 0.5);
            if new.has_possession {
                rating *= 0.5;
            }
            if old.has_possession {
                rating *= 2.0;
            }
            if new.is_commanded_by_agent() {
                rating *= 0.8;
            } else if old.time_to_ball < opponents - 0.1 {
                rating = (rating + 0.2) * 1.2;
            }
            if old.is_commanded_by_agent() {
                rating /= 0.8;
            }
            if rating < 0.8 || !old.on_pitch {
                self.designated[team] = best as u8;
            }
        }
        let [left, right] = self.team_time_to_ball;
        self.best_team = match self.holder {
            Some(holder) => Some(holder.team),
            None if left < right => Some(0),
            None if right < left => Some(1),
            None => None,
        };
        if let Some(holder) = self.holder {
            self.main = holder;
        } else if let Some(team) = self.best_team {
            let candidate = PlayerId { team, index: self.designated[team as usize] };
            let ratio = (self.player(candidate).time_to_ball + 0.01)
                / (self.player(self.main).time_to_ball + 0.01);
            if ratio < 0.85 {
                self.main = candidate;
            }
        } else {
            self.main.index = self.designated[self.main.team as usize];
        }
    }

    /// Returns the player of a team that can be at the ball first.
    pub fn nearest_to_ball_in_time(&self, team: usize) -> Option<usize> {
        (0..self.counts[team].min(TEAM_SIZE))
            .filter(|&index| self.players[team][index].on_pitch)
            .min_by(|&a, &b| {
                self.players[team][a].time_to_ball.total_cmp(&self.players[team][b].time_to_ball)
            })
    }

    /// Returns whether a player has possession and no opponent can be at the ball before it.
    #[inline]
    pub fn has_best_possession(&self, id: PlayerId) -> bool {
        let player = self.player(id);
        player.has_possession && self.team_time_to_ball[1 - id.team as usize] > player.time_to_ball
    }

    /// Returns whether a player has possession and no opponent has it.
    #[inline]
    pub fn has_unique_possession(&self, id: PlayerId) -> bool {
        self.player(id).has_possession && !self.team_possession[1 - id.team as usize]
    }

    /// Updates how much a team has of the ball: `(opponents' time + 1.5) / (own time + 1.5)`, and its slow average.
    pub(super) fn update_possession_amounts(&mut self) {
        for team in 0..2 {
            let amount =
                (self.team_time_to_ball[1 - team] + 1.5) / (self.team_time_to_ball[team] + 1.5);
            self.possession_amount[team] = amount;
            let fading = &mut self.fading_possession[team];
            *fading += ((amount.clamp(0.5, 1.5) - *fading) * 0.005).clamp(-0.005, 0.005);
            let decided = self.holder.map(|holder| holder.team).or(if self.in_play() {
                None
            } else {
                self.best_team
            });
            if let Some(owner) = decided {
                let all = if owner as usize == team { 1.5 } else { 0.5 };
                self.possession_amount[team] = all;
                self.fading_possession[team] = all;
            }
        }
    }

    /// Returns whether the ball lies beyond the goal line or is about to, by its `x`.
    pub fn is_beyond_goal_line(x: f32) -> bool {
        x.abs() > HALF_LENGTH + 0.17
    }
}
