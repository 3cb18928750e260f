//! Where to run to help the player with the ball: a field of forces.

use super::formation::{mindset, on_pitch};
use super::marking;
use super::ramp::{curve, ramp};
use super::view::View;
use crate::football::engine::pitch::HALF_LENGTH;
use crate::football::engine::pursuit::SPRINT;
use crate::football::engine::state::Role;
use crate::football::engine::vec2::Vec2;
use crate::math::pow;

/// Adds up forces on a point.
///
/// Each spot pulls (or pushes) with `power · intensity`; the result is the mean direction weighted with the forces, times
/// 8 m/s.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    point: Vec2,
    /// The distance from which attraction fades, in metres.
    damping: f32,
    sum: Vec2,
    force: f32,
}

impl Field {
    /// Returns an empty field around a point.
    pub fn new(point: Vec2, damping: f32) -> Self {
        Self { point, damping, sum: Vec2::ZERO, force: 0.0 }
    }

    /// Adds a pull that is the same at any distance.
    pub fn pull(&mut self, spot: Vec2, power: f32) {
        self.attract(spot, power);
    }

    /// Adds a pull that fades to nothing at `scale` metres.
    pub fn pull_near(&mut self, spot: Vec2, power: f32, scale: f32) {
        let intensity = 1.0 - (spot - self.point).length() / scale;
        if intensity > 0.0 {
            self.attract(spot, power * intensity);
        }
    }

    /// Adds a push with the intensity `(1 - distance / scale)^exponent`.
    pub fn push(&mut self, spot: Vec2, power: f32, scale: f32, exponent: f32) {
        let away = self.point - spot;
        let distance_squared = away.length_squared();
        if distance_squared >= scale * scale {
            return;
        }
        let distance = distance_squared.sqrt();
        let mut intensity = 1.0 - distance / scale;
        if exponent == 0.5 {
            intensity = intensity.sqrt();
        } else if exponent != 1.0 {
            intensity = pow(intensity, exponent);
        }
        let force = power * intensity;
        if distance > 1e-6 {
            self.sum += away * (force / distance);
        }
        self.force += force;
    }

    fn attract(&mut self, spot: Vec2, force: f32) {
        let way = spot - self.point;
        let distance = way.length();
        if distance > 1e-6 {
            self.sum += way * (force / distance * (distance / self.damping).min(1.0));
        }
        self.force += force;
    }

    /// Returns the velocity that the field asks for.
    pub fn velocity(&self) -> Vec2 {
        if self.force == 0.0 { Vec2::ZERO } else { self.sum * (SPRINT / self.force) }
    }
}

/// Returns where a mate goes to support the designated player, starting from where the formation wants it.
///
/// It is drawn to its place (wingers and forwards further up, the supporter most), to the end of a run, and to the
/// designated player but not too near; it keeps away from three opponents, from mates and from the path of the ball. It
/// does not run offside.
pub fn position(view: &View, index: usize, base: Vec2, runs: bool) -> Vec2 {
    let game = view.game;
    let delay = view.delay(index);
    let sight = view.sight(delay);
    let me = view.mate(index);
    let designated = view.own_designated();
    let here = me.after(0.1);
    let leader = view.mate(designated).after(0.1);
    let role = view.role(index);
    let mindset = mindset(role);
    let possession = game.fading_possession[view.team];
    let mut field = Field::new(here, 7.0);

    let mut place = base;
    if game.minds.teams[view.team].supporter == Some(index as u8) {
        place.x += (0.3 + 0.7 * mindset) * 12.0;
    } else {
        let lane = if leader.y >= 0.0 { -8.0 } else { 8.0 };
        place.x += mindset
            * mindset.sqrt()
            * 22.0
            * curve(1.0 - ramp((lane - here.y).abs(), 0.0, 30.0), 1.0);
    }
    field.pull(place, 0.7 * (0.3 + 0.7 * ramp((place - here).length(), 0.0, 20.0)));
    if runs {
        field.pull(Vec2::new(HALF_LENGTH, here.y * 0.5), 2.0);
    }

    let care = match role {
        Role::CentreBack | Role::LeftBack | Role::RightBack => 2.2,
        Role::DefensiveMidfield => 2.0,
        Role::CentralMidfield | Role::LeftMidfield | Role::RightMidfield => 1.6,
        Role::AttackingMidfield => 1.2,
        _ => 1.0,
    };
    let (power, scale) = if runs { (0.15 * care, 2.0) } else { (0.3 * care, 5.0) };
    let (opponents, count) =
        view.nearest_few::<3>(view.other(), leader * 0.3 + here + Vec2::new(0.7, -0.7));
    for &opponent in &opponents[..count] {
        let there = sight.figure(view.other(), opponent).after(0.1);
        field.push(there + (there - leader).direction() * 2.0, power, scale, 0.7);
    }
    if possession >= 1.02 {
        let (mates, count) = view.nearest_few::<6>(view.team, here);
        for &mate in mates[..count].iter().filter(|&&mate| mate != index) {
            field.push(sight.figure(view.team, mate).after(0.1), 0.4, 14.0 * 0.75, 1.0);
        }
    }
    if index != designated {
        if possession >= 1.06 {
            for seconds in [0.2, 0.35, 0.5, 0.65] {
                field.push(view.seen_ball(seconds, delay).position, 1.0, 2.0, 0.5);
            }
        }
        field.pull_near(leader, 0.45, 28.0 * 0.75);
        field.push(leader, 0.45, 16.0 * 0.75, 1.0);
    }

    let mut target = here + field.velocity();
    target.x = target.x.min(marking::offside_depth(view, view.other(), delay, 0.24) - 0.08);
    on_pitch(target)
}
