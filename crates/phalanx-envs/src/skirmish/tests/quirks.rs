//! The end of battles with healers, and the effects of `fix_quirks`.

use super::*;

/// Returns the result of a step after which only some units of each team are alive, on [`HEALERS`].
fn survivors(args: &str, allies: &[usize], enemies: &[usize]) -> (StepStatus, f32, f32) {
    let mut field =
        Field::written(HEALERS, &format!("{args}\nreward_scale = false\nreward_defeat = -7"));
    field.pacify();
    for unit in 0..9 {
        let lives = allies.contains(&unit) || unit >= 4 && enemies.contains(&(unit - 4));
        if !lives {
            field.kill(unit);
        }
    }
    field.rewrite();
    let outcome = field.step(&field.idle());
    (outcome.status, outcome.reward, field.rows.info[0])
}

const WON: (StepStatus, f32, f32) = (StepStatus::Terminated, 200.0, 1.0);
const LOST: (StepStatus, f32, f32) = (StepStatus::Terminated, -7.0, 0.0);
const DRAWN: (StepStatus, f32, f32) = (StepStatus::Terminated, 0.0, 0.0);
const GOES_ON: (StepStatus, f32, f32) = (StepStatus::Running, 0.0, 0.0);

#[test]
fn a_battle_in_which_only_medivacs_survive_is_over_and_a_loss_is_checked_first() {
    // Ally 3 and enemy 0 are medivacs.
    assert_eq!(survivors("", &[0, 3], &[0, 2]), GOES_ON);
    assert_eq!(survivors("", &[0], &[0]), WON);
    assert_eq!(survivors("", &[0, 3], &[]), WON);
    assert_eq!(survivors("", &[3], &[0, 1]), LOST);
    assert_eq!(survivors("", &[3], &[0]), LOST);
    assert_eq!(survivors("", &[3], &[]), LOST);
    assert_eq!(survivors("", &[], &[0]), LOST);
    assert_eq!(survivors("", &[], &[]), LOST);
}

#[test]
fn with_quirks_fixed_both_teams_are_beaten_under_the_same_rule() {
    let fixed = "fix_quirks = true";
    assert_eq!(survivors(fixed, &[0], &[0]), WON);
    assert_eq!(survivors(fixed, &[3], &[0, 1]), LOST);
    assert_eq!(survivors(fixed, &[3], &[0]), DRAWN);
    assert_eq!(survivors(fixed, &[], &[]), DRAWN);
}

#[test]
fn without_medivacs_a_double_wipe_out_is_a_draw() {
    let mut field = Field::new("3m", "");
    for unit in 0..6 {
        field.kill(unit);
    }
    field.rewrite();
    let outcome = field.step(&[NO_OP; 3]);
    assert_eq!(outcome, StepResult { reward: 0.0, status: StepStatus::Terminated });
    assert_eq!(field.rows.info, [0.0, 3.0, 3.0]);
}

#[test]
fn with_quirks_fixed_all_borders_are_treated_alike() {
    let places = [(0.5, 16.0), (31.5, 16.0), (16.0, 0.5), (16.0, 31.5)];
    let masks = |args: &str| {
        let mut field = Field::written(HEALERS, args);
        places.map(|(x, y)| {
            field.put(0, x, y);
            field.rewrite();
            field.mask(0)[2..6].iter().filter(|&&open| open).count()
        })
    };
    // Truncation towards zero leaves the west and the south open.
    assert_eq!(masks(""), [4, 3, 4, 3]);
    assert_eq!(masks("fix_quirks = true"), [3, 3, 3, 3]);
}

#[test]
fn the_last_actions_of_a_scripted_policy_are_those_passed_in_unless_fixed() {
    let last = |args: &str| {
        let mut field = Field::new("3m", &format!("heuristic_ai = true\n{args}"));
        field.step(&[WEST; 3]);
        let cells = &field.rows.state[21..][..9];
        cells.iter().position(|&cell| cell == 1.0)
    };
    assert_eq!(last(""), Some(usize::from(WEST)));
    let chosen = last("fix_quirks = true").expect("an attack");
    assert!(chosen >= usize::from(ATTACK));
}
