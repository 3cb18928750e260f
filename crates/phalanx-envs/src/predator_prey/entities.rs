//! The entities of an observation: the cells around the agent.

use phalanx_core::env::{Entity, EntityLayout, EntityType, Presence};

use super::args::PredatorPreyArgs;

/// Returns the cells of the window as entities; the agent itself is the cell in the middle.
///
/// A cell matters because of its place, and no two cells have the same, so every cell has a type of its own:
/// nothing is permuted, and an encoder learns weights for every place. Empty cells are absent. There is no
/// layout for observations of the whole grid, in which the agent has no fixed place.
pub(super) fn entities(args: &PredatorPreyArgs, features: usize) -> Option<EntityLayout> {
    if args.observe_state {
        return None;
    }
    let [down, right] = args.agent_obs.map(|reach| reach as i64);
    let cells = (-down..=down).flat_map(|row| (-right..=right).map(move |column| [row, column]));
    let columns = |cell: usize| (cell * features..(cell + 1) * features).collect();
    let own = 2 * args.agent_obs[0] * args.agent_obs[1] + args.agent_obs[0] + args.agent_obs[1];
    let mut layout = EntityLayout {
        types: vec![EntityType::new("self", names(args, features))],
        entities: vec![Entity::agent(columns(own))],
        position_scale: [1.0; 2],
        hidden_targets: false,
    };
    for (cell, [row, column]) in cells.enumerate().filter(|&(cell, _)| cell != own) {
        let name = format!("cell {row:+} down, {column:+} right");
        layout.entities.push(Entity {
            kind: layout.types.len(),
            columns: columns(cell),
            presence: Presence::AnyNonZero,
            position: None,
            action: None,
        });
        layout.types.push(EntityType::new(&name, names(args, features)));
    }
    Some(layout)
}

/// Names the features of a cell.
fn names(args: &PredatorPreyArgs, features: usize) -> impl Iterator<Item = &'static str> {
    let wall = if args.observe_walls { "wall" } else { "always 0" };
    ["agent", "stag", "hare", wall, "always 0"].into_iter().take(features)
}
