//! Descriptions of all indices, and frames of traces.

use phalanx_core::env::Description;
use serde_json::{Map, Value, json};

use super::actions::NAMES;
use super::football::Football;
use crate::football::engine::state::GameMode;

/// Explains every index of observation, state and action.
pub(super) fn describe(env: &Football) -> Description {
    Description {
        summary: env.scenario.summary.to_owned(),
        obs: env.writer.describe(),
        state: env.writer.describe_state(),
        actions: NAMES[..env.spec.n_actions].iter().map(|&name| name.to_owned()).collect(),
    }
}

/// Returns the ball, its owner, the players, the score and the phase, in metres and in the left
/// team's frame.
pub(super) fn frame(env: &Football) -> Map<String, Value> {
    let game = &env.episode.game;
    let mut players = Vec::new();
    for (team, name) in ["left", "right"].into_iter().enumerate() {
        for (index, player) in game.players[team][..game.counts[team]].iter().enumerate() {
            players.push(json!({
                "team": name,
                "id": index,
                "role": player.role as u8,
                "x": player.position.x,
                "y": player.position.y,
                "vx": player.velocity.x,
                "vy": player.velocity.y,
                "tired": player.tired,
                "yellow_card": player.yellow_cards > 0,
                "on_pitch": player.on_pitch,
                "agent": player.agent,
            }));
        }
    }
    let ball = &game.ball;
    let owner = game.owner.map(|owner| json!([owner.team, owner.index]));
    let sticky: Vec<Value> = env.view.sticky[..env.args.agents]
        .iter()
        .map(|held| held.iter().map(|&held| u8::from(held)).collect())
        .collect();
    let mode = match game.mode {
        GameMode::Normal => "normal",
        GameMode::KickOff => "kick_off",
        GameMode::GoalKick => "goal_kick",
        GameMode::FreeKick => "free_kick",
        GameMode::Corner => "corner",
        GameMode::ThrowIn => "throw_in",
        GameMode::Penalty => "penalty",
    };
    let frame = json!({
        "ball": {
            "x": ball.position.x,
            "y": ball.position.y,
            "z": ball.height,
            "vx": ball.velocity.x,
            "vy": ball.velocity.y,
            "vz": ball.climb,
        },
        "owner": owner,
        "players": players,
        "score": game.score,
        "mode": mode,
        "sticky": sticky,
    });
    match frame {
        Value::Object(frame) => frame,
        _ => Map::new(),
    }
}
