//! After its first step, a team with any built-in encoder acts without allocating.
//!
//! The counting allocator is global, so this test has its own program.

use std::alloc::System;

use phalanx::envs::registry::factory;
use phalanx::nn::{
    AgentConfig, EncoderSizes, HiddenActivation, Init, Normalisation, RnnKind, Scratch, device,
};
use phalanx::prelude::*;
use phalanx::train::Encoders;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use toml::Table;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations() -> usize {
    let counted = ALLOCATOR.stats();
    counted.allocations + counted.reallocations
}

#[test]
fn acting_with_any_encoder_allocates_nothing_after_the_first_step() {
    let cpu = device("cpu").expect("the CPU is always available");
    let make = factory("skirmish/5m_vs_6m", &Table::new()).expect("the environment exists");
    let env = make();
    let spec = env.spec();
    let encoders = Encoders::builtin();
    for entry in encoders.iter() {
        let encoder = encoders.read(entry.id, &Table::new()).expect("the defaults are valid");
        let encoder = encoder.expect("it is an encoder").sized(EncoderSizes::of(spec, 1));
        let config = AgentConfig {
            input_dim: spec.obs_dim,
            hidden_dim: 64,
            output_dim: spec.n_actions,
            recurrent: Some(RnnKind::Gru),
            second_hidden_dim: None,
            convolution: None,
            observation_encoder: Some(encoder),
            normalisation: Normalisation::None,
            activation: HiddenActivation::Relu,
            init: Init::default(),
        };
        let network = config.init(&mut Rng::stream(1, Purpose::Weights, 0), &cpu);
        let actor = network.to_actor();
        let rows = 8;
        let input: Vec<f32> = (0..rows * spec.obs_dim).map(|k| (k as f32).sin()).collect();
        let mut hidden = vec![0.0; rows * 64];
        let mut output = vec![0.0; rows * spec.n_actions];
        let mut scratch = Scratch::default();
        let mut step = || actor.step(&input, &mut hidden, &mut output, &mut scratch);
        step();
        let before = allocations();
        step();
        step();
        assert_eq!(allocations(), before, "{}", entry.id);
    }
}
