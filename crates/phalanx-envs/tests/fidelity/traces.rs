//! Traces of episodes in the format of `tests/football/record_traces.py`, to look at both sides step by step.

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::football::Football;
use phalanx_envs::football::engine::state::PlayerId;
use phalanx_envs::football::engine::vec2::Vec2;
use serde_json::{Value, json};

/// Returns a number rounded to millimetres.
fn short(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

fn pair(v: Vec2) -> [f64; 2] {
    [short(v.x), short(v.y)]
}

fn snapshot(env: &Football, actions: &[u16]) -> Value {
    let game = env.game();
    let ball = &game.ball;
    let team = |team: usize| {
        let players = game.players[team].iter().take(game.counts[team]);
        let rows = players.map(|p| [pair(p.position), pair(p.velocity)].concat());
        rows.collect::<Vec<_>>()
    };
    let owner =
        |id: Option<PlayerId>| id.map_or([-1, -1], |id| [i32::from(id.team), i32::from(id.index)]);
    let controllers = game.control.controllers[0].iter().take(actions.len());
    let bodies =
        game.players.iter().zip(game.counts).flat_map(|(players, count)| &players[..count]);
    let at = [pair(ball.position).to_vec(), vec![short(ball.height)]].concat();
    let velocity = [pair(ball.velocity).to_vec(), vec![short(ball.climb)]].concat();
    let active = controllers.map(|c| c.player.map_or(-1, i32::from)).collect::<Vec<_>>();
    let bodies = bodies.map(|player| format!("{:?}", player.body)).collect::<Vec<_>>().join(" | ");
    json!({
        "actions": actions,
        "ball": at,
        "ball_velocity": velocity,
        "owner": owner(game.owner),
        "mode": game.mode as u8,
        "score": game.score,
        "active": active,
        "designated": game.designated,
        "left": team(0),
        "right": team(1),
        "last_touch": owner(game.last_touch.map(|touch| touch.player)),
        "bodies": bodies,
    })
}

/// Plays an episode of a scripted policy and returns one line for the start and for each step.
pub fn trace(mut env: Football, policy: usize, seed: u32) -> Vec<Value> {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(4, Purpose::Check, seed);
    let mut choices = Rng::stream(4, Purpose::ScriptedPolicy, seed);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let mut actions = vec![0; spec.n_agents()];
    let mut lines = vec![snapshot(&env, &actions)];
    let mut over = false;
    while !over {
        env.scripted_actions(policy, &rows.avail, &mut choices, &mut actions);
        over = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0)).status.is_over();
        lines.push(snapshot(&env, &actions));
    }
    lines
}
