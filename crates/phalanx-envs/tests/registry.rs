//! Environments are found by name, and mistakes are answered with what is meant.

use phalanx_envs::arguments::Argument;
use phalanx_envs::registry::{list, make, rules};
use phalanx_envs::skirmish::smax::SCENARIOS;
use toml::Table;

fn refusal(id: &str, args: &str) -> String {
    let args: Table = args.parse().expect("the test writes TOML");
    make(id, &args).err().expect("this must be refused").to_string()
}

#[test]
fn every_listed_environment_can_be_made_and_describes_itself() {
    let entries = list();
    assert_eq!(entries.len(), (9 + 3) + 4 + 1 + 23 + 15 + 3);
    for entry in entries {
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
fn mistakes_name_the_nearest_and_what_is_allowed() {
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
        refusal("skirmish/3m", "rules = \"libery\""),
        "environment `skirmish/3m`: `rules` cannot be \"libery\": it must be \"liberty\" or \"smax\""
    );
    assert_eq!(
        refusal("two_step", "rules = 1"),
        "environment `two_step`: there is no argument `rules`: this environment takes none"
    );
}

#[test]
fn battles_of_jaxmarl_are_made_by_the_argument_rules() {
    let args: Table = "rules = \"smax\"\nmax_steps = 50".parse().expect("valid TOML");
    for scenario in SCENARIOS {
        let id = format!("skirmish/{}", scenario.name);
        let env = make(&id, &args).expect("the scenario exists");
        assert_eq!((env.spec().id.as_str(), env.spec().episode_limit), (id.as_str(), 51));
        assert!(env.describe().summary.contains("rules of SMAX"));
        let known: Vec<_> = rules(&id).iter().filter_map(|rules| rules.name).collect();
        let alone = scenario.name.starts_with("smacv2_");
        assert_eq!(known, if alone { &["smax"][..] } else { &["liberty", "smax"] });
    }
    assert_eq!(make("skirmish/3m", &args).expect("it exists").spec().obs_dim, 75);
    assert_eq!(make("skirmish/3m", &Table::new()).expect("it exists").spec().obs_dim, 30);
    let alone = make("skirmish/smacv2_5_units", &Table::new()).expect("it exists");
    assert_eq!((alone.spec().n_agents(), alone.spec().episode_limit), (5, 101));
}

#[test]
fn games_take_their_own_arguments_only() {
    assert_eq!(
        refusal("matrix/qtran", "z = 1.0"),
        "environment `matrix/qtran`: there is no argument `z`: this environment takes none"
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

#[test]
fn maps_without_a_set_of_rules_name_those_that_have_it() {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    for args in ["rules = \"smax\"", "rules = \"smax\"\nstep_mul = 8"] {
        assert_eq!(
            refusal("skirmish/MMM", args),
            format!(
                "environment `skirmish/MMM`: the rules smax have no scenario `MMM`; their \
                 scenarios are {}",
                names.join(", ")
            )
        );
    }
    assert_eq!(
        refusal("skirmish/smacv2_5_units", "rules = \"liberty\""),
        "environment `skirmish/smacv2_5_units`: `rules` cannot be \"liberty\": it must be \"smax\""
    );
}

#[test]
fn arguments_are_those_of_the_rules_in_force() {
    let message = refusal("skirmish/3m", "rules = \"smax\"\nmax_step = 8");
    assert!(message.starts_with(
        "environment `skirmish/3m`: there is no argument `max_step`; did you mean `max_steps`"
    ));
    let message = refusal("skirmish/3m", "rules = \"smax\"\nstep_mul = 8");
    assert!(message.contains("no argument `step_mul`") && message.contains("map_width"));
    let message = refusal("skirmish/3m", "max_steps = 8");
    assert!(message.contains("no argument `max_steps`") && message.contains("step_mul"));
    let message = refusal("skirmish/3m", "rules = \"smax\"\nattack_mode = \"furthest\"");
    assert!(message.contains("it must be \"closest\" or \"random\""), "{message}");
    let message = refusal("skirmish/3m", "self_play = true\nopponent = \"kiting\"");
    assert!(message.contains("with self_play the enemies are agents"), "{message}");

    let entries = list();
    let entry = entries.iter().find(|entry| entry.id == "skirmish/3m").expect("it is listed");
    let has = |arguments: &[Argument], key: &str| arguments.iter().any(|a| a.key == key);
    assert!(
        has(entry.rules[0].arguments, "opponent") && has(entry.rules[1].arguments, "max_steps")
    );
    assert!(!has(entry.rules[1].arguments, "opponent"));
    assert_eq!(rules("two_step")[0].name, None);
    assert!(rules("two_step_game").is_empty());
}
