//! The configuration files of environments are accepted, and state the defaults.

use phalanx_envs::football::{self, FootballArgs};
use phalanx_envs::matrix::{KStepArgs, MATRIX_FAMILIES, MmdpArgs};
use phalanx_envs::predator_prey::{self, PredatorPreyArgs};
use phalanx_envs::skirmish::{MAPS, Map, SkirmishArgs};
use phalanx_envs::smax::{ARGUMENTS, SmaxArgs};
use toml::Table;

fn env_args(text: &str) -> Table {
    let file: Table = text.parse().expect("the file is TOML");
    file["env_args"].as_table().expect("it has a table env_args").clone()
}

#[test]
fn the_configuration_of_battles_states_their_defaults() {
    let args = env_args(include_str!("../../../configs/envs/skirmish.toml"));
    let read = SkirmishArgs::from_table(&args).expect("the arguments are valid");
    assert_eq!(read, SkirmishArgs::default());
    for (name, _) in MAPS {
        let map = Map::named(name).expect("the built-in map is valid");
        let defaults =
            SkirmishArgs::for_map(&map, &Table::new()).expect("the map's defaults are valid");
        assert_eq!(SkirmishArgs::for_map(&map, &args), Ok(defaults), "{name}");
    }
}

#[test]
fn the_other_configurations_are_those_of_smacv2() {
    let read = |text| SkirmishArgs::from_table(&env_args(text)).expect("the arguments are valid");
    let scenario = read(include_str!("../../../configs/envs/skirmish_v2.toml"));
    let map = Map::named("zerg_5_vs_5").expect("the built-in map is valid");
    assert_eq!(SkirmishArgs::for_map(&map, &Table::new()), Ok(scenario));
    let epo =
        read(include_str!("../../../configs/envs/skirmish_extended_partial_observability.toml"));
    let expected =
        SkirmishArgs { prob_obs_enemy: 0.0, action_mask: false, ..SkirmishArgs::default() };
    assert_eq!(epo, expected);
    assert!(read(include_str!("../../../configs/envs/skirmish_self_play.toml")).self_play);
}

#[test]
fn the_configuration_of_smax_states_its_defaults() {
    let args = env_args(include_str!("../../../configs/envs/smax.toml"));
    assert_eq!(SmaxArgs::from_table(&args), Ok(SmaxArgs::default()));
    assert_eq!(args.len(), ARGUMENTS.len(), "every argument is mentioned");
}

#[test]
fn the_configuration_of_predator_prey_states_its_defaults() {
    let args = env_args(include_str!("../../../configs/envs/predator_prey.toml"));
    assert_eq!(PredatorPreyArgs::from_table(&args), Ok(PredatorPreyArgs::default()));
    assert_eq!(args.len(), predator_prey::ARGUMENTS.len(), "every argument is mentioned");
}

#[test]
fn the_configuration_of_football_states_its_defaults() {
    let args = env_args(include_str!("../../../configs/envs/football.toml"));
    assert_eq!(FootballArgs::from_table(&args), Ok(FootballArgs::default()));
    assert_eq!(args.len(), football::ARGUMENTS.len(), "every argument is mentioned");
}

#[test]
fn the_configurations_of_games_state_their_defaults() {
    let k_step = env_args(include_str!("../../../configs/envs/k_step.toml"));
    assert_eq!(KStepArgs::from_table(&k_step), Ok(KStepArgs::default()));
    assert_eq!(k_step.len(), KStepArgs::ARGUMENTS.len());
    let mmdp = env_args(include_str!("../../../configs/envs/mmdp.toml"));
    assert_eq!(MmdpArgs::from_table(&mmdp), Ok(MmdpArgs::default()));
    assert_eq!(mmdp.len(), MmdpArgs::ARGUMENTS.len());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/envs");
    for family in MATRIX_FAMILIES {
        let path = format!("{folder}/matrix_{}.toml", family.name);
        let args = env_args(&std::fs::read_to_string(path).expect("every family has a file"));
        assert_eq!(family.game(&args), family.game(&Table::new()), "{}", family.name);
        assert_eq!(args.len(), family.arguments.len());
    }
    assert!(env_args(include_str!("../../../configs/envs/matrix.toml")).is_empty());
}
