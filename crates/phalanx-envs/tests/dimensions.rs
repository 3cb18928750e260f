//! Sizes, limits and the largest reward of every map are SMAC's.

use phalanx_core::env::Env;
use phalanx_envs::registry;
use phalanx_envs::skirmish::Map;
use toml::Table;

/// Map, agents, enemies, limit, actions, observation, state, largest reward, divisor.
type Row = (&'static str, usize, usize, usize, usize, usize, usize, f32, f32);

const SMAC: &[Row] = &[
    ("3m", 3, 3, 60, 9, 30, 48, 365.0, 18.25),
    ("8m", 8, 8, 120, 14, 80, 168, 640.0, 32.0),
    ("25m", 25, 25, 150, 31, 250, 950, 1575.0, 78.75),
    ("5m_vs_6m", 5, 6, 70, 12, 55, 98, 530.0, 26.5),
    ("8m_vs_9m", 8, 9, 120, 15, 85, 179, 695.0, 34.75),
    ("10m_vs_11m", 10, 11, 150, 17, 105, 243, 805.0, 40.25),
    ("27m_vs_30m", 27, 30, 180, 36, 285, 1170, 1850.0, 92.5),
];

#[test]
fn every_map_has_the_sizes_of_smac() -> Result<(), registry::RegistryError> {
    for &(name, agents, enemies, limit, actions, obs, state, max_reward, divisor) in SMAC {
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
        assert_eq!(spec.max_return, Some(20.0), "{name}");
        assert_eq!(spec.info, ["battle_won", "dead_allies", "dead_enemies"]);
        assert!(spec.agents.iter().all(|agent| agent.group == 0), "marines are alike");
        assert_eq!(spec.agents[1].name, "marine 1");
        assert!(spec.timeout_is_terminal);
    }
    Ok(())
}

#[test]
fn every_map_in_the_registry_is_in_the_table() {
    let listed = registry::list();
    let maps: Vec<_> =
        listed.iter().filter_map(|entry| entry.id.strip_prefix("skirmish/")).collect();
    let table: Vec<_> = SMAC.iter().map(|row| row.0).collect();
    assert_eq!(maps, table);
}
