//! The reported size of a packed episode is exactly what it takes from the allocator. The size limit of
//! the replay buffer bounds the sum of these sizes.
//!
//! The counting allocator is global, so this test has its own program.

use std::alloc::System;

use phalanx::env::StepRows;
use phalanx::envs::registry::make;
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use phalanx::train::replay::{Episode, PackedEpisode, Precision};
use phalanx::train::rollout::ScriptedPolicy;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Returns an episode of random play.
fn episode(env: &mut dyn Env, index: u32) -> Episode {
    let spec = env.spec().clone();
    let mut rng = Rng::stream(1, Purpose::Environment, index);
    let mut player = Rng::stream(1, Purpose::ScriptedPolicy, index);
    let mut rows = StepRows::new(&spec, 1, spec.episode_limit + 1);
    let mut actions = vec![0; spec.episode_limit * spec.n_agents()];
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let mut t = 0;
    loop {
        let avail = &rows.avail[t * spec.avail_len()..(t + 1) * spec.avail_len()];
        let chosen = &mut actions[t * spec.n_agents()..(t + 1) * spec.n_agents()];
        ScriptedPolicy::Random.act(env, avail, &mut player, chosen);
        t += 1;
        if env.step(chosen, &mut rng, rows.at_mut(t).row(&spec, 0)).status.is_over() {
            return Episode::from_rows(&spec, &rows, &actions, 0, t, true);
        }
    }
}

#[test]
fn the_reported_bytes_of_an_episode_are_those_of_the_allocator() {
    let mut env = make("skirmish/3m", &Default::default()).expect("the environment is registered");
    for index in 0..20 {
        let episode = episode(&mut *env, index);
        for precision in [Precision::F32, Precision::F16] {
            let region = Region::new(ALLOCATOR);
            let packed = PackedEpisode::pack(&episode, precision);
            let change = region.change();
            let held = change.bytes_allocated - change.bytes_deallocated;
            // The rest is counted by the list of the replay buffer.
            assert_eq!(held + size_of::<PackedEpisode>(), packed.bytes() as usize);
            assert_eq!(change.reallocations, 0, "packing reallocates nothing");
        }
    }
}
