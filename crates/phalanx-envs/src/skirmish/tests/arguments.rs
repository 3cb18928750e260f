//! Arguments are documented, checked, and refused by name.

use super::*;
use crate::arguments::{promises, row};

#[test]
fn every_field_is_a_documented_argument() {
    promises::every_field_is_documented::<SkirmishArgs>(ARGUMENTS);
}

#[test]
fn every_scripted_policy_is_named_as_an_opponent() {
    let allowed = row(ARGUMENTS, "opponent").allowed;
    for (name, _) in SCRIPTED_POLICIES {
        assert!(allowed.contains(&format!("\"{name}\"")), "{name}");
        let args = SkirmishArgs { opponent: (*name).to_owned(), ..SkirmishArgs::default() };
        assert_eq!(args.check(), Ok(()));
    }
    assert_eq!(allowed.matches('"').count(), 2 * (1 + SCRIPTED_POLICIES.len()), "and no other");
}

#[test]
fn values_out_of_range_are_refused_by_name() {
    let texts = r#"
        step_mul = 0
        step_mul = -1
        move_amount = 0
        reward_scale_rate = -1.0
        reward_win = inf
        obs_starcraft = false
        num_fov_actions = 0
        prob_obs_enemy = 1.5
        min_attack_range = nan
        difficulty = "0"
        difficulty = 10
        opponent = "kitting"
        opponent = 1
        deterministic = 1
    "#;
    promises::values_are_refused_by_name(SkirmishArgs::from_table, texts);
}

#[test]
fn arguments_that_contradict_each_other_are_refused_with_the_reason() {
    let text = "self_play = true\nopponent = \"kiting\"";
    let error = SkirmishArgs::from_table(&text.parse().expect("valid TOML")).expect_err(text);
    assert_eq!(
        error.to_string(),
        "`opponent` cannot be \"kiting\": with self_play the enemies are agents"
    );
    let both = "self_play = true\nopponent = \"attack_move\"".parse().expect("valid TOML");
    assert!(SkirmishArgs::from_table(&both).is_ok(), "the default contradicts nothing");
}
