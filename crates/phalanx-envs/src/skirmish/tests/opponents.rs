//! Enemies commanded by a scripted policy.

use super::*;
use crate::skirmish::interface::ATTACK_MOVE;

#[test]
fn the_enemies_start_idle_and_never_act_on_their_own() {
    let mut field = Field::new("3m", "opponent = \"stop\"\nstart_scatter = false");
    assert!(field.units().order.iter().all(|&order| order == Order::Hold));
    let before = field.units().x.clone();
    for (unit, x) in [(0, 10.0), (3, 13.0)] {
        field.put(unit, x, 16.0);
    }
    field.rewrite();
    for _ in 0..5 {
        let mut actions = field.idle();
        actions[0] = ATTACK;
        field.step(&actions);
    }
    let units = field.units();
    assert!(units.health[3] < 45.0, "it is shot at");
    assert_eq!(units.health[..3], [45.0; 3], "and does not shoot back");
    assert_eq!(units.x[4..], before[4..]);
}

#[test]
fn an_opponent_acts_like_the_same_scripted_policy_of_agents() {
    // Maps with one unit type per team, on which both teams list their opponents in the same order.
    for (name, _) in SCRIPTED_POLICIES.iter().filter(|(name, _)| *name != "random") {
        let args = "start_scatter = false\ndeterministic = true";
        let opposed = format!("{args}\nopponent = \"{name}\"\nheuristic_rest = true");
        let mut opposed = Field::new("3m", &opposed);
        let mut both = Field::new("3m", &format!("{args}\nself_play = true"));
        let (x, y) = (opposed.units().x.clone(), opposed.units().y.clone());
        for unit in 0..6 {
            both.put(unit, x[unit], y[unit]);
        }
        both.rewrite();
        let player =
            SCRIPTED_POLICIES.iter().position(|(other, _)| other == name).expect("it is listed");
        let mut actions = [0; 6];
        for _ in 0..25 {
            both.env.scripted_actions(player, &both.rows.avail, &mut both.rng, &mut actions);
            actions[..3].copy_from_slice(&both.idle()[..3]);
            let over = both.step(&actions).status.is_over();
            assert_eq!(opposed.step(&actions[..3]).status.is_over(), over, "{name}");
            assert_eq!(opposed.env.battle.units, both.env.battle.units, "{name}");
            assert_eq!(opposed.env.frame()["enemy_actions"], serde_json::json!(actions[3..]));
            if over {
                break;
            }
        }
    }
}

#[test]
fn observations_do_not_depend_on_the_opponent_policy() {
    for map in [HEALERS, SHIELDS] {
        let args = "start_scatter = false\nobs_last_action = true";
        let usual = Field::written(map, args);
        let opposed = Field::written(map, &format!("{args}\nopponent = \"kiting\""));
        assert_eq!(usual.env.spec(), opposed.env.spec());
        assert_eq!(usual.rows, opposed.rows);
    }
}

#[test]
fn a_frame_shows_only_the_actions_of_opponents() {
    let mut field = Field::new("5m_vs_6m", "opponent = \"random\"");
    assert_eq!(field.env.frame()["enemy_actions"], serde_json::json!([]));
    field.kill(5);
    field.rewrite();
    field.step(&field.idle());
    let actions = field.env.frame()["enemy_actions"].clone();
    assert_eq!((actions.as_array().map(Vec::len), &actions[0]), (Some(6), &0.into()));
    for args in ["", "self_play = true"] {
        let mut field = Field::new("5m_vs_6m", args);
        field.step(&field.idle());
        assert!(field.env.frame().get("enemy_actions").is_none(), "{args}");
    }
}

#[test]
fn attack_nearest_respects_the_mask_of_either_team_only_if_configured() {
    for (args, attacks) in [("", true), ("heuristic_rest = true", false)] {
        let opponent = "heuristic_ai = true\nfix_quirks = true\nopponent = \"attack_nearest\"";
        let mut field = Field::new("3m", &format!("{opponent}\n{args}"));
        // The teams are out of each other's reach.
        field.step(&[STOP; 3]);
        let orders = field.units().order.clone();
        assert!(orders.iter().all(|&order| (order == Order::Attack) == attacks), "{orders:?}");
    }
}

#[test]
fn the_internal_state_of_opponents_and_scripted_policies_is_saved() {
    let mut field = Field::new("8m", "opponent = \"attack_nearest\"");
    let mut player = Rng::stream(3, Purpose::ScriptedPolicy, 0);
    let mut actions = [0; 8];
    for _ in 0..12 {
        field.env.scripted_actions(0, &field.rows.avail, &mut player, &mut actions);
        field.step(&actions);
    }
    let mut bytes = Vec::new();
    field.env.save(&mut bytes);
    let mut copy = Field::new("8m", "opponent = \"attack_nearest\"");
    copy.env.load(&bytes).expect("it is a state of the same battle");
    let mut again = Vec::new();
    copy.env.save(&mut again);
    assert!(bytes == again);
    // A policy keeps a target that it has chosen, so its internal state shows.
    for unit in 8..16 {
        for field in [&mut field, &mut copy] {
            let (x, y) = (field.units().x[unit], field.units().y[23 - unit]);
            field.put(unit, x, y + 3.0);
        }
    }
    let mut others = [0; 8];
    field.env.scripted_actions(0, &field.rows.avail, &mut player, &mut actions);
    copy.env.scripted_actions(0, &copy.rows.avail, &mut player, &mut others);
    assert_eq!(actions, others);
    for args in ["", "opponent = \"kiting\"", "self_play = true"] {
        assert!(Field::new("8m", args).env.load(&bytes).is_err(), "{args:?} is another battle");
    }
}

#[test]
fn in_self_play_scripted_policies_act_for_both_teams() {
    let mut field = Field::new("5m_vs_6m", "self_play = true");
    let mut player = Rng::stream(3, Purpose::ScriptedPolicy, 0);
    let mut actions = [0; 11];
    for (number, (name, _)) in SCRIPTED_POLICIES.iter().enumerate() {
        field.reset();
        for _ in 0..30 {
            field.env.scripted_actions(number, &field.rows.avail, &mut player, &mut actions);
            // `step` rejects unavailable actions.
            if field.step(&actions).status.is_over() {
                break;
            }
        }
        let hurt = |units: std::ops::Range<usize>| {
            field.env.battle.units.health[units].iter().any(|&health| health < 45.0)
        };
        let fights = !["random", "stop"].contains(name);
        assert!(!fights || (hurt(0..5) && hurt(5..11)), "{name}");
    }
}

#[test]
fn a_battle_against_the_usual_orders_is_named_attack_move() {
    assert_eq!(SkirmishArgs::default().opponent, ATTACK_MOVE);
    let text = |args: &str| Field::new("3m", args).env.describe().summary;
    assert!(
        text("opponent = \"kiting\"").contains("the enemies follow the scripted policy `kiting`")
    );
    assert!(!text("").contains("scripted"));
}
