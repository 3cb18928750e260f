//! Descriptions of all indices, and frames of traces.

use phalanx_core::env::Description;
use serde_json::{Map, Value, json};

use super::actions::NAMES;
use super::football::Football;
use crate::football::engine::Match;
use crate::football::engine::pitch::{HALF_LENGTH, HALF_WIDTH};
use crate::football::engine::state::GameMode;
use crate::football::engine::vec2::Vec2;

/// The size of a pitch drawn as text.
const ROWS: usize = 19;
const COLUMNS: usize = 57;

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
        "designated": game.control.selected,
        "score": game.score,
        "mode": mode,
        "sticky": sticky,
        "text": text(game),
    });
    match frame {
        Value::Object(frame) => frame,
        _ => Map::new(),
    }
}

/// Draws the pitch: left players as digits (the eleventh is `a`), right ones as letters from `A` on,
/// and the ball as `o`.
pub(super) fn text(game: &Match) -> String {
    let mut cells = [[' '; COLUMNS]; ROWS];
    let mut draw = |at: Vec2, mark: char| {
        let place = |share: f32, cells: usize| {
            ((share + 1.0) * 0.5 * (cells - 1) as f32).round().clamp(0.0, (cells - 1) as f32)
                as usize
        };
        cells[place(at.y / HALF_WIDTH, ROWS)][place(at.x / HALF_LENGTH, COLUMNS)] = mark;
    };
    for y in [-1.0, 0.0, 1.0] {
        draw(Vec2::new(0.0, y * HALF_WIDTH), '.');
    }
    for team in 0..2 {
        for (index, player) in game.players[team][..game.counts[team]].iter().enumerate() {
            let mark = if team == 0 {
                char::from_digit(index as u32, 16)
            } else {
                char::from_u32('A' as u32 + index as u32)
            };
            if let (true, Some(mark)) = (player.on_pitch, mark) {
                draw(player.position, mark);
            }
        }
    }
    draw(game.ball.position, 'o');
    let rows = cells.iter().map(|row| row.iter().collect::<String>());
    rows.collect::<Vec<_>>().join("\n")
}
