//! The original's `simple115v2`, and HARL's state made of it.

use phalanx_core::env::{Entity, EntityLayout, EntityType, Presence};

use super::super::view::View;
use super::{MODES, Pen};
use crate::football::engine::pitch::{UNIT_X, UNIT_Y};
use crate::football::engine::state::TEAM_SIZE;

/// The length of an observation.
pub(super) const LEN: usize = 115;
/// The entries before the one-hot encoding of the agent's player.
const COMMON: usize = 97;
/// The first entries of the left players' positions and directions, and of those of the right
/// players.
const PLAYERS: [[usize; 2]; 2] = [[0, 22], [44, 66]];
/// The first entry of the ball, and of its owner.
const BALL: usize = 88;
const OWNER: usize = 94;
/// What fills the places of missing players.
const MISSING: f32 = -1.0;

/// Returns the length of the state: an observation with the players of all agents.
pub(super) fn state_dim(agents: usize) -> usize {
    LEN + TEAM_SIZE * (agents - 1)
}

/// Writes an observation.
pub(super) fn write(view: &View, agent: usize, obs: &mut [f32]) {
    let mut pen = Pen::new(obs);
    write_common(view, &mut pen);
    pen.one_hot(view.active[agent].map(usize::from), TEAM_SIZE);
    pen.one_hot(Some(view.mode as usize), MODES.len());
}

/// Writes the state.
pub(super) fn write_state(view: &View, agents: usize, state: &mut [f32]) {
    let mut pen = Pen::new(state);
    write_common(view, &mut pen);
    for active in &view.active[..agents] {
        pen.one_hot(active.map(usize::from), TEAM_SIZE);
    }
    pen.one_hot(Some(view.mode as usize), MODES.len());
}

/// Writes players, ball and owner, and returns the pen.
pub(super) fn write_common(view: &View, pen: &mut Pen<'_>) {
    for (players, &count) in view.players.iter().zip(&view.counts) {
        let players = &players[..count];
        write_pairs(pen, players.iter().map(|player| player.position));
        write_pairs(pen, players.iter().map(|player| player.direction));
    }
    pen.write(&view.ball);
    pen.write(&view.ball_direction);
    pen.one_hot(Some(view.owner.map_or(0, |owner| 1 + usize::from(owner.team))), 3);
    debug_assert_eq!(pen.at, COMMON);
}

/// Writes a pair for each player of a team.
fn write_pairs(pen: &mut Pen<'_>, pairs: impl Iterator<Item = [f32; 2]>) {
    let part = &mut pen.out[pen.at..pen.at + 2 * TEAM_SIZE];
    part.fill(MISSING);
    for (place, pair) in part.chunks_exact_mut(2).zip(pairs) {
        place.copy_from_slice(&pair);
    }
    pen.at += 2 * TEAM_SIZE;
}

/// Returns the entities: owner and phase stand for the agent itself, because no entry of its own
/// says where it is; its player is marked among the left ones. All positions are relative to the
/// centre spot.
pub(super) fn entities(counts: [usize; 2]) -> EntityLayout {
    let types = vec![
        EntityType::new(
            "self",
            ["ball is free", "ball is ours", "ball is theirs"].into_iter().chain(MODES),
        ),
        EntityType::new("mate", ["x", "y", "dx", "dy", "controlled by the agent"]),
        EntityType::new("opponent", ["x", "y", "dx", "dy"]),
        EntityType::new("ball", ["x", "y", "z", "dx", "dy", "dz"]),
    ];
    let phase = COMMON + TEAM_SIZE;
    let mut entities = vec![Entity::agent((OWNER..COMMON).chain(phase..LEN).collect())];
    let mut add = |kind: usize, columns: Vec<usize>| {
        let position = Some([columns[0], columns[1]]);
        entities.push(Entity { kind, columns, presence: Presence::Always, position, action: None });
    };
    for team in 0..2 {
        let [places, directions] = PLAYERS[team];
        for index in 0..counts[team] {
            let (place, direction) = (places + 2 * index, directions + 2 * index);
            let mut columns = vec![place, place + 1, direction, direction + 1];
            columns.extend((team == 0).then_some(COMMON + index));
            add(1 + team, columns);
        }
    }
    add(3, (BALL..OWNER).collect());
    EntityLayout { types, entities, position_scale: [UNIT_X, UNIT_Y], hidden_targets: false }
}

/// Returns one text per index of an observation.
pub(super) fn describe() -> Vec<String> {
    let mut texts = describe_common();
    texts.extend((0..TEAM_SIZE).map(|i| format!("the agent controls left player {i}")));
    texts.extend(MODES.map(str::to_owned));
    texts
}

/// Returns one text per index of the state.
pub(super) fn describe_state(agents: usize) -> Vec<String> {
    let mut texts = describe_common();
    for agent in 0..agents {
        texts.extend((0..TEAM_SIZE).map(|i| format!("agent {agent} controls left player {i}")));
    }
    texts.extend(MODES.map(str::to_owned));
    texts
}

/// Returns the texts of players, ball and owner.
pub(super) fn describe_common() -> Vec<String> {
    let mut texts = Vec::with_capacity(LEN);
    for team in ["left", "right"] {
        for what in ["", "velocity "] {
            for i in 0..TEAM_SIZE {
                texts.extend(
                    ["x", "y"]
                        .map(|axis| format!("{team} player {i}: {what}{axis}, -1 if missing")),
                );
            }
        }
    }
    for what in ["", "velocity "] {
        texts.extend(["x", "y", "z"].map(|axis| format!("ball: {what}{axis}")));
    }
    texts.extend(
        ["nobody owns the ball", "the left team does", "the right team does"].map(str::to_owned),
    );
    texts
}
