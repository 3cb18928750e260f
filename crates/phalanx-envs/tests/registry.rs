//! Environments are found by name, and mistakes are answered with what is meant.

use phalanx_envs::registry::{list, make};
use toml::Table;

fn refusal(id: &str, args: &str) -> String {
    let args: Table = args.parse().expect("the test writes TOML");
    make(id, &args).err().expect("this must be refused").to_string()
}

#[test]
fn every_listed_environment_can_be_made_and_describes_itself() {
    let entries = list();
    assert_eq!(entries.len(), 7 + 1 + 23 + 15);
    for entry in entries {
        let env = make(&entry.id, &Table::new()).expect("a listed environment exists");
        let (spec, description) = (env.spec(), env.describe());
        assert_eq!(spec.id, entry.id);
        assert!(!entry.summary.is_empty());
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
        "environment `skirmish/3m`: `rules` cannot be \"libery\": it must be \"liberty\""
    );
    assert_eq!(
        refusal("two_step", "rules = 1"),
        "environment `two_step`: there is no argument `rules`: this environment takes none"
    );
}
