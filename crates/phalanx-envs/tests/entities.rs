//! The entities that environments describe.

use phalanx_core::env::{EntityLayout, EnvSpec, Presence};
use phalanx_envs::registry::{factory, list};
use toml::Table;

fn spec(id: &str, args: &str) -> EnvSpec {
    let args: Table = args.parse().expect("valid TOML");
    factory(id, &args).expect("the environment exists")().spec().clone()
}

fn layout(id: &str, args: &str) -> EntityLayout {
    spec(id, args).entities.unwrap_or_else(|| panic!("{id} describes its entities"))
}

/// Returns the names and the numbers of the entities of each type.
fn census(layout: &EntityLayout) -> Vec<(&str, usize)> {
    let types = layout.types.iter().enumerate();
    types.map(|(kind, named)| (named.name.as_str(), layout.of_type(kind).len())).collect()
}

#[test]
fn a_battle_consists_of_the_unit_its_enemies_and_its_allies() {
    let layout = layout("skirmish/5m_vs_6m", "");
    assert_eq!(census(&layout), [("self", 1), ("enemy", 6), ("ally", 4)]);
    assert_eq!(layout.entities[0].columns, [0, 1, 2, 3, 54]);
    let enemy = &layout.entities[2];
    assert_eq!(enemy.columns, [9, 10, 11, 12, 13]);
    assert_eq!(enemy.presence, Presence::NonZero(13), "its health");
    assert_eq!((enemy.position, enemy.action), (Some([11, 12]), Some(7)));
    let ally = &layout.entities[7];
    assert_eq!(ally.columns, [34, 35, 36, 37, 38]);
    assert_eq!((ally.presence, ally.action), (Presence::NonZero(34), None));
    assert_eq!(
        layout.types[1].features,
        ["can be attacked", "distance", "relative x", "relative y", "health"]
    );
    assert_eq!(layout.position_scale, [9.0, 9.0]);
    assert!(!layout.hidden_targets);
}

#[test]
fn options_of_a_battle_change_its_entities() {
    let hidden = layout("skirmish/5m_vs_6m", "obs_all_health = false\nobs_own_health = false");
    assert_eq!(hidden.entities[1].presence, Presence::AnyNonZero);
    let timed = layout("skirmish/3m", "obs_last_action = true\nobs_timestep_number = true");
    assert_eq!(timed.types[0].features.last().map(String::as_str), Some("step"));
    assert_eq!(timed.types[2].features.len(), 5 + 9);
    let looking = layout("skirmish/protoss_5_vs_5", "conic_fov = true\nnum_fov_actions = 12");
    assert_eq!(looking.actions(), 18..23);
    assert!(looking.hidden_targets, "an unseen enemy also hides the enemies before it");
    assert!(!layout("skirmish/protoss_5_vs_5", "fix_quirks = true").hidden_targets);
    assert!(layout("skirmish/3m", "action_mask = false").hidden_targets);
    assert!(!layout("skirmish/3m", "action_mask = false\nfully_observable = true").hidden_targets);
    // The action that attacks an enemy heals an ally, too.
    assert!(layout("skirmish/MMM2", "").actions().is_empty());
    assert!(
        spec("skirmish/3m", "obs_starcraft = false\nobs_timestep_number = true").entities.is_none()
    );
    assert!(spec("skirmish/5m_vs_6m", "self_play = true").entities.is_none());
    assert!(spec("skirmish/3m", "self_play = true").entities.is_some());
}

#[test]
fn smax_lists_allies_before_enemies_and_its_cones_hold_any_unit() {
    let list = layout("smax/5m_vs_6m", "");
    assert_eq!(census(&list), [("self", 1), ("ally", 4), ("enemy", 6)]);
    assert_eq!(list.actions(), 5..11);
    assert_eq!(list.entities[1].columns, (0..13).collect::<Vec<_>>());
    assert_eq!(list.entities[5].action, Some(5));
    let cones = layout("smax/5m_vs_6m", "observation_type = \"conic\"");
    assert_eq!(census(&cones), [("self", 1), ("unit", 64)]);
    assert!(cones.actions().is_empty());
    assert!(spec("smax/5m_vs_6m", "self_play = true").entities.is_none());
    assert!(spec("smax/3m", "self_play = true").entities.is_some());
}

#[test]
fn every_cell_around_a_hunter_has_a_type_of_its_own() {
    let cells = layout("predator_prey", "");
    assert_eq!((cells.len(), cells.types.len()), (25, 25));
    assert_eq!(cells.entities[0].columns, [36, 37, 38], "the cell in the middle");
    assert_eq!(cells.types[1].name, "cell -2 down, -2 right");
    assert_eq!(cells.entities[1].columns, [0, 1, 2]);
    let walls = layout("predator_prey", "agent_obs = [1, 2]\nobserve_one_hot = true");
    assert_eq!((walls.len(), walls.entities[0].columns[0]), (15, 35));
    assert!(spec("predator_prey", "observe_state = true").entities.is_none());
}

#[test]
fn layouts_fit_their_environments_and_name_features_as_descriptions_do() {
    let sets = [
        "",
        "obs_own_pos = true\nobs_last_action = true\nobs_pathing_grid = true\n\
         obs_terrain_height = true\nconic_fov = true",
    ];
    // Football names the features of its entities more briefly.
    let entries = list();
    let of_football = |id: &str| id.starts_with("football/");
    let entries = entries
        .iter()
        .filter(|entry| entry.required_argument().is_none() && !of_football(&entry.id));
    for entry in entries {
        for args in if entry.id.starts_with("skirmish/") { &sets[..] } else { &sets[..1] } {
            let args: Table = args.parse().expect("valid TOML");
            let env = factory(&entry.id, &args).expect("the environment exists")();
            let Some(layout) = &env.spec().entities else { continue };
            layout.check(env.spec()).unwrap_or_else(|error| panic!("{}: {error}", entry.id));
            let texts = env.describe().obs;
            for entity in &layout.entities {
                let features = &layout.types[entity.kind].features;
                for (feature, &column) in features.iter().zip(&entity.columns) {
                    let word = feature.split([' ', ',']).next().unwrap_or_default();
                    let text = &texts[column];
                    assert!(text.contains(word), "{}: {text} lacks {feature}", entry.id);
                }
            }
        }
    }
}
