//! What the numbers mean, and what a trace shows.

use phalanx_core::env::Description;
use serde_json::{Map, Value, json};

use super::env::PredatorPrey;
use super::hunt::{Hunt, STAG};

/// Explains every index of observation, state and action.
pub(super) fn describe(env: &PredatorPrey) -> Description {
    let args = env.args();
    let [rows, columns] = args.world_shape;
    let there = |of: &str| format!("1 where there is {of}, else 0");
    let presence = ["an agent", "a stag", "a hare"].map(there).to_vec();
    let number = |of: &str| format!("the number of the {of} there, counted from 1; else 0");
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
    state_features.resize(env.observer.features, "always 0".to_owned());

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
        features.push("1 where the agent itself is, else 0".to_owned());
        cells(rows, columns, &absolute, &features)
    } else {
        let [down, right] = args.agent_obs.map(|reach| reach as i64);
        let relative = |row: usize, column: usize| {
            format!("{:+} down, {:+} right", row as i64 - down, column as i64 - right)
        };
        let [rows, columns] = args.agent_obs.map(|reach| 2 * reach + 1);
        cells(rows, columns, &relative, &features)
    };
    let mut actions: Vec<String> =
        ["right", "down", "left", "up", "stay"].iter().map(|&name| name.to_owned()).collect();
    if args.capture_action {
        actions.push("catch: try to catch the prey beside the agent".to_owned());
    }
    Description {
        summary: PredatorPrey::SUMMARY.to_owned(),
        obs,
        state: cells(rows, columns, &absolute, &state_features),
        actions,
    }
}

/// Where everybody is, and the grid as text.
pub(super) fn frame(hunt: &Hunt) -> Map<String, Value> {
    let agents: Vec<Value> = (0..hunt.args.n_agents)
        .map(|agent| {
            let (row, column) = hunt.grid.place(hunt.population.agents[agent]);
            json!({"row": row, "column": column, "frozen": hunt.population.frozen[agent]})
        })
        .collect();
    let prey: Vec<Value> = (0..hunt.args.n_prey())
        .map(|prey| {
            let (row, column) = hunt.grid.place(hunt.population.prey[prey]);
            let kind = if hunt.kind(prey) == STAG { "stag" } else { "hare" };
            let caught = hunt.population.caught[prey];
            json!({"kind": kind, "row": row, "column": column, "caught": caught})
        })
        .collect();
    let mut frame = Map::new();
    frame.insert("agents".to_owned(), agents.into());
    frame.insert("prey".to_owned(), prey.into());
    frame.insert("text".to_owned(), text(hunt).into());
    frame
}

/// One line per row: agents by their number (letters from ten on, `@` when these run out), stags as
/// `S`, hares as `H`, free cells as `.`. Frozen agents are gone, or `#` where they stand in the way.
pub(super) fn text(hunt: &Hunt) -> String {
    let mut text = String::with_capacity((hunt.grid.columns + 1) * hunt.grid.rows);
    for cell in 0..hunt.grid.len() as u32 {
        if cell > 0 && hunt.grid.place(cell).1 == 0 {
            text.push('\n');
        }
        text.push(match (hunt.agent_in(cell), hunt.prey_in(cell)) {
            (Some(agent), _) if hunt.population.frozen[agent] => '#',
            (Some(agent), _) => char::from_digit(agent as u32, 36).unwrap_or('@'),
            (None, Some(prey)) if hunt.kind(prey) == STAG => 'S',
            (None, Some(_)) => 'H',
            (None, None) => '.',
        });
    }
    text
}
