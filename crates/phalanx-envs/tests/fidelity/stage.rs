//! Plays small scenes: who stands where, what an agent presses, and what happens in every frame.

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::football::engine::Match;
use phalanx_envs::football::engine::control::{self, Key};
use phalanx_envs::football::engine::pitch::FRAMES_PER_STEP;
use phalanx_envs::football::engine::state::{GameMode, Kick, Role};
use phalanx_envs::football::{Football, FootballArgs, Placed, Scenario};
use serde_json::Value;

use super::golden::{list, number, numbers};

pub const IDLE: u16 = 0;
pub const RIGHT: u16 = 5;
pub const LONG_PASS: u16 = 9;
pub const HIGH_PASS: u16 = 10;
pub const SHORT_PASS: u16 = 11;
pub const SHOT: u16 = 12;
pub const SPRINT: u16 = 13;
pub const DRIBBLE: u16 = 17;
/// The direction actions by angle in steps of 45 degrees, from the right over the bottom.
pub const BY_ANGLE: [u16; 8] = [5, 6, 7, 8, 1, 2, 3, 4];

/// Returns the keys of a gait, the last one the direction.
pub fn gait(name: &str) -> &'static [u16] {
    match name {
        "walk" => &[RIGHT],
        "sprint" => &[SPRINT, RIGHT],
        "dribble" => &[DRIBBLE, RIGHT],
        _ => &[],
    }
}

/// Returns the button of a kick.
pub fn button(kind: &str) -> u16 {
    match kind {
        "short_pass" => SHORT_PASS,
        "long_pass" => LONG_PASS,
        "high_pass" => HIGH_PASS,
        _ => SHOT,
    }
}

fn key(action: u16) -> Key {
    const DIRECTIONS: [[i8; 2]; 8] =
        [[-1, 0], [-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1]];
    match action {
        1..=8 => Key::Direction(DIRECTIONS[usize::from(action) - 1]),
        LONG_PASS => Key::Kick(Kick::LongPass),
        HIGH_PASS => Key::Kick(Kick::HighPass),
        SHORT_PASS => Key::Kick(Kick::ShortPass),
        SHOT => Key::Kick(Kick::Shot),
        SPRINT => Key::Sprint(true),
        14 => Key::Direction([0, 0]),
        DRIBBLE => Key::Dribble(true),
        _ => Key::Idle,
    }
}

/// Returns a player of a scene: role, coordinates of scenario files, and whether it never acts.
pub fn placed(role: Role, x: f64, y: f64, lazy: bool) -> Placed {
    Placed { at: [x as f32, y as f32], role, lazy, controllable: true }
}

/// A scene: the ball, both teams, the number of controllers and the right team's difficulty.
#[derive(Clone, Debug)]
pub struct Scene {
    pub ball: [f64; 2],
    pub left: Vec<Placed>,
    pub right: Vec<Placed>,
    pub controllers: usize,
    pub difficulty: f64,
}

impl Scene {
    /// Reads the scene of a golden file.
    pub fn read(value: &Value) -> Self {
        let team = |key| {
            let players = list(value, key).iter();
            players
                .map(|player| {
                    let at = |i: usize| player[i].as_f64().expect("a coordinate");
                    let role = match player[0].as_str() {
                        Some("GK") => Role::Goalkeeper,
                        Some("CB") => Role::CentreBack,
                        Some("CM") => Role::CentralMidfield,
                        other => panic!("unknown role {other:?}"),
                    };
                    placed(role, at(1), at(2), player[3] == true)
                })
                .collect::<Vec<_>>()
        };
        let ball = numbers(&value["ball"]);
        Self {
            ball: [ball[0], ball[1]],
            left: team("left"),
            right: team("right"),
            controllers: number(value, "controllers") as usize,
            difficulty: number(value, "right_difficulty"),
        }
    }

    /// Returns the environment of the scene; it lives as long as the program.
    pub fn env(&self) -> Football {
        let scenario = Box::leak(Box::new(Scenario {
            name: "scene",
            summary: "A scene for measurements.",
            ball: self.ball.map(|c| c as f32),
            teams: [&*self.left.clone().leak(), &*self.right.clone().leak()],
            duration: 100_000,
            second_half: None,
            difficulty: [1.0, self.difficulty as f32],
            offsides: false,
            end_on_score: true,
            end_on_out_of_play: true,
            end_on_possession_change: false,
            alternates: false,
            agents: self.controllers,
            attackers: self.controllers,
        }));
        Football::new(scenario, FootballArgs::default()).expect("the scene is valid")
    }
}

/// A match of a scene that is played key by key.
pub struct Stage {
    env: Football,
    rows: StepRows,
    /// The match.
    pub game: Match,
    rng: Rng,
}

impl Stage {
    /// Creates the stage; call [`Self::reset`] before anything else.
    pub fn new(scene: &Scene) -> Self {
        let env = scene.env();
        let rows = StepRows::new(env.spec(), 1, 1);
        let game = *env.game();
        Self { env, rows, game, rng: Rng::stream(0, Purpose::Check, 0) }
    }

    /// Starts the episode of a seed.
    pub fn reset(&mut self, seed: u32) {
        self.rng = Rng::stream(1, Purpose::Check, seed);
        let spec = self.env.spec().clone();
        self.env.reset(&mut self.rng, self.rows.at_mut(0).row(&spec, 0));
        self.game = *self.env.game();
    }

    /// Plays a step and calls `each` after every frame. Returns whether the ball is out of play or in a goal.
    pub fn watch(&mut self, actions: &[u16], mut each: impl FnMut(&Match)) -> bool {
        control::press(&mut self.game, 0, actions.iter().map(|&action| key(action)));
        for _ in 0..FRAMES_PER_STEP {
            self.game.frame(&mut self.rng);
            each(&self.game);
        }
        control::end_step(&mut self.game);
        self.is_over()
    }

    /// Plays a step in which the controller of player 1 presses a key and the others nothing; `each` sees its frames.
    pub fn act(&mut self, action: u16, each: impl FnMut(&Match)) -> bool {
        let mut actions = vec![IDLE; self.env.spec().n_agents()];
        let attacker = usize::from(actions.len() > 1);
        actions[attacker] = action;
        self.watch(&actions, each)
    }

    /// Plays a step in which every controller presses the same key.
    pub fn step(&mut self, action: u16) -> bool {
        let actions = vec![action; self.env.spec().n_agents()];
        self.watch(&actions, |_| ())
    }

    /// Presses the same key in several steps.
    pub fn steps(&mut self, action: u16, steps: usize) {
        for _ in 0..steps {
            self.step(action);
        }
    }

    /// Presses the keys of a gait, then waits.
    pub fn approach(&mut self, seed: u32, name: &str, run_up: usize) -> bool {
        self.reset(seed);
        gait(name).iter().chain(&vec![IDLE; run_up]).any(|&action| self.act(action, |_| ()))
    }

    /// Returns whether the ball is out of play or in a goal.
    pub fn is_over(&self) -> bool {
        self.game.mode != GameMode::Normal || self.game.score != [0, 0]
    }
}

/// Returns the speed of the ball in the plane.
pub fn ball_speed(game: &Match) -> f64 {
    f64::from(game.ball.velocity.length())
}

/// Returns the speed of a left player.
pub fn speed(game: &Match, index: usize) -> f64 {
    f64::from(game.players[0][index].velocity.length())
}
