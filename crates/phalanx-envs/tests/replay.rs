//! The same seed and actions give the same bits, from any copy.

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::registry;
use toml::Table;

/// Returns every bit of one episode and its actions; `actions` are random if not given.
fn episode(env: &mut dyn Env, seed: u64, given: Option<&[Vec<u16>]>) -> (Vec<u32>, Vec<Vec<u16>>) {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(seed, Purpose::Environment, 0);
    let mut player = Rng::stream(seed, Purpose::ScriptedPolicy, 0);
    let (mut bits, mut taken) = (Vec::new(), Vec::new());
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    for step in 0.. {
        bits.extend(rows.obs.iter().chain(&rows.state).map(|number| number.to_bits()));
        let masks = rows.avail.chunks_exact(spec.n_actions);
        let chosen: Vec<u16> =
            masks.map(|mask| player.choose(mask).expect("an action is available") as u16).collect();
        let actions = given.map_or(chosen, |given| given[step].clone());
        let outcome = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
        bits.push(outcome.reward.to_bits());
        taken.push(actions);
        if outcome.status.is_over() {
            break;
        }
    }
    (bits, taken)
}

#[test]
fn a_replayed_episode_has_the_same_bits() {
    for (id, args) in [
        ("skirmish/3m", ""),
        ("skirmish/10m_vs_11m", ""),
        ("skirmish/27m_vs_30m", ""),
        ("skirmish/terran_10_vs_11", ""),
        ("skirmish/terran_10_vs_11", "opponent = \"random\""),
        ("skirmish/protoss_5_vs_5", ""),
        ("skirmish/3s_vs_5z", "opponent = \"attack_nearest\""),
        ("smax/3s_vs_5z", ""),
        ("smax/smacv2_5_units", ""),
        ("two_step", ""),
        ("k_step", ""),
        ("mmdp", ""),
        ("predator_prey", ""),
        ("football/academy_3_vs_1_with_keeper", ""),
        ("football/academy_corner", "control = \"fixed\"\nagents = 3"),
        ("football/11_vs_11_stochastic", "agents = 11\nepisode_limit = 300"),
        ("predator_prey", "toroidal = true\nn_hare = 4\np_stags_rest = 0.5"),
    ] {
        let args: Table = args.parse().expect("valid TOML");
        let make = registry::factory(id, &args).expect("the environment exists");
        let mut env = make();
        // Earlier episodes must leave no trace.
        episode(&mut env, 8, None);
        let (bits, actions) = episode(&mut env, 9, None);
        let (again, _) = episode(&mut make(), 9, Some(&actions));
        assert!(bits == again, "{id} {args:?}");
    }
}

#[test]
fn seeds_matter_unless_randomness_is_switched_off() {
    let play = |args: &str, seed| {
        let args = args.parse().expect("valid TOML");
        let mut env = registry::make("skirmish/3m", &args).expect("the environment exists");
        let idle: Vec<Vec<u16>> = vec![vec![1; 3]; 7];
        let mut rng = Rng::stream(seed, Purpose::Environment, 0);
        let spec = env.spec().clone();
        let mut rows = StepRows::new(&spec, 1, 1);
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        let start = rows.state.clone();
        for actions in &idle {
            env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
        }
        (start, rows.state)
    };
    assert_ne!(play("", 1), play("", 2));
    let no_chance = "deterministic = true\nstart_scatter = false";
    assert_eq!(play(no_chance, 1), play(no_chance, 2));
    // Without chance in the rules, starting positions are still scattered.
    assert_ne!(play("deterministic = true", 1).0, play("deterministic = true", 2).0);
}
