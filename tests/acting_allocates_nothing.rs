//! After its first step, a team with any built-in encoder acts without allocating.
//!
//! The counting allocator is global, so this test has its own program.

use std::alloc::System;

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::Encoders;
use phalanx::train::rollout::TeamRunner;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations() -> usize {
    let counted = ALLOCATOR.stats();
    counted.allocations + counted.reallocations
}

#[test]
fn agents_allocate_nothing_after_their_first_step_with_any_encoder() {
    for entry in Encoders::builtin().iter() {
        let env = factory("skirmish/5m_vs_6m", &Default::default()).expect("it is registered");
        let obs: Vec<f32> = (0..env().spec().obs_len()).map(|i| (i % 3) as f32).collect();
        let mut trainer = Trainer::new(Vdn::default(), env);
        trainer.config.encoder = entry.id.to_owned();
        let policy = trainer.policy().expect("the configuration is valid");
        let mut team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
        team.reset(0);
        team.forward(&policy.actor, &obs);
        // Threads of the test harness or of a pool may allocate meanwhile, but not every time.
        let fewest = (0..10).map(|_| {
            let before = allocations();
            team.forward(&policy.actor, &obs);
            allocations() - before
        });
        assert_eq!(fewest.min(), Some(0), "{}", entry.id);
    }
}
