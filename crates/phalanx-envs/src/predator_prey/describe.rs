//! Descriptions of all indices, and frames of traces.

use phalanx_core::env::Description;
use serde_json::{Map, Value, json};

use super::env::PredatorPrey;
use super::state::{STAG, World};

/// Explains every index of observation, state and action.
pub(super) fn describe(env: &PredatorPrey) -> Description {
    let args = env.args();
    let [rows, columns] = args.world_shape;
    let there = |of: &str| format!("1 for {of}, else 0");
    let presence = ["an agent", "a stag", "a hare"].map(there).to_vec();
    let number = |of: &str| format!("1-based number of the {of}, else 0");
    let mut features = if args.observe_ids {
        ["agent", "stag", "hare"].map(number).to_vec()
    } else {
        presence.clone()
    };
    if args.observe_walls && !args.observe_one_hot {
        features[0].push_str(", -1 for a wall");
    }
    if args.observe_one_hot {
        let wall = if args.observe_walls { "1 for a wall, else 0" } else { "always 0" };
        features.push(wall.to_owned());
        features.push("always 0".to_owned());
    }
    let mut state_features = presence;
    state_features.resize(env.writer.features, "always 0".to_owned());

    let cells = |rows: usize,
                 columns: usize,
                 name: &dyn Fn(usize, usize) -> String,
                 features: &[String]| {
        let places = (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)));
        places
            .flat_map(|(row, column)| {
                let place = name(row, column);
                features
                    .iter()
                    .map(move |feature| format!("{place}: {feature}"))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    let absolute = |row: usize, column: usize| format!("row {row}, column {column}");
    let obs = if args.observe_state {
        let mut features = state_features.clone();
        features.push("1 for the agent itself, else 0".to_owned());
        cells(rows, columns, &absolute, &features)
    } else {
        let [down, right] = args.agent_obs.map(|reach| reach as i64);
        let relative = |row: usize, column: usize| {
            format!("offset {:+} down, {:+} right", row as i64 - down, column as i64 - right)
        };
        let [rows, columns] = args.agent_obs.map(|reach| 2 * reach + 1);
        cells(rows, columns, &relative, &features)
    };
    let mut actions: Vec<String> =
        ["right", "down", "left", "up", "stay"].iter().map(|&name| name.to_owned()).collect();
    if args.capture_action {
        actions.push("catch an adjacent prey".to_owned());
    }
    Description {
        summary: PredatorPrey::SUMMARY.to_owned(),
        obs,
        state: cells(rows, columns, &absolute, &state_features),
        actions,
    }
}

/// Returns the positions of agents and prey, and the grid as text.
pub(super) fn frame(world: &World) -> Map<String, Value> {
    let agents: Vec<Value> = (0..world.args.n_agents)
        .map(|agent| {
            let (row, column) = world.grid.place(world.state.agents[agent]);
            json!({"row": row, "column": column, "frozen": world.state.frozen[agent]})
        })
        .collect();
    let prey: Vec<Value> = (0..world.args.n_prey())
        .map(|prey| {
            let (row, column) = world.grid.place(world.state.prey[prey]);
            let kind = if world.kind(prey) == STAG { "stag" } else { "hare" };
            let caught = world.state.caught[prey];
            json!({"kind": kind, "row": row, "column": column, "caught": caught})
        })
        .collect();
    let mut frame = Map::new();
    frame.insert("agents".to_owned(), agents.into());
    frame.insert("prey".to_owned(), prey.into());
    frame.insert("text".to_owned(), text(world).into());
    frame
}

/// Returns one line per row: agents by their number (letters from ten on, then `@`), stags as `S`,
/// hares as `H`, free cells as `.`. Frozen agents that stay on the grid are `#`.
pub(super) fn text(world: &World) -> String {
    let mut text = String::with_capacity((world.grid.columns + 1) * world.grid.rows);
    for cell in 0..world.grid.len() as u32 {
        if cell > 0 && world.grid.place(cell).1 == 0 {
            text.push('\n');
        }
        text.push(match (world.agent_in(cell), world.prey_in(cell)) {
            (Some(agent), _) if world.state.frozen[agent] => '#',
            (Some(agent), _) => char::from_digit(agent as u32, 36).unwrap_or('@'),
            (None, Some(prey)) if world.kind(prey) == STAG => 'S',
            (None, Some(_)) => 'H',
            (None, None) => '.',
        });
    }
    text
}
