//! After its first episode, an environment allocates nothing in resets and steps.
//!
//! The counting allocator is global, so this test has its own program.

use std::alloc::System;

use phalanx::env::StepRows;
use phalanx::envs::registry::{list, make};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Options that exercise more of a battle than the defaults do.
const BATTLES: [&str; 6] = [
    "",
    "self_play = true",
    "conic_fov = true\nprob_obs_enemy = 0.0\naction_mask = false\nobs_own_pos = true",
    "self_play = true\nconic_fov = true\nprob_obs_enemy = 0.5\nuse_unit_ranges = true\n\
     fix_quirks = true\nobs_last_action = true\nobs_pathing_grid = true\nobs_terrain_height = true",
    "heuristic_ai = true",
    "self_play = true\nheuristic_ai = true\nheuristic_rest = true\nobs_instead_of_state = true",
];
const SMAX: [&str; 4] = [
    "",
    "self_play = true",
    "observation_type = \"conic\"",
    "attack_mode = \"random\"\nsee_enemy_actions = false",
];

/// Plays `episodes` at random. The error states in which step the allocator was called, and how often.
fn play(env: &mut dyn Env, episodes: usize) -> Result<(), String> {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(1, Purpose::Environment, 0);
    let mut player = Rng::stream(1, Purpose::Check, 0);
    let mut actions = vec![0_u16; spec.n_agents()];
    for episode in 0..=episodes {
        let region = Region::new(ALLOCATOR);
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        let mut step = 0;
        loop {
            let calls = region.change();
            if episode > 0 && calls.allocations + calls.reallocations > 0 {
                return Err(format!("step {step} of episode {episode}: {calls:?}"));
            }
            if step > 0 && rows.status[0].is_over() {
                break;
            }
            for (action, mask) in actions.iter_mut().zip(rows.avail.chunks_exact(spec.n_actions)) {
                *action = player.choose(mask).map_or(0, |index| index as u16);
            }
            rows.status[0] = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0)).status;
            step += 1;
        }
    }
    Ok(())
}

#[test]
fn no_environment_allocates_after_its_first_episode() {
    // Checks that the counter works.
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(region.change().allocations, 1);

    let mut found = Vec::new();
    for entry in list().iter().filter(|entry| entry.required_argument().is_none()) {
        let options = match entry.id.split('/').next() {
            Some("skirmish") => &BATTLES[..],
            Some("smax") => &SMAX[..],
            _ => &[""][..],
        };
        for text in options {
            let args = text.parse().expect("valid TOML");
            let mut env = make(&entry.id, &args).expect("the environment is registered");
            if let Err(where_) = play(&mut *env, 3) {
                found.push(format!("{} with {text:?}: {where_}", entry.id));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
