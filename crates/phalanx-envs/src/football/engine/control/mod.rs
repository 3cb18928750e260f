//! The commands of players that agents control.
//!
//! A [`Controller`] is what the original calls a keyboard: an agent's direction, sprint and dribble
//! stay pressed until released, while the buttons of passes, shots and slides are pressed for one
//! step.
//!
//! - `switching` decides which player a controller holds.
//! - `buttons` turns the buttons into kicks and slides.
//! - `movement` turns the direction into running, with the pull towards the ball.

mod buttons;
mod movement;
mod switching;

use serde::{Deserialize, Serialize};

pub use switching::{hand_over, let_go, may_switch, release};

use super::Match;
use super::state::{Command, Kick, PlayerId, TEAM_SIZE};
use super::vec2::Vec2;
use crate::math::pow;

/// The frames after a switch in which the player's own movement is mixed into the agent's.
const BLEND_FRAMES: f32 = 30.0;

/// A key that an agent presses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    /// Nothing: what is held stays held.
    Idle,
    /// Holds a direction: each part is -1, 0 or 1. Zero releases it.
    Direction([i8; 2]),
    /// Holds or releases sprint.
    Sprint(bool),
    /// Holds or releases dribble.
    Dribble(bool),
    /// Presses the button of a kick for one step.
    Kick(Kick),
    /// Presses the button of a slide for one step.
    Slide,
    /// Leaves the player to the built-in rules until another key is pressed, and releases
    /// everything.
    Builtin,
}

/// A button that is pressed in a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Button {
    Kick(Kick),
    Slide,
}

/// An agent's controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Controller {
    /// The player that it controls.
    pub player: Option<u8>,
    /// The direction that is held: each part is -1, 0 or 1.
    pub direction: [i8; 2],
    /// Whether sprint is held.
    pub sprint: bool,
    /// Whether dribble is held.
    pub dribble: bool,
    /// Whether the built-in rules play.
    pub builtin: bool,
    /// The button that is pressed in this step.
    button: Option<Button>,
    /// The button whose action is under way.
    pending: Option<Button>,
    /// How long the pending button has been pressed, in milliseconds.
    gauge: u16,
    /// How long ago it was released, in milliseconds.
    released: u16,
    /// The frame in which it took its player.
    switched: Option<u32>,
    /// Whether a key was pressed, or another player taken, since the last command.
    fresh: bool,
}

/// What the agents' controllers remember between frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The controllers, `[team][agent]`.
    pub controllers: [[Controller; TEAM_SIZE]; 2],
    /// The number of controllers of each team.
    pub counts: [usize; 2],
    /// The player of each team that was chosen last: the holder of the ball, or the target of a
    /// pass.
    pub selected: [Option<u8>; 2],
    /// Whether controllers keep their players.
    pub fixed: bool,
    /// The controllers of each team, the least recently switched first.
    turns: [[u8; TEAM_SIZE]; 2],
}

impl Control {
    /// Makes the controllers of both teams; `players` lists the players that they hold first.
    fn new(players: [&[u8]; 2], fixed: bool) -> Self {
        let mut control = Self { fixed, counts: players.map(<[u8]>::len), ..Self::default() };
        for (team, players) in players.into_iter().enumerate() {
            for (agent, &player) in players.iter().enumerate() {
                let first = &mut control.controllers[team][agent];
                *first =
                    Controller { player: Some(player), builtin: true, ..Controller::default() };
                control.turns[team][agent] = agent as u8;
            }
        }
        control
    }
}

impl Controller {
    /// Presses a key.
    fn press(&mut self, key: Key) {
        self.builtin = false;
        self.fresh = true;
        match key {
            Key::Idle => {}
            Key::Direction(direction) => self.direction = direction,
            Key::Sprint(held) => self.sprint = held,
            Key::Dribble(held) => self.dribble = held,
            Key::Kick(kick) => self.button = Some(Button::Kick(kick)),
            Key::Slide => self.button = Some(Button::Slide),
            Key::Builtin => {
                let Self { player, switched, .. } = *self;
                *self = Self { player, switched, builtin: true, ..Self::default() };
            }
        }
    }

    /// Releases the buttons that are pressed for one step.
    fn end_step(&mut self) {
        self.button = None;
    }

    /// Returns what is held, as 0 or 1: left, top left, top, …, bottom left (clockwise), sprint and
    /// dribble.
    pub fn sticky(&self) -> [bool; 10] {
        const DIRECTIONS: [[i8; 2]; 8] =
            [[-1, 0], [-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1]];
        let mut held = [false; 10];
        for (held, direction) in held.iter_mut().zip(DIRECTIONS) {
            *held = self.direction == direction;
        }
        held[8] = self.sprint;
        held[9] = self.dribble;
        held
    }

    /// Forgets the pending action.
    fn forget(&mut self) {
        self.pending = None;
        self.gauge = 0;
        self.released = 0;
    }
}

/// Hands the controllers of both teams to a match that begins.
pub fn begin(game: &mut Match, players: [&[u8]; 2], fixed: bool) {
    game.control = Control::new(players, fixed);
    for team in 0..2 {
        switching::tell_players(game, team);
    }
}

/// Presses one key per controller of a team, `[agent]`.
pub fn press(game: &mut Match, team: usize, keys: impl Iterator<Item = Key>) {
    for (controller, key) in game.control.controllers[team].iter_mut().zip(keys) {
        controller.press(key);
    }
    switching::tell_players(game, team);
}

/// Releases the buttons that are pressed for one step.
pub fn end_step(game: &mut Match) {
    for controller in game.control.controllers.iter_mut().flatten() {
        controller.end_step();
    }
}

/// Fills the commands of the players that agents control.
pub fn command(game: &mut Match) {
    for team in 0..2 {
        if game.control.counts[team] == 0 {
            continue;
        }
        switching::update(game, team);
        for agent in 0..game.control.counts[team] {
            let controller = &game.control.controllers[team][agent];
            let Some(index) = controller.player.filter(|_| !controller.builtin) else { continue };
            let id = PlayerId { team: team as u8, index };
            if !game.player(id).on_pitch {
                continue;
            }
            let due = controller.fresh || is_due(game, id);
            if due || controller.button.is_some() || controller.pending.is_some() {
                command_one(game, id, agent, due);
            }
        }
    }
}

/// Fills the command of one player. Movement is decided anew after a key and as often as the body
/// obeys, buttons count every frame.
fn command_one(game: &mut Match, id: PlayerId, agent: usize, due: bool) {
    let mut controller = game.control.controllers[usize::from(id.team)][agent];
    buttons::process(game, id, &mut controller);
    if due || controller.pending.is_some() {
        let wish = due.then(|| Wish::of(game, id, &controller));
        let mut command = match wish {
            Some(wish) => movement::command(game, id, &controller, wish),
            None => Command { kick: None, slide: false, ..game.player(id).command },
        };
        buttons::request(game, id, wish, &mut controller, &mut command);
        game.player_mut(id).command = command;
    }
    controller.fresh = false;
    game.control.controllers[usize::from(id.team)][agent] = controller;
}

/// Returns whether a body obeys a new command in this frame: every 2 to 10 frames, the more often
/// the more it has to do with the ball.
fn is_due(game: &Match, id: PlayerId) -> bool {
    let squared_distance = (game.player(id).position - game.ball.position).length_squared();
    let frame = game.frame + u32::from(id.index);
    match () {
        () if game.main == id && squared_distance < 9.0 => frame.is_multiple_of(2),
        () if game.main == id => frame.is_multiple_of(3),
        () if game.designated[usize::from(id.team)] == id.index => frame.is_multiple_of(4),
        () if squared_distance < 25.0 => frame.is_multiple_of(5),
        () if squared_distance < 100.0 => frame.is_multiple_of(8),
        () => frame.is_multiple_of(10),
    }
}

/// The movement that an agent asks for: the held direction (or the one in which the player looks)
/// and the speed of the held keys, mixed with the player's movement after a switch.
#[derive(Clone, Copy)]
struct Wish {
    direction: Vec2,
    speed: f32,
    /// What is left of the time of mixing after a switch, from 1 to 0.
    blend: f32,
}

impl Wish {
    fn of(game: &Match, id: PlayerId, controller: &Controller) -> Self {
        let player = game.player(id);
        let side = Match::attack(usize::from(id.team));
        let [x, y] = controller.direction.map(f32::from);
        let mut held = Vec2::new(x * side, y * side);
        // Outside the pitch, nothing leads further out.
        for (held, position, edge) in [
            (&mut held.x, player.position.x, super::pitch::HALF_LENGTH),
            (&mut held.y, player.position.y, super::pitch::HALF_WIDTH),
        ] {
            if position > edge {
                *held = held.min(0.0);
            } else if position < -edge {
                *held = held.max(0.0);
            }
        }
        let (mut direction, mut speed) = if held == Vec2::ZERO {
            (player.facing, 0.0)
        } else if controller.sprint {
            (held.direction(), 8.0)
        } else if controller.dribble {
            (held.direction(), 3.5)
        } else {
            (held.direction(), 5.0)
        };
        let blend = match controller.switched {
            Some(frame) if game.in_play() => {
                1.0 - ((game.frame - frame) as f32 / BLEND_FRAMES).min(1.0)
            }
            _ => 0.0,
        };
        if blend > 0.0 {
            let share = 0.5 * pow(blend, 0.7);
            let own = player.facing * player.velocity.length();
            let mixed = own * share + direction * (speed * (1.0 - share));
            direction = mixed.direction_or(direction);
            speed = mixed.length();
        }
        Self { direction, speed, blend }
    }

    fn velocity(self) -> Vec2 {
        self.direction * self.speed
    }
}

/// Returns how much of the ball a player has against the other team: `(their time + 0.2) / (its
/// time + 0.2)`.
fn possession(game: &Match, id: PlayerId) -> f32 {
    (game.team_time_to_ball[1 - usize::from(id.team)] + 0.2) / (game.player(id).time_to_ball + 0.2)
}
