//! Sizes, limits and the maximum reward of every map match SMAC and SMACv2.

use phalanx_core::env::Env;
use phalanx_envs::registry;
use phalanx_envs::skirmish::{Map, UNITS};
use toml::Table;

/// Map, agents, enemies, limit, actions, observation, state, state without last actions, largest
/// reward, divisor.
type Row = (&'static str, usize, usize, usize, usize, usize, usize, usize, f32, f32);

/// SMAC's formulas, executed on its table of maps.
const SMAC: &[Row] = &[
    ("3m", 3, 3, 60, 9, 30, 48, 21, 365.0, 18.2500),
    ("8m", 8, 8, 120, 14, 80, 168, 56, 640.0, 32.0000),
    ("25m", 25, 25, 150, 31, 250, 950, 175, 1575.0, 78.7500),
    ("5m_vs_6m", 5, 6, 70, 12, 55, 98, 38, 530.0, 26.5000),
    ("8m_vs_9m", 8, 9, 120, 15, 85, 179, 59, 695.0, 34.7500),
    ("10m_vs_11m", 10, 11, 150, 17, 105, 243, 73, 805.0, 40.2500),
    ("27m_vs_30m", 27, 30, 180, 36, 285, 1170, 198, 1850.0, 92.5000),
    ("MMM", 10, 10, 150, 16, 160, 290, 130, 1015.0, 50.7500),
    ("MMM2", 10, 12, 180, 18, 176, 322, 142, 1205.0, 60.2500),
    ("2s3z", 5, 5, 120, 11, 80, 120, 65, 1020.0, 51.0000),
    ("3s5z", 8, 8, 150, 14, 128, 216, 104, 1510.0, 75.5000),
    ("3s5z_vs_3s6z", 8, 9, 170, 15, 136, 230, 110, 1670.0, 83.5000),
    ("3s_vs_3z", 3, 3, 150, 9, 36, 54, 27, 680.0, 34.0000),
    ("3s_vs_4z", 3, 4, 200, 10, 42, 61, 31, 840.0, 42.0000),
    ("3s_vs_5z", 3, 5, 250, 11, 48, 68, 35, 1000.0, 50.0000),
    ("1c3s5z", 9, 9, 180, 15, 162, 270, 135, 1870.0, 93.5000),
    ("2m_vs_1z", 2, 1, 150, 7, 16, 26, 12, 360.0, 18.0000),
    ("corridor", 6, 24, 400, 30, 156, 282, 102, 1280.0, 64.0000),
    ("6h_vs_8z", 6, 8, 150, 14, 78, 140, 56, 1480.0, 74.0000),
    ("2s_vs_1sc", 2, 1, 300, 7, 17, 27, 13, 510.0, 25.5000),
    ("so_many_baneling", 7, 32, 100, 38, 202, 397, 131, 1480.0, 74.0000),
    ("bane_vs_bane", 24, 24, 200, 30, 336, 984, 264, 1260.0, 63.0000),
    ("2c_vs_64zg", 2, 64, 400, 70, 332, 342, 202, 3080.0, 154.0000),
];

/// Race, then for each of [`SIZES`]: actions, observation, state.
type RaceRow = (&'static str, [(usize, usize, usize); 5]);

const SIZES: [(&str, usize, usize); 5] = [
    ("5_vs_5", 5, 5),
    ("10_vs_10", 10, 10),
    ("20_vs_20", 20, 20),
    ("10_vs_11", 10, 11),
    ("20_vs_23", 20, 23),
];

/// SMACv2's formulas, executed on its configurations.
const SMACV2: [RaceRow; 3] = [
    ("protoss", [(11, 92, 130), (16, 182, 310), (26, 362, 820), (17, 191, 327), (29, 389, 901)]),
    ("terran", [(11, 82, 120), (16, 162, 290), (26, 322, 780), (17, 170, 306), (29, 346, 858)]),
    ("zerg", [(11, 82, 120), (16, 162, 290), (26, 322, 780), (17, 170, 306), (29, 346, 858)]),
];

fn listed() -> Vec<String> {
    let entries = registry::list().into_iter();
    entries.filter_map(|entry| entry.id.strip_prefix("skirmish/").map(str::to_owned)).collect()
}

#[test]
fn every_map_has_the_sizes_of_smac() -> Result<(), registry::RegistryError> {
    for &(name, agents, enemies, limit, actions, obs, state, bare_state, max_reward, divisor) in
        SMAC
    {
        let id = format!("skirmish/{name}");
        let battle = registry::make(&id, &Table::new())?;
        let spec = battle.spec();
        let map = Map::named(name).expect("it is in the registry");
        assert_eq!(spec.id, id);
        assert_eq!(spec.n_agents(), agents, "{name}");
        assert_eq!(map.enemies.len(), enemies, "{name}");
        assert_eq!(spec.episode_limit, limit, "{name}");
        assert_eq!(spec.n_actions, actions, "{name}");
        assert_eq!(spec.obs_dim, obs, "{name}");
        assert_eq!(spec.state_dim, state, "{name}");
        assert_eq!(spec.max_reward, Some(max_reward), "{name}");
        assert_eq!(max_reward / 20.0, divisor, "{name}");
        // If enemies regain health or shield, more can be earned than by killing each once.
        let regain = map
            .enemies
            .iter()
            .map(|placed| &UNITS[placed.unit])
            .any(|unit| unit.shield > 0.0 || unit.regeneration > 0.0 || unit.heal.is_some());
        assert_eq!(spec.max_return, (!regain).then_some(20.0), "{name}");
        assert_eq!(spec.info, ["battle_won", "dead_allies", "dead_enemies"]);
        assert!(spec.timeout_is_terminal);
        assert!(spec.agents.iter().all(|agent| agent.team == 0));
        let args = "state_last_action = false".parse().expect("valid TOML");
        assert_eq!(registry::make(&id, &args)?.spec().state_dim, bare_state, "{name}");
    }
    Ok(())
}

#[test]
fn every_generated_scenario_has_the_sizes_of_smacv2() -> Result<(), registry::RegistryError> {
    for (race, rows) in SMACV2 {
        for ((size, agents, enemies), (actions, obs, state)) in SIZES.into_iter().zip(rows) {
            let id = format!("skirmish/{race}_{size}");
            let battle = registry::make(&id, &Table::new())?;
            let (spec, description) = (battle.spec(), battle.describe());
            let map = Map::named(&format!("{race}_{size}")).expect("it is in the registry");
            assert_eq!((spec.n_agents(), map.enemies.len()), (agents, enemies), "{id}");
            assert_eq!(
                (spec.n_actions, spec.obs_dim, spec.state_dim),
                (actions, obs, state),
                "{id}"
            );
            assert_eq!((description.obs.len(), description.state.len()), (obs, state), "{id}");
            assert_eq!(spec.episode_limit, 200);
            assert_eq!(spec.agents[3].name, "agent 3");
            assert!(spec.agents.iter().all(|agent| agent.group == 0));
        }
    }
    Ok(())
}

#[test]
fn agents_are_named_and_grouped_by_the_kind_of_their_unit() -> Result<(), registry::RegistryError> {
    let battle = registry::make("skirmish/8m", &Table::new())?;
    assert_eq!(battle.spec().agents[1].name, "marine 1");
    assert!(battle.spec().agents.iter().all(|agent| agent.group == 0), "marines are alike");
    Ok(())
}

#[test]
fn the_registry_lists_every_map_of_smac_and_smacv2() {
    let generated =
        SMACV2.iter().flat_map(|(race, _)| SIZES.map(|(size, ..)| format!("{race}_{size}")));
    let listed = listed();
    for name in SMAC.iter().map(|row| row.0.to_owned()).chain(generated) {
        assert!(listed.contains(&name), "{name}");
    }
}
