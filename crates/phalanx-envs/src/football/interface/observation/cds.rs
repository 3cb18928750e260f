//! The observations of CDS (Li et al. 2021), relative to the player of the agent.
//!
//! Agent `i` of `n` observes as the `i`-th of the last `n` left players, whichever player it
//! controls.

use super::super::view::View;
use super::Pen;
use crate::football::scenarios::Scenario;

/// Returns how many opponents are shown: the first three in counterattacks, otherwise all.
pub(super) fn opponents(scenario: &Scenario) -> usize {
    let all = scenario.teams[1].len();
    if scenario.name.starts_with("academy_counterattack") { all.min(3) } else { all }
}

/// Returns the length of an observation.
pub(super) fn obs_dim(agents: usize, opponents: usize) -> usize {
    4 * agents + 4 * opponents + 6
}

/// Returns the length of the state.
pub(super) fn state_dim(agents: usize, opponents: usize) -> usize {
    4 * agents + 4 * opponents + 6
}

/// Writes an observation: own position, mates' positions relative to it, own direction, mates'
/// directions, the opponents' relative positions and directions, and the ball: relative position,
/// height and direction.
pub(super) fn write(view: &View, agents: usize, opponents: usize, agent: usize, obs: &mut [f32]) {
    let [ours, theirs] = &view.players;
    let ours = &ours[view.counts[0] - agents..view.counts[0]];
    let own = ours[agent].position;
    let relative = |at: [f32; 2]| [at[0] - own[0], at[1] - own[1]];
    let mates = || (0..agents).filter(|&mate| mate != agent).map(|mate| &ours[mate]);
    let mut pen = Pen::new(obs);
    pen.write(&own);
    mates().for_each(|mate| pen.write(&relative(mate.position)));
    pen.write(&ours[agent].direction);
    mates().for_each(|mate| pen.write(&mate.direction));
    theirs[..opponents].iter().for_each(|player| pen.write(&relative(player.position)));
    theirs[..opponents].iter().for_each(|player| pen.write(&player.direction));
    pen.write(&relative(view.ball_place()));
    pen.write(&view.ball[2..]);
    pen.write(&view.ball_direction);
}

/// Writes the state: absolute positions and directions of agents and opponents, and the ball.
pub(super) fn write_state(view: &View, agents: usize, opponents: usize, state: &mut [f32]) {
    let [ours, theirs] = &view.players;
    let mut pen = Pen::new(state);
    for players in [&ours[view.counts[0] - agents..view.counts[0]], &theirs[..opponents]] {
        players.iter().for_each(|player| pen.write(&player.position));
        players.iter().for_each(|player| pen.write(&player.direction));
    }
    pen.write(&view.ball);
    pen.write(&view.ball_direction);
}

/// Returns one text per index of an observation.
pub(super) fn describe(agents: usize, opponents: usize, players: usize) -> Vec<String> {
    let first = players - agents;
    let mut texts = Vec::new();
    let mut add = |name: String, what: &str| {
        texts.extend(["x", "y"].map(|axis| format!("{name}: {what} {axis}")))
    };
    let mate = |row: usize| format!("other player {row} from left player {first} on");
    let opponent = |i: usize| format!("right player {i}");
    add("own player".to_owned(), "absolute");
    (0..agents - 1).for_each(|row| add(mate(row), "relative"));
    add("own player".to_owned(), "velocity");
    (0..agents - 1).for_each(|row| add(mate(row), "velocity"));
    (0..opponents).for_each(|i| add(opponent(i), "relative"));
    (0..opponents).for_each(|i| add(opponent(i), "velocity"));
    add("ball".to_owned(), "relative");
    texts.push("ball: z".to_owned());
    texts.extend(["x", "y", "z"].map(|axis| format!("ball: velocity {axis}")));
    texts
}

/// Returns one text per index of the state.
pub(super) fn describe_state(agents: usize, opponents: usize, players: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for (team, range) in [("left", players - agents..players), ("right", 0..opponents)] {
        for what in ["", "velocity "] {
            for i in range.clone() {
                texts.extend(["x", "y"].map(|axis| format!("{team} player {i}: {what}{axis}")));
            }
        }
    }
    for what in ["", "velocity "] {
        texts.extend(["x", "y", "z"].map(|axis| format!("ball: {what}{axis}")));
    }
    texts
}
