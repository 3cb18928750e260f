//! Restarts: where the ball and the players are when play goes on.

use super::super::ai::formation::TeamBox;
use super::super::control;
use super::super::Match;
use super::super::pitch::{HALF_LENGTH, HALF_WIDTH};
use super::super::player::{Body, Player};
use super::super::state::{GameMode, PlayerId, Role};
use super::super::vec2::Vec2;
use super::{Restart, left_kicks_off};

/// The distance that opponents keep from the ball.
const DISTANCE: f32 = 9.15;

/// Puts the ball and everybody in place.
pub(super) fn arrange(game: &mut Match, restart: Restart) {
    let mode = restart.mode;
    game.place_ball(restart.position);
    game.holder = None;
    game.owner = None;
    game.last_touch = None;
    game.last_touch_of = [None; 2];
    game.best_team = None;
    game.mode = if mode == GameMode::KickOff { GameMode::Normal } else { mode };
    game.referee.taker = None;
    for team in 0..2 {
        let takes = team == restart.team;
        game.fading_possession[team] = if takes { 1.5 } else { 0.5 };
        for index in 0..game.counts[team] {
            if game.players[team][index].on_pitch {
                let place = place(game, team, index, &restart);
                game.players[team][index].stand(place, restart.position);
            }
        }
        if !takes && mode == GameMode::FreeKick {
            build_wall(game, team, restart.position);
        }
    }
    forget_controllers(game);
    if mode != GameMode::KickOff {
        place_taker(game, &restart);
    }
}

impl Player {
    /// Stands still at a place and looks at another.
    fn stand(&mut self, position: Vec2, focus: Vec2) {
        self.position = position;
        self.velocity = Vec2::ZERO;
        self.obeyed = Vec2::ZERO;
        self.facing = (focus - position).direction_or(self.facing);
        self.body = Body::Free;
        self.latency = 0;
        self.command = Default::default();
        self.has_possession = false;
        self.possession_frames = 0;
        self.last_touch = None;
        self.time_to_ball = 1.0;
        self.optimistic_time_to_ball = 1.0;
    }
}

/// Returns where a player stands at a restart.
fn place(game: &Match, team: usize, index: usize, restart: &Restart) -> Vec2 {
    let attack = Match::attack(team);
    let takes = team == restart.team;
    if restart.mode == GameMode::KickOff {
        // The team that kicks off takes the line-up of the one that did so first.
        let starter = usize::from(!left_kicks_off(game));
        let exchange = restart.team != starter && game.setup.counts[0] == game.setup.counts[1];
        let from = if exchange { 1 - team } else { team };
        let start = game.setup.players[from][index].position;
        return if exchange { -start } else { start };
    }
    let player = &game.players[team][index];
    if player.role == Role::Goalkeeper {
        return Vec2::new(-HALF_LENGTH * attack * 0.98, 0.0);
    }
    // Boxes are in the team's own frame.
    let ball = restart.position * attack;
    let mut position = team_box(restart.mode, takes, ball).position(player.formation);
    match restart.mode {
        GameMode::FreeKick if !takes && position.distance(ball) < DISTANCE => {
            position = ball + (position - ball).direction() * DISTANCE;
        }
        GameMode::Penalty => {
            let (side, edge) = (ball.x.signum(), HALF_LENGTH - 17.0);
            if position.x * side > edge {
                position.x = edge * side;
            }
            let arc = DISTANCE + 0.5;
            if position.distance(ball) < arc {
                position = ball + (position - ball).direction() * arc;
            }
        }
        _ => {}
    }
    position * attack
}

/// Returns the box in which a team stands at a restart, in the team's own frame; `ball` is too.
fn team_box(mode: GameMode, takes: bool, ball: Vec2) -> TeamBox {
    let on_pitch = |x: f32| x.clamp(-HALF_LENGTH, HALF_LENGTH);
    let high = |share: f32| (-HALF_WIDTH * share, HALF_WIDTH * share);
    match mode {
        GameMode::GoalKick => {
            let (back, front) = if takes { (0.5, 0.2) } else { (0.4, 0.1) };
            let (low, high) = high(0.7);
            let (back, front) = (-HALF_LENGTH * back, HALF_LENGTH * front);
            TeamBox { back, front, low, high, ..TeamBox::default() }
        }
        GameMode::Corner => {
            let (low, high) = high(0.6);
            let action = Vec2::new(ball.x * 0.95, ball.y * 0.1);
            let (back, front, x_focus, y_strength, midfield) = if takes {
                let front = HALF_LENGTH * 0.96;
                (HALF_LENGTH * 0.2, front, [front * 0.85, 0.7], 0.7, [0.9, 0.5])
            } else {
                let back = -HALF_LENGTH * 0.98;
                (back, -HALF_LENGTH * 0.5, [back * 0.94, 0.8], 0.9, [0.1, 0.7])
            };
            let y_focus = [ball.y * 0.1, y_strength];
            TeamBox { back, front, low, high, x_focus, y_focus, action, action_strength: 0.9, midfield }
        }
        GameMode::ThrowIn => {
            let back = on_pitch(ball.x - 30.0);
            let (front, x_focus, y_focus) = if takes {
                (ball.x + 20.0, [on_pitch(ball.x + 4.0), 0.4], [ball.y * 0.996, 0.6])
            } else {
                (ball.x + 15.0, [on_pitch(ball.x - 16.0), 0.2], [ball.y * 0.95, 0.5])
            };
            TeamBox {
                back,
                front: on_pitch(front),
                low: -HALF_WIDTH * 0.75 + ball.y * 0.25,
                high: HALF_WIDTH * 0.75 + ball.y * 0.25,
                x_focus,
                y_focus,
                action: ball,
                action_strength: 0.7,
                midfield: [0.0, 0.0],
            }
        }
        GameMode::FreeKick => {
            let (low, high) = high(0.7);
            // 0 next to the own goal, 1 next to the other one.
            let far = (ball.x / HALF_LENGTH).clamp(-1.0, 1.0) * 0.5 + 0.5;
            let (back, front, x_focus, y_focus) = if takes {
                let (back, front) = (-0.7 + far * 0.7, 0.3 + far * 0.7);
                let strength = far * 0.2;
                (back, front, [ball.x + 10.0, 0.5 + strength], [ball.y * 0.4, 0.6 + strength])
            } else {
                let (back, front) = (-1.0 + far * 0.6, -0.5 + far * 0.8);
                let strength = far * 0.4;
                (back, front, [ball.x - 20.0, 0.6 - strength], [ball.y * 0.2, 0.8 - strength])
            };
            TeamBox {
                back: on_pitch(HALF_LENGTH * back),
                front: on_pitch(HALF_LENGTH * front),
                low,
                high,
                x_focus: [on_pitch(x_focus[0]), x_focus[1]],
                y_focus,
                action: ball,
                action_strength: 0.4,
                midfield: [0.0, 0.0],
            }
        }
        _ => {
            let (low, high) = high(0.8);
            let (back, front, x_strength, y_strength) = if takes {
                (ball.x - 50.0, ball.x + 10.0, 0.6, 0.8)
            } else {
                (ball.x - 11.0, ball.x + 20.0, 1.0, 1.0)
            };
            TeamBox {
                back: on_pitch(back),
                front: on_pitch(front),
                low,
                high,
                x_focus: [ball.x, x_strength],
                y_focus: [0.0, y_strength],
                ..TeamBox::default()
            }
        }
    }
}

/// Returns the players of a team by their distance to a place, at most three; keepers too.
fn nearest(game: &Match, team: usize, place: Vec2) -> impl Iterator<Item = usize> + use<> {
    let mut found: [Option<(f32, usize)>; 3] = [None; 3];
    for (index, player) in game.players[team][..game.counts[team]].iter().enumerate() {
        if player.on_pitch {
            let mut candidate = Some((player.position.distance(place), index));
            for slot in &mut found {
                let nearer = match (*slot, candidate) {
                    (Some((old, _)), Some((new, _))) => new < old,
                    (None, candidate) => candidate.is_some(),
                    _ => false,
                };
                if nearer {
                    std::mem::swap(slot, &mut candidate);
                }
            }
        }
    }
    found.into_iter().flatten().map(|(_, index)| index)
}

/// Lines up three players of the defending team between the ball and their goal, if it is nearer than 40 m.
fn build_wall(game: &mut Match, team: usize, ball: Vec2) {
    let goal = Vec2::new(-HALF_LENGTH * Match::attack(team), 0.0);
    if ball.distance(goal) >= 40.0 {
        return;
    }
    let to_goal = (goal - ball).direction();
    for (number, index) in nearest(game, team, ball).enumerate() {
        let beside = Vec2::new(0.0, (number as f32 - 1.0) * 0.07);
        let place = ball + (to_goal + beside).direction() * DISTANCE;
        game.players[team][index].stand(place, ball);
    }
}

/// Lets the nearest player take the restart.
fn place_taker(game: &mut Match, restart: &Restart) {
    let (team, ball) = (restart.team, restart.position);
    let Some(index) = nearest(game, team, ball).next() else { return };
    let attack = Match::attack(team);
    let outwards = ball.direction_or(Vec2::new(0.0, attack));
    let away = match restart.mode {
        GameMode::ThrowIn => outwards * 0.3,
        GameMode::FreeKick => Vec2::new(-attack * 2.3, 0.0),
        GameMode::Penalty => Vec2::new(-attack * 3.0, 0.0),
        _ => outwards * 2.3,
    };
    game.players[team][index].stand(ball + away, ball);
    let id = PlayerId { team: team as u8, index: index as u8 };
    game.referee.taker = Some(id);
    game.designated[team] = id.index;
    game.main = id;
    if restart.mode == GameMode::ThrowIn {
        game.holder = Some(id);
    }
}

/// Takes their players from controllers that may switch, so that they choose anew.
fn forget_controllers(game: &mut Match) {
    for team in 0..2 {
        if control::may_switch(game, team) {
            for agent in 0..game.control.counts[team] {
                game.control.controllers[team][agent].player = None;
            }
            for player in &mut game.players[team] {
                player.agent = None;
                player.builtin = false;
            }
            game.control.selected[team] = None;
        }
    }
}
