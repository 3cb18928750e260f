//! Environments are found by name, and errors suggest the closest match.

use phalanx_core::env::{Env, check_env};
use phalanx_envs::matrix::{MATRIX_GAMES, MatrixGame};
use phalanx_envs::registry::{
    EnvEntry, Environments, Factory, RegistryError, arguments, factory, list, make,
};
use phalanx_envs::skirmish::Map;
use phalanx_envs::smax::SCENARIOS;
use toml::Table;

fn refusal(id: &str, args: &str) -> String {
    let args: Table = args.parse().expect("valid TOML");
    make(id, &args).err().expect("the arguments are rejected").to_string()
}

#[test]
fn every_listed_environment_can_be_made_and_describes_itself() {
    for entry in list().iter().filter(|entry| entry.required_argument().is_none()) {
        let env = make(&entry.id, &Table::new()).expect("a listed environment exists");
        let (spec, description) = (env.spec(), env.describe());
        assert_eq!(spec.id, entry.id);
        assert!(entry.summary.len() > 20 && entry.summary.ends_with('.'), "{}", entry.summary);
        assert_eq!(description.obs.len(), spec.obs_dim, "{}", entry.id);
        assert_eq!(description.state.len(), spec.state_dim, "{}", entry.id);
        assert_eq!(description.actions.len(), spec.n_actions, "{}", entry.id);
    }
}

#[test]
fn errors_name_the_closest_match_and_the_allowed_values() {
    assert_eq!(
        refusal("skirmish/5m_v_6m", ""),
        "there is no environment `skirmish/5m_v_6m`; did you mean `skirmish/5m_vs_6m`?"
    );
    let message = refusal("skirmish/3m", "determinstic = true");
    assert!(message.starts_with(
        "environment `skirmish/3m`: there is no argument `determinstic`; \
         did you mean `deterministic` (true or false)?"
    ));
    assert_eq!(
        refusal("skirmish/3m", "opponent = \"kitting\"").split(": it must").next(),
        Some("environment `skirmish/3m`: `opponent` cannot be \"kitting\"")
    );
    assert_eq!(
        refusal("two_step", "rules = 1"),
        "environment `two_step`: there is no argument `rules`: this environment takes no arguments"
    );
}

#[test]
fn smax_battles_are_separate_environments() {
    let args: Table = "max_steps = 50".parse().expect("valid TOML");
    for scenario in SCENARIOS {
        let id = format!("smax/{}", scenario.name);
        let env = make(&id, &args).expect("the scenario exists");
        assert_eq!((env.spec().id.as_str(), env.spec().episode_limit), (id.as_str(), 51));
        assert!(env.describe().summary.contains("SMAX battle"));
    }
    assert_eq!(make("smax/3m", &args).expect("it exists").spec().obs_dim, 75);
    assert_eq!(make("skirmish/3m", &Table::new()).expect("it exists").spec().obs_dim, 30);
}

#[test]
fn games_take_their_own_arguments_only() {
    assert_eq!(
        refusal("matrix/qtran", "z = 1.0"),
        "environment `matrix/qtran`: there is no argument `z`: this environment takes no arguments"
    );
    let message = refusal("predator_prey", "miscapture_punishmnt = -1.5");
    assert!(message.contains("did you mean `miscapture_punishment` (a finite number)?"));
    assert_eq!(
        refusal("k_step", "good_branches = 3"),
        "environment `k_step`: `good_branches` cannot be 3: it must be 2 or 4"
    );
    let message = refusal("predator_prey", "world_shape = [3, 5]");
    assert!(message.ends_with("the grid has fewer cells than there are agents and prey"));
}

/// The example map.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/maps/two_ramps.toml");

#[test]
fn a_map_file_makes_a_battle_that_meets_the_contract() {
    let args: Table = format!("map = '{EXAMPLE}'\nstep_mul = 4").parse().expect("valid TOML");
    let env = make("skirmish", &args).expect("the example is valid");
    assert_eq!((env.spec().id.as_str(), env.spec().n_agents()), ("skirmish/two_ramps", 8));
    // Runs are kept under the environment's own identifier, which is accepted too.
    let factory = factory("skirmish/two_ramps", &args).expect("it is the map's name");
    check_env(factory, 3_000).expect("the environment meets the contract");
    let map = Map::read(EXAMPLE.as_ref()).expect("the example is valid");
    assert!(!map.terrain.is_flat(), "the example draws its terrain");
}

#[test]
fn a_missing_or_malformed_map_file_is_rejected_with_its_location() {
    assert_eq!(
        refusal("skirmish", ""),
        "environment `skirmish`: the argument `map` is missing: set it with env_args.map=VALUE to the \
         path of a map file (TOML)"
    );
    let message = refusal("skirmish", "map = \"nowhere.toml\"");
    assert!(message.contains("cannot read the map nowhere.toml: "), "{message}");
    let message = refusal("skirmish", "map = \"src\"");
    assert!(message.contains("cannot read the map src: it is not a file"), "{message}");
    let message = refusal("skirmish", "mapp = \"nowhere.toml\"");
    assert!(message.contains("did you mean `map`"), "{message}");
    let message = refusal("skirmish", "map = 3");
    assert!(message.contains("`map` cannot be 3: it must be the path of a map file"), "{message}");
    let message = refusal("skirmish/3m", "map = \"nowhere.toml\"");
    assert!(message.contains("there is no argument `map`"), "{message}");
    let message = refusal("skirmish/one_ramp", &format!("map = '{EXAMPLE}'"));
    assert!(message.ends_with("its arguments select `skirmish/two_ramps` instead"), "{message}");

    let folder = std::env::temp_dir().join(format!("phalanx_maps_{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let good = std::fs::read_to_string(EXAMPLE).expect("the example can be read");
    for (file, text, expected) in [
        ("typo.toml", good.replacen("\"marine\"", "\"marin\"", 1), "did you mean `marine`?"),
        (
            "3m.toml",
            good.replacen("name = \"two_ramps\"", "", 1),
            "is taken by the built-in map skirmish/3m",
        ),
        ("large.toml", "#".repeat(2 << 20), "more than 1048576"),
    ] {
        let path = folder.join(file);
        std::fs::write(&path, text).expect("the folder can be written");
        let message = refusal("skirmish", &format!("map = '{}'", path.display()));
        assert!(message.contains(file) && message.contains(expected), "{message}");
    }
    std::fs::remove_dir_all(folder).expect("the folder exists");
}

#[test]
fn the_two_battle_games_take_their_own_arguments_only() {
    let message = refusal("smax/3m", "max_step = 8");
    assert!(message.starts_with(
        "environment `smax/3m`: there is no argument `max_step`; did you mean `max_steps`"
    ));
    let message = refusal("smax/3m", "step_mul = 8");
    assert!(message.contains("no argument `step_mul`") && message.contains("map_width"));
    let message = refusal("skirmish/3m", "max_steps = 8");
    assert!(message.contains("no argument `max_steps`") && message.contains("step_mul"));
    let message = refusal("smax/3m", "attack_mode = \"furthest\"");
    assert!(message.contains("it must be \"closest\" or \"random\""), "{message}");
    let message = refusal("skirmish/3m", "self_play = true\nopponent = \"kiting\"");
    assert!(message.contains("with self_play the enemies are agents"), "{message}");

    let has = |id: &str, key: &str| {
        let arguments = arguments(id).expect("it is listed");
        arguments.iter().any(|argument| argument.key == key)
    };
    assert!(has("skirmish/3m", "opponent") && !has("skirmish/3m", "max_steps"));
    assert!(has("smax/3m", "max_steps") && !has("smax/3m", "opponent"));
    assert_eq!(arguments("two_step"), Some(&[][..]));
    assert_eq!(arguments("two_step_game"), None);
}

#[test]
fn a_custom_environment_is_registered_once() {
    let entry = |id: &str| {
        EnvEntry::new(id, "A custom game.", &[], |_| {
            Ok(Factory::new(|| MatrixGame::new(MATRIX_GAMES[0])))
        })
    };
    let mut environments = Environments::builtin();
    environments.register(entry("own/game")).expect("the name is free");
    let env = environments.make("own/game", &Table::new()).expect("it is registered");
    assert_eq!(env.spec().n_actions, 3);
    assert_eq!(environments.iter().count(), list().len() + 1);
    for id in ["own/game", "skirmish/3m"] {
        let error = environments.register(entry(id)).expect_err("the name is taken");
        assert!(matches!(error, RegistryError::Duplicate { .. }), "{error}");
    }
    assert!(make("own/game", &Table::new()).is_err(), "the built-in environments stay as they are");
}
