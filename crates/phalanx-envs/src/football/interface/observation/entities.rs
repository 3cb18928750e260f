//! A row for each player, for the ball and for the rest of the game, in metres and relative to the
//! agent's player.

use phalanx_core::env::{Entity, EntityLayout, EntityType, Presence};

use super::super::view::{PlayerView, View};
use super::{MODES, Pen, number, simple115};
use crate::football::engine::pitch::{HALF_LENGTH, HALF_WIDTH, UNIT_X, UNIT_Y};
use crate::football::engine::state::{Role, TEAM_SIZE};

/// The unit of relative positions, in metres.
const NEAR: f32 = 20.0;
/// The units of speeds, in m/s: of players and of the ball.
const RUN: f32 = 8.0;
const SHOT: f32 = 20.0;

const SELF: [&str; 15] = [
    "x",
    "y",
    "velocity x",
    "velocity y",
    "tired",
    "yellow card",
    "owns the ball",
    "keeper",
    "defender",
    "midfielder",
    "forward",
    "held direction x",
    "held direction y",
    "sprint held",
    "dribble held",
];
const PLAYER: [&str; 14] = [
    "on the pitch",
    "relative x",
    "relative y",
    "x",
    "y",
    "velocity x",
    "velocity y",
    "tired",
    "yellow card",
    "owns the ball",
    "keeper",
    "defender",
    "midfielder",
    "forward",
];
const CONTROLLED: &str = "controlled by an agent";
const BALL: [&str; 10] = [
    "relative x",
    "relative y",
    "height",
    "x",
    "y",
    "velocity x",
    "velocity y",
    "velocity z",
    "owned by the own team",
    "owned by the other team",
];
const CONTEXT: [&str; 2] = ["lead in goals / 3, from -1 to 1", "time left / episode limit"];

/// Returns the length of an observation.
pub(super) fn obs_dim(counts: [usize; 2]) -> usize {
    let mates = (counts[0] - 1) * (PLAYER.len() + 1);
    SELF.len() + mates + counts[1] * PLAYER.len() + BALL.len() + CONTEXT.len() + MODES.len()
}

/// Writes an observation: the agent's player, its mates, the opponents, the ball and the context.
pub(super) fn write(view: &View, agent: usize, time_left: f32, obs: &mut [f32]) {
    let mut pen = Pen::new(obs);
    let [ours, theirs] = &view.players;
    let active = view.active[agent].map(usize::from);
    let here = active.map_or([0.0, 0.0], |index| metres(ours[index].position));
    match active {
        Some(index) => {
            let player = &ours[index];
            let [dx, dy] = speed(player.direction);
            let held = |bits: [usize; 3]| number(bits.iter().any(|&bit| view.sticky[agent][bit]));
            pen.write(&share(here));
            pen.write(&[dx / RUN, dy / RUN]);
            pen.write(&condition(player, view.owns(index as u8)));
            pen.write(&[
                held([3, 4, 5]) - held([0, 1, 7]),
                held([5, 6, 7]) - held([1, 2, 3]),
                number(view.sticky[agent][8]),
                number(view.sticky[agent][9]),
            ]);
        }
        None => pen.write(&[0.0; SELF.len()]),
    }
    let mates =
        (0..view.counts[0]).filter(|&index| active.map_or(index > 0, |active| index != active));
    for index in mates {
        write_player(&ours[index], here, view.owns(index as u8), &mut pen);
        let held = view.active.contains(&Some(index as u8)) && ours[index].on_pitch;
        pen.write(&[number(held)]);
    }
    for (index, player) in theirs[..view.counts[1]].iter().enumerate() {
        let owns =
            view.owner.is_some_and(|owner| owner.team == 1 && usize::from(owner.index) == index);
        write_player(player, here, owns, &mut pen);
    }
    let ball = metres(view.ball_place());
    let [dx, dy] = speed([view.ball_direction[0], view.ball_direction[1]]);
    pen.write(&relative(ball, here));
    pen.write(&[view.ball[2]]);
    pen.write(&share(ball));
    pen.write(&[dx / SHOT, dy / SHOT, view.ball_direction[2] * 10.0 / SHOT]);
    pen.write(&[0, 1].map(|team| number(view.owner.is_some_and(|owner| owner.team == team))));
    let lead = view.score[0] as f32 - view.score[1] as f32;
    pen.write(&[(lead / 3.0).clamp(-1.0, 1.0), time_left]);
    pen.one_hot(Some(view.mode as usize), MODES.len());
}

fn write_player(player: &PlayerView, here: [f32; 2], owns: bool, pen: &mut Pen<'_>) {
    if !player.on_pitch {
        return pen.write(&[0.0; PLAYER.len()]);
    }
    let place = metres(player.position);
    let [dx, dy] = speed(player.direction);
    pen.write(&[1.0]);
    pen.write(&relative(place, here));
    pen.write(&share(place));
    pen.write(&[dx / RUN, dy / RUN]);
    pen.write(&condition(player, owns));
}

/// Returns tiredness, card, ownership and the kind of role.
fn condition(player: &PlayerView, owns: bool) -> [f32; 7] {
    let kind = match player.role {
        Role::Goalkeeper => 0,
        Role::CentreBack | Role::LeftBack | Role::RightBack => 1,
        Role::CentreForward => 3,
        _ => 2,
    };
    let is = |role: usize| number(kind == role);
    [player.tired, number(player.yellow_card), number(owns), is(0), is(1), is(2), is(3)]
}

fn metres([x, y]: [f32; 2]) -> [f32; 2] {
    [x * UNIT_X, y * UNIT_Y]
}

/// Returns a velocity in m/s, from one in observed units per step.
fn speed([x, y]: [f32; 2]) -> [f32; 2] {
    [x * UNIT_X * 10.0, y * UNIT_Y * 10.0]
}

fn share([x, y]: [f32; 2]) -> [f32; 2] {
    [x / HALF_LENGTH, y / HALF_WIDTH]
}

fn relative(place: [f32; 2], here: [f32; 2]) -> [f32; 2] {
    [(place[0] - here[0]) / NEAR, (place[1] - here[1]) / NEAR]
}

/// Returns the entities: the agent's player, mates, opponents, the ball and the context. In a full
/// game these are 24 nodes.
pub(super) fn entities(counts: [usize; 2]) -> EntityLayout {
    let types = vec![
        EntityType::new("self", SELF),
        EntityType::new("mate", PLAYER.into_iter().chain([CONTROLLED])),
        EntityType::new("opponent", PLAYER),
        EntityType::new("ball", BALL),
        EntityType::new("context", CONTEXT.into_iter().chain(MODES)),
    ];
    let numbers = [1, counts[0] - 1, counts[1], 1, 1];
    let mut entities = Vec::new();
    let mut first = 0;
    for (kind, number) in numbers.into_iter().enumerate() {
        for _ in 0..number {
            let next = first + types[kind].features.len();
            let (presence, position) = match kind {
                1 | 2 => (Presence::NonZero(first), Some([first + 1, first + 2])),
                3 => (Presence::Always, Some([first, first + 1])),
                _ => (Presence::Always, None),
            };
            let columns = (first..next).collect();
            entities.push(Entity { kind, columns, presence, position, action: None });
            first = next;
        }
    }
    EntityLayout { types, entities, position_scale: [NEAR, NEAR], hidden_targets: false }
}

/// Returns one text per index of an observation.
pub(super) fn describe(counts: [usize; 2]) -> Vec<String> {
    let layout = entities(counts);
    let mut texts = Vec::new();
    for entity in &layout.entities {
        let kind = &layout.types[entity.kind];
        let number = texts_number(&layout, entity);
        texts.extend(
            kind.features.iter().map(|feature| format!("{}{number}: {feature}", kind.name)),
        );
    }
    texts
}

/// Returns the number of an entity in its type, or nothing if it is the only one.
fn texts_number(layout: &EntityLayout, entity: &Entity) -> String {
    let range = layout.of_type(entity.kind);
    if layout.types[entity.kind].name != "mate" && layout.types[entity.kind].name != "opponent" {
        return String::new();
    }
    let number = range.clone().position(|i| layout.entities[i].columns[0] == entity.columns[0]);
    format!(" {}", number.unwrap_or(0))
}

/// Returns the length of the state.
pub(super) fn state_dim(agents: usize) -> usize {
    simple115::state_dim(agents) + 4 * TEAM_SIZE + 10 * agents + 1
}

/// Writes the state: that of `simple115v2`, the ball's owner (one-hot), tiredness, what agents hold
/// and the time left.
pub(super) fn write_state(view: &View, agents: usize, time_left: f32, state: &mut [f32]) {
    let (common, rest) = state.split_at_mut(simple115::state_dim(agents));
    simple115::write_state(view, agents, common);
    let mut pen = Pen::new(rest);
    let owner =
        view.owner.map(|owner| usize::from(owner.team) * TEAM_SIZE + usize::from(owner.index));
    pen.one_hot(owner, 2 * TEAM_SIZE);
    for player in view.players.iter().flatten() {
        pen.write(&[player.tired]);
    }
    for held in &view.sticky[..agents] {
        pen.write(&held.map(number));
    }
    pen.write(&[time_left]);
}

/// Returns one text per index of the state.
pub(super) fn describe_state(agents: usize) -> Vec<String> {
    let mut texts = simple115::describe_state(agents);
    for what in ["owns the ball", "tiredness, from 0 to 1"] {
        for team in ["left", "right"] {
            texts.extend((0..TEAM_SIZE).map(|i| format!("{team} player {i}: {what}")));
        }
    }
    let keys = [
        "left",
        "top left",
        "top",
        "top right",
        "right",
        "bottom right",
        "bottom",
        "bottom left",
        "sprint",
        "dribble",
    ];
    for agent in 0..agents {
        texts.extend(keys.map(|key| format!("agent {agent} holds {key}")));
    }
    texts.push("time left / episode limit".to_owned());
    texts
}
