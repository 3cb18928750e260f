//! The first observations of each scenario.

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::football::engine::pitch::{UNIT_X, UNIT_Y};
use phalanx_envs::football::{Football, FootballArgs, SCENARIOS};
use serde_json::Value;

use super::golden::{number, numbers, text};

/// A scenario at its start, and the players under control after each step.
#[derive(Clone, Debug)]
pub struct Start {
    pub ball: [f64; 2],
    /// Observed positions of both teams.
    pub teams: [Vec<[f64; 2]>; 2],
    pub roles: [Vec<u8>; 2],
    /// The player of each controller, -1 for none, `[step][controller]`; the first row is that of the reset.
    pub active: Vec<Vec<i64>>,
    /// The team of the owner after each step, -1 for none.
    pub owner: Vec<i64>,
}

/// Plays the first steps of the scenario of a recorded start, all idle.
pub fn play(recorded: &Value, seed: u32) -> Option<Start> {
    let name = text(recorded, "scenario");
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name)?;
    let agents = number(recorded, "controllers") as usize;
    let mut env =
        Football::new(scenario, FootballArgs { agents, ..FootballArgs::default() }).ok()?;
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(3, Purpose::Check, seed);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let active = |env: &Football| {
        let controllers = env.game().control.controllers[0].iter().take(agents);
        controllers.map(|controller| controller.player.map_or(-1, i64::from)).collect::<Vec<_>>()
    };
    let game = env.game();
    let observed = |x: f32, y: f32| [f64::from(x / UNIT_X), f64::from(y / UNIT_Y)];
    let team = |team: usize| &game.players[team][..game.counts[team]];
    let mut start = Start {
        ball: observed(game.ball.position.x, game.ball.position.y),
        teams: [0, 1]
            .map(|t| team(t).iter().map(|p| observed(p.position.x, p.position.y)).collect()),
        roles: [0, 1].map(|t| team(t).iter().map(|p| p.role as u8).collect()),
        active: vec![active(&env)],
        owner: Vec::new(),
    };
    let idle = vec![0; agents];
    for _ in 0..recorded["owner"].as_array()?.len() {
        env.step(&idle, &mut rng, rows.at_mut(0).row(&spec, 0));
        start.active.push(active(&env));
        start.owner.push(env.game().owner.map_or(-1, |owner| i64::from(owner.team)));
    }
    Some(start)
}

/// Returns the recorded positions of a team.
pub fn positions(recorded: &Value, key: &str) -> Vec<[f64; 2]> {
    let players = recorded[key].as_array().expect("a list of players").iter();
    players.map(numbers).map(|p| [p[0], p[1]]).collect()
}
