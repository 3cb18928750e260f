//! After its first episode, an environment allocates nothing in resets and steps.
//!
//! The counting allocator is global, so this test has its own program.

use std::alloc::System;

use phalanx::env::check_allocations;
use phalanx::envs::registry::{factory, list};
use phalanx::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

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
const FOOTBALL: [&str; 3] = [
    "episode_limit = 400",
    "obs = \"entities\"\nmasks = \"grf_marl\"\nepisode_limit = 400",
    "obs = \"planes\"\nobs_stack = 4\nagents = 1\nepisode_limit = 100",
];

fn allocations() -> usize {
    let counted = ALLOCATOR.stats();
    counted.allocations + counted.reallocations
}

/// An environment whose steps allocate.
struct Leaky(EnvSpec);

impl Env for Leaky {
    fn spec(&self) -> &EnvSpec {
        &self.0
    }
    fn reset(&mut self, _: &mut Rng, mut out: StepBuffers<'_>) {
        out.clear();
    }
    fn step(&mut self, _: &[u16], _: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
        drop(std::hint::black_box(vec![0_u8; 100]));
        out.clear();
        StepResult { reward: 0.0, status: StepStatus::Terminated }
    }
    fn save(&self, _: &mut Vec<u8>) {}
    fn load(&mut self, _: &[u8]) -> Result<(), EnvError> {
        Ok(())
    }
}

#[test]
fn no_environment_allocates_after_its_first_episode() {
    // Checks that the counter works.
    let before = allocations();
    drop(std::hint::black_box(vec![0_u8; 100]));
    assert_eq!(allocations(), before + 1);
    let leak = check_allocations(|| Leaky(EnvSpec::new("leaky", 1)), 3, allocations);
    assert_eq!(
        leak.expect_err("every step allocates").to_string(),
        "`leaky`, episode 1, step 1 with the actions [0] (seed 24301): `step` allocates memory (allocations: 1)"
    );

    let mut found = Vec::new();
    for entry in list().iter().filter(|entry| entry.required_argument().is_none()) {
        let options = match entry.id.split('/').next() {
            Some("skirmish") => &BATTLES[..],
            Some("smax") => &SMAX[..],
            Some("football") => &FOOTBALL[..],
            _ => &[""][..],
        };
        for text in options {
            let args = text.parse().expect("valid TOML");
            let make = factory(&entry.id, &args).expect("the environment is registered");
            if let Err(error) = check_allocations(make, 3, allocations) {
                found.push(format!("{error} (arguments {text:?})"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
