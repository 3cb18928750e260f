//! What a player with the ball does: pass, clear, shoot or dribble.

use phalanx_core::rng::Rng;

use super::formation::mindset;
use super::ramp::{curve, ramp};
use super::support::Field;
use super::view::{Figure, View};
use crate::football::engine::pitch::{HALF_LENGTH, HALF_WIDTH};
use crate::football::engine::pursuit::{SPEED_PER_METRE, SPRINT, speed_class};
use crate::football::engine::state::{Kick, KickRequest, PlayerId, Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;
use crate::math::{pow, squared};

/// The speed below which a player stands, in m/s.
const STANDING: f32 = 1.8;
/// How far from a standing player a ball may be that it kicks, in metres.
const STANDING_REACH: f32 = 0.95;

/// What a player with the ball wants, in the own frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decision {
    /// The kick to make, if any.
    pub kick: Option<KickRequest>,
    /// Where to carry the ball: a velocity.
    pub carry: Vec2,
}

/// How good a player's place is.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Outlook {
    /// The space 4 m ahead, from 0 to 1.
    pub ahead: f32,
    /// The space around the player, from 0 to 1.
    pub space: f32,
    /// The nearness of the opponents' goal: `(1 - distance / 110 m)^1.5`.
    pub forward: f32,
}

impl Outlook {
    /// Returns the outlook of a mate.
    pub fn of(view: &View, index: usize) -> Self {
        let me = view.mate(index);
        let delay = view.delay(index);
        let distance = (Vec2::new(HALF_LENGTH, 0.0) - me.position).length();
        let near = (1.0 - distance / (2.0 * HALF_LENGTH)).clamp(0.0, 1.0);
        let [ahead, space] = free_spaces(
            view,
            [(me.position + Vec2::new(SPRINT * 0.5, 0.0), 0.5), (me.after(0.1), 0.1)],
            delay,
        );
        Self { ahead, space, forward: near * near.sqrt() }
    }

    /// Returns the rating of a place for a player with a mindset:
    /// `(0.4 ahead + 0.3 space + w forward) / (0.7 + w)`, w = 2 + 6 mindset.
    pub fn rating(&self, mindset: f32) -> f32 {
        let weight = 2.0 + mindset * 6.0;
        (self.ahead * 0.4 + self.space * 0.3 + self.forward * weight) / (0.7 + weight)
    }
}

/// Returns how free places will be of opponents after some seconds, from 0 to 1: 2.5 opponents on the spot make 0.
fn free_spaces(view: &View, places: [(Vec2, f32); 2], delay: usize) -> [f32; 2] {
    const SAFE: f32 = 5.0;
    let sight = view.sight(delay);
    let mut crowds = [0.0; 2];
    sight.each(view.other(), |index, figure| {
        if view.player(view.other(), index).role == Role::Goalkeeper {
            return;
        }
        let there = figure.after(0.2);
        for (crowd, (place, seconds)) in crowds.iter_mut().zip(places) {
            let run = SPRINT * (seconds - 0.2).max(0.0);
            let squared = (place - there).length_squared();
            if squared < (SAFE + run) * (SAFE + run) {
                *crowd += 1.0 - (squared.sqrt() - run).max(0.0) * (1.0 / SAFE);
            }
        }
    });
    crowds.map(|crowd| 1.0 - ramp(crowd, 0.0, 2.5))
}

/// The opponents as a mind believes them to be when a kick made now arrives: 0.2 s later.
struct Opposition {
    places: [Vec2; TEAM_SIZE],
    count: usize,
}

impl Opposition {
    fn new(view: &View, delay: usize) -> Self {
        let sight = view.sight(delay);
        let mut opposition = Self { places: [Vec2::ZERO; TEAM_SIZE], count: 0 };
        sight.each(view.other(), |_, figure| {
            opposition.places[opposition.count] = figure.after(0.2);
            opposition.count += 1;
        });
        opposition
    }

    /// Returns the odds that a kick arrives, from 0 to 1; balls `speed` times as fast are harder to reach.
    ///
    /// An opponent next to the line, between its start and 1.2 times its length (for a high pass only near its ends), is
    /// as dangerous as the ball is later than it at the nearest point: clamp(0.7 s + 0.03 s per metre - its time + 0.5 s).
    fn odds(&self, from: Vec2, to: Vec2, kick: Kick, speed: f32) -> f32 {
        let way = to - from;
        let squared = way.length_squared();
        if squared < 1e-12 {
            return 1.0;
        }
        let length = squared.sqrt();
        let high = kick == Kick::HighPass;
        let mut danger = if high { 0.4 } else { 0.0 };
        for &there in &self.places[..self.count] {
            let along = (there - from).dot(way) / squared;
            if !(0.0..=1.2).contains(&along) || (high && (0.2..=0.65).contains(&along)) {
                continue;
            }
            let apart = (from + way * along).distance(there);
            let runs = (apart + 1.0) / SPRINT;
            let trap = if high && along > 0.5 { 2.5 } else { 0.0 };
            let flies = (0.7 + length * along.min(1.0) * along * 0.03 + trap) / speed;
            danger += (flies - runs + 0.5).clamp(0.0, 1.0);
            if danger >= 1.0 {
                return 0.0;
            }
        }
        1.0 - danger
    }

    /// Returns the odds of a pass of a kind to a mate.
    fn pass_odds(&self, from: Figure, mate: Figure, kick: Kick) -> f32 {
        let distance = (mate.position - from.position).length();
        if kick == Kick::HighPass && distance < 10.0 {
            return 0.0;
        }
        let mut target = mate.after((0.7 + distance * 0.03).min(0.5));
        if kick == Kick::LongPass {
            target.x += distance * 0.2;
        }
        self.odds(from.after(0.12), target, kick, 1.0)
    }
}

/// Decides what a player with the ball does.
///
/// 1. The mate with the best sum of the gain in [`Outlook::rating`] and the odds of the pass is passed to.
/// 2. A defender near its own goal whose pass is too unlikely to arrive clears the ball; so does a goalkeeper that is
///    pressed.
/// 3. Within 16 m of a spot 7 m in front of the goal it shoots if `√odds + U(0, 0.5) > 0.5`.
/// 4. Else it dribbles along a field of forces, as it does while it stands too far from the ball to kick it.
pub fn decide(view: &View, index: usize, rng: &mut Rng) -> Decision {
    let carry = dribble(view, index);
    let me = view.mate(index);
    let stands = me.velocity.length() < STANDING;
    if stands && view.ball(0.0).distance(me.position) > STANDING_REACH {
        return Decision { kick: None, carry };
    }
    let opposition = Opposition::new(view, view.delay(index));
    let pass = best_pass(view, index, &opposition);
    let mut kick = panic(view, index, pass.map_or(0.0, |(_, odds)| odds), pass.is_some());
    if kick.is_none() {
        kick = pass.map(|(request, _)| request);
    }
    if kick.is_none() {
        kick = shot(view, index, &opposition, rng);
    }
    Decision { kick, carry }
}

/// Returns the best pass and its odds.
fn best_pass(view: &View, index: usize, opposition: &Opposition) -> Option<(KickRequest, f32)> {
    let game = view.game;
    let player = view.player(view.team, index);
    let me = view.mate(index);
    let mindset = mindset(view.role(index));
    let relative = game.ball.velocity - player.velocity;
    let relative = (relative.length_squared() + game.ball.climb * game.ball.climb).sqrt();
    let moving = ramp(relative, 0.0, 10.0);
    let hard = moving - player.abilities.short_pass * player.form * moving * 0.8;
    let long_possession = squared(ramp(player.possession_frames as f32, 0.0, 500.0));
    let gain_weight = 1.0 + mindset * mindset * 10.0;
    let least_odds = 0.2 * (1.0 - mindset) - long_possession * 0.1;
    let threshold = 0.1 - long_possession * 0.05;
    let outlooks = &game.minds.players[view.team];
    let own = outlooks[index].outlook.rating(mindset);
    let mut best = None;
    let mut best_total = threshold.max(0.0);
    for mate in view.present(view.team) {
        if mate == index {
            continue;
        }
        let mut rating = outlooks[mate].outlook.rating(mindset);
        if view.player(view.team, mate).role == Role::Goalkeeper {
            rating *= 0.7;
        }
        if rating <= own + 0.06 * (1.0 - mindset) {
            continue;
        }
        let gain = (rating - own) * gain_weight;
        if (gain + 1.0 - hard) / (gain_weight + 1.0) <= best_total {
            continue;
        }
        let there = view.mate(mate);
        let mut odds = -1.0;
        let mut kind = Kick::ShortPass;
        for kick in [Kick::ShortPass, Kick::LongPass, Kick::HighPass] {
            let new = opposition.pass_odds(me, there, kick);
            if new > odds {
                (odds, kind) = (new, kick);
            }
        }
        let total = (gain + odds - hard) / (gain_weight + 1.0);
        if total > best_total && odds > least_odds {
            best_total = total;
            let request = KickRequest {
                kick: kind,
                direction: (there.position - me.position).direction(),
                gauge: 0.0,
                target: Some(PlayerId { team: view.team as u8, index: mate as u8 }),
                aimed: false,
            };
            best = Some((request, odds));
        }
    }
    best
}

/// Returns the clearance of a player that is in trouble.
fn panic(view: &View, index: usize, odds: f32, has_pass: bool) -> Option<KickRequest> {
    let mindset = mindset(view.role(index));
    if mindset >= 0.25 {
        return None;
    }
    let amount = view.possession_amount(index);
    let keeper = view.role(index) == Role::Goalkeeper;
    let prone = 1.0 - mindset * 2.0;
    let distance = (view.mate(index).position - super::marking::OWN_GOAL).length();
    let trouble = prone * (1.0 - ramp(distance, 2.0, 16.0));
    let panics = if keeper {
        amount < 3.0
    } else {
        (!has_pass || odds < trouble) && amount < 0.9 + trouble * 0.8
    };
    panics.then(|| {
        let facing = view.player(view.team, index).facing * view.sign;
        let side = if facing.y > 0.0 { 0.5 } else { -0.5 };
        let away = Vec2::new(facing.x * 0.8, facing.y).direction() + Vec2::new(0.7, side);
        KickRequest {
            kick: Kick::HighPass,
            direction: away.direction_or(facing),
            gauge: 0.7,
            target: None,
            aimed: true,
        }
    })
}

/// Returns a shot, if the player takes one.
fn shot(view: &View, index: usize, opposition: &Opposition, rng: &mut Rng) -> Option<KickRequest> {
    let player = view.player(view.team, index);
    let me = view.mate(index);
    let spot = Vec2::new(HALF_LENGTH - 7.0, 0.0);
    if curve(1.0 - ramp((spot - me.position).length(), 0.0, 16.0), 1.0) <= 0.1 {
        return None;
    }
    let from = me.after(0.12);
    let mut odds = opposition.odds(from, Vec2::new(HALF_LENGTH + 1.0, 0.0), Kick::Shot, 3.0);
    let mut y = 0.0;
    for side in [-1.0, 1.0] {
        let new = opposition.odds(from, Vec2::new(HALF_LENGTH + 1.0, 3.6 * side), Kick::Shot, 3.0);
        if new > odds {
            (odds, y) = (new, 3.5 * side);
        }
    }
    if odds.sqrt() + rng.uniform() * 0.5 <= 0.5 {
        return None;
    }
    let scatter = 1.0 - player.abilities.shot * player.form;
    let aim = Vec2::new(HALF_LENGTH + 1.0, y + (rng.uniform() * 2.0 - 1.0) * scatter);
    let toward = (aim - me.after(0.2)).direction_or(Vec2::new(1.0, 0.0));
    // Leans against the run, which would carry the ball along.
    let lean = player.facing * (view.sign * player.velocity.length() / SPRINT * 0.3);
    let distance = ramp((Vec2::new(HALF_LENGTH, 0.0) - me.position).length(), 0.0, 32.0);
    let most = 0.6 + distance * 0.4;
    Some(KickRequest {
        kick: Kick::Shot,
        direction: (toward * 0.7 - lean).direction_or(toward),
        gauge: gauge_for(most * (0.7 + 0.3 * rng.uniform())),
        target: None,
        aimed: true,
    })
}

/// Returns the gauge that gives a shot a power from 0 to 1.
pub fn gauge_for(power: f32) -> f32 {
    0.06 + 0.94 * pow(power, 1.0 / 0.6)
}

/// Returns where a player carries the ball: away from five opponents and from the lines, towards the goal.
pub fn dribble(view: &View, index: usize) -> Vec2 {
    const AHEAD: f32 = 0.25;
    let me = view.mate(index);
    let delay = view.delay(index);
    let mut field = Field::new(me.after(AHEAD), 1.0);
    let (opponents, count) = view.nearest_few::<5>(view.other(), me.position);
    for &opponent in &opponents[..count] {
        field.push(view.seen(view.other(), opponent, delay).after(AHEAD), 2.0, 10.0, 1.0);
    }
    let sides = Vec2::new(
        if me.position.x >= 0.0 { HALF_LENGTH + 5.0 } else { -HALF_LENGTH - 5.0 },
        if me.position.y >= 0.0 { HALF_WIDTH + 5.0 } else { -HALF_WIDTH - 5.0 },
    );
    field.push(Vec2::new(me.position.x, sides.y), 4.0, 20.0, 0.7);
    field.push(Vec2::new(sides.x, me.position.y), 4.0, 20.0, 0.7);
    let inside = (1.0 - squared(ramp(me.position.x.abs() / HALF_LENGTH, 0.0, 1.0))) * 0.5;
    let goal = Vec2::new(HALF_LENGTH, me.position.y * 0.28 * inside);
    field.pull(goal, 0.725 + mindset(view.role(index)) * 0.05);
    let velocity = field.velocity();
    // The speed wanted is 2.6 m/s for each metre of the field, in the classes of speeds.
    let speed = speed_class((velocity.length() * SPEED_PER_METRE).min(SPRINT));
    velocity.direction() * speed
}
