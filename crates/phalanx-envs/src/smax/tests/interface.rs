//! The interface for trainers: sizes, masks, conformance, replay, saving.

use phalanx_core::env::check_env;

use super::*;

/// JaxMARL's own sizes: actions, observation, state.
const SIZES: [(&str, usize, usize, usize); 14] = [
    ("3m", 8, 75, 72),
    ("2s3z", 10, 127, 120),
    ("25m", 30, 647, 600),
    ("3s5z", 13, 205, 192),
    ("8m", 13, 205, 192),
    ("5m_vs_6m", 11, 140, 132),
    ("10m_vs_11m", 16, 270, 252),
    ("27m_vs_30m", 35, 738, 684),
    ("3s5z_vs_3s6z", 14, 218, 204),
    ("3s_vs_5z", 10, 101, 96),
    ("6h_vs_8z", 13, 179, 168),
    ("smacv2_5_units", 10, 127, 120),
    ("smacv2_10_units", 15, 257, 240),
    ("smacv2_20_units", 25, 517, 480),
];

#[test]
fn sizes_match_jaxmarl() {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names, SIZES.map(|(name, ..)| name));
    for (name, n_actions, obs_dim, state_dim) in SIZES {
        let env = Smax::new(named(name), SmaxArgs::default()).expect("the arguments are valid");
        let spec = env.spec();
        assert_eq!((spec.n_actions, spec.obs_dim, spec.state_dim), (n_actions, obs_dim, state_dim));
        assert_eq!(spec.n_agents(), env.scenario().n_allies(), "{name}");
        assert_eq!(spec.episode_limit, 101, "{name}");
        assert!(spec.timeout_is_terminal, "{name}");

        let args = SmaxArgs { self_play: true, ..SmaxArgs::default() };
        let both = Smax::new(named(name), args).expect("the arguments are valid");
        let (n_allies, n_enemies) = (env.scenario().n_allies(), env.scenario().n_enemies());
        assert_eq!(both.spec().n_agents(), n_allies + n_enemies, "{name}");
        assert_eq!(both.spec().n_actions, 5 + n_allies.max(n_enemies), "{name}");
        assert_eq!((both.spec().obs_dim, both.spec().state_dim), (obs_dim, state_dim), "{name}");
    }
    let conic = SmaxArgs { observation_type: ObservationType::Conic, ..SmaxArgs::default() };
    let env = Smax::new(named("3m"), conic).expect("the arguments are valid");
    assert_eq!(env.spec().obs_dim, 32 * 2 * 13 + 10);
}

#[test]
fn every_index_is_described() {
    for args in ["", "self_play = true", "observation_type = \"conic\""] {
        for scenario in SCENARIOS {
            let field = Field::new(scenario.name, args);
            let (spec, about) = (field.env.spec(), field.env.describe());
            assert_eq!(about.obs.len(), spec.obs_dim);
            assert_eq!(about.state.len(), spec.state_dim);
            assert_eq!(about.actions.len(), spec.n_actions);
            for texts in [&about.obs, &about.state, &about.actions] {
                let mut distinct = texts.clone();
                distinct.sort();
                distinct.dedup();
                assert_eq!(distinct.len(), texts.len(), "{} {args}", scenario.name);
            }
        }
    }
    let about = Field::new("3m", "").env.describe();
    assert_eq!(about.actions[5], "attack enemy 0");
    assert_eq!(about.obs[2 * 13], "enemy 0: health / maximum");
    assert_eq!(about.obs[70], "self: is a marauder");
    assert_eq!(about.state[13], "ally 1: weapon cooldown in seconds (not clamped at zero)");
}

#[test]
fn an_argument_out_of_range_is_rejected() {
    let args = SmaxArgs { max_steps: 0, ..SmaxArgs::default() };
    assert!(matches!(Smax::new(named("3m"), args), Err(ArgumentError::Wrong { .. })));
}

#[test]
fn battles_meet_the_environment_contract() {
    for scenario in SCENARIOS {
        let make = || Smax::new(*scenario, SmaxArgs::default()).expect("the arguments are valid");
        let report = check_env(make, 3_000).expect("the environment meets the contract");
        assert!(report.restores > 0 && report.episodes > 10, "{report:?}");
    }
}

#[test]
fn battles_meet_the_contract_under_every_option() {
    for args in [
        "self_play = true",
        "self_play = true\nuse_self_play_reward = true\nsee_enemy_actions = false",
        "observation_type = \"conic\"\nattack_mode = \"random\"",
        "walls_cause_death = false\nenemy_shoots = false\nmax_steps = 17",
        "map_width = 20\nmap_height = 12.5\nworld_steps_per_env_step = 3\ntime_per_step = 0.2",
        "deterministic = true\nwon_battle_bonus = 3",
    ] {
        for name in ["5m_vs_6m", "smacv2_5_units"] {
            let table: toml::Table = args.parse().expect("valid TOML");
            let args = SmaxArgs::from_table(&table).expect("the test's arguments are valid");
            let make = || Smax::new(named(name), args.clone()).expect("the arguments are valid");
            check_env(make, 3_000).unwrap_or_else(|error| panic!("{name} {args:?}: {error}"));
        }
    }
}

#[test]
fn masks_open_moves_to_the_living_and_attacks_within_range() {
    let mut field = Field::new("3m", "");
    let battle = &mut field.env.battle;
    for (unit, x) in [(0, 10.0), (1, 4.0), (2, 1.0), (3, 14.999), (4, 15.0), (5, 15.001)] {
        (battle.x[unit], battle.y[unit]) = (x, 16.0);
    }
    battle.health[2] = 0.0;
    field.rewrite();
    let masks = &field.rows.avail;
    assert_eq!(masks[..8], [true, true, true, true, true, true, false, false]);
    assert_eq!(masks[8..16], [true, true, true, true, true, false, false, false]);
    assert_eq!(masks[16..], [false, false, false, false, true, false, false, false]);
    assert_eq!(field.rows.alive, [true, true, false]);
}

#[test]
fn enemies_number_their_targets_and_observe_backwards() {
    let mut field = Field::new("5m_vs_6m", "self_play = true");
    let battle = &mut field.env.battle;
    for unit in 0..11 {
        (battle.x[unit], battle.y[unit]) = (10.0, 1.0 + 2.0 * unit as f32);
    }
    field.rewrite();
    // Enemy 0 is unit 5 at y = 11; ally 4 is at y = 9 and ally 3 at y = 7.
    let mask = &field.rows.avail[5 * 11..6 * 11];
    assert_eq!(mask[5..], [true, true, false, false, false, false]);
    assert_eq!(field.env.battle.target(5, 5), 4);
    let obs = &field.rows.obs[5 * 140..6 * 140];
    // Its own team comes first: units 10, 9, 8, 7, 6, then allies 4, 3, ….
    let y: Vec<f32> = (0..10).map(|row| obs[row * 13 + 2] * 9.0).collect();
    let seen = [0.0, 8.0, 6.0, 4.0, 2.0, -2.0, -4.0, -6.0, -8.0, 0.0];
    assert!(y.iter().zip(seen).all(|(y, seen)| (y - seen).abs() < 1e-5), "{y:?}");
}

#[test]
fn a_replayed_episode_has_the_same_bits() {
    let play = |field: &mut Field, given: Option<&[Vec<u16>]>| {
        let mut player = Rng::stream(3, Purpose::ScriptedPolicy, 0);
        let (mut bits, mut taken) = (Vec::new(), Vec::new());
        field.rng = Rng::stream(9, Purpose::Environment, 0);
        field.reset();
        for step in 0.. {
            bits.extend(field.rows.obs.iter().chain(&field.rows.state).map(|x| x.to_bits()));
            let masks = field.rows.avail.chunks_exact(field.env.spec.n_actions);
            let chosen =
                masks.map(|mask| player.choose(mask).expect("an action is available") as u16);
            let actions = given.map_or_else(|| chosen.collect(), |given| given[step].clone());
            let outcome = field.step(&actions);
            bits.push(outcome.reward.to_bits());
            taken.push(actions);
            if outcome.status.is_over() {
                return (bits, taken);
            }
        }
        unreachable!("episodes end")
    };
    for scenario in SCENARIOS {
        let mut field = Field::new(scenario.name, "");
        let (bits, actions) = play(&mut field, None);
        let (again, _) = play(&mut Field::new(scenario.name, ""), Some(&actions));
        assert!(bits == again, "{}", scenario.name);
    }
}

#[test]
fn the_script_plays_legal_actions() {
    let mut player = Rng::stream(3, Purpose::ScriptedPolicy, 0);
    for args in ["", "self_play = true", "attack_mode = \"random\""] {
        let mut field = Field::new("3s5z_vs_3s6z", args);
        let mut actions = vec![0; field.env.spec.n_agents()];
        let (mut won, mut attacks) = (0, 0);
        for _ in 0..20 {
            field.reset();
            loop {
                field.env.scripted_actions(0, &field.rows.avail, &mut player, &mut actions);
                let masks = field.rows.avail.chunks_exact(field.env.spec.n_actions);
                assert!(masks.zip(&actions).all(|(mask, &action)| mask[usize::from(action)]));
                attacks += actions.iter().filter(|&&action| action >= ATTACK).count();
                if field.step(&actions).status.is_over() {
                    break;
                }
            }
            won += u32::from(field.rows.info[0] > 0.0);
        }
        assert!(won < 20 && attacks > 1000, "{won} {attacks}");
    }
}

#[test]
fn a_frame_shows_units_and_the_enemies_actions() {
    let mut field = Field::new("3m", "");
    assert_eq!(field.env.frame()["enemy_actions"], serde_json::json!([]));
    field.step(&[4, 4, 4]);
    let frame = field.env.frame();
    // The enemies see no opponent yet and walk west.
    assert_eq!(frame["enemy_actions"], serde_json::json!([3, 3, 3]));
    let unit = &frame["units"][4];
    assert_eq!((&unit["team"], &unit["id"]), (&"enemy".into(), &1.into()));
    assert_eq!((&unit["type"], &unit["alive"]), (&"marine".into(), &true.into()));
    assert_eq!(unit["health"], 45.0);
}

#[test]
fn a_state_of_another_battle_is_refused() {
    let mut bytes = Vec::new();
    Field::new("8m", "").env.save(&mut bytes);
    let mut field = Field::new("3m", "");
    assert!(field.env.load(&bytes).is_err());
    assert!(field.env.load(&bytes[..10]).is_err());
}
