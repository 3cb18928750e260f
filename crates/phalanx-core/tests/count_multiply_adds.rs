//! The multiply-add counter. It has its own test binary, because it counts the whole process.

#![cfg(feature = "flex")]

use phalanx_core::nn::{
    AgentConfig, HiddenActivation, Init, Normalisation, Scratch, count_multiply_adds, device,
};
use phalanx_core::rng::{Purpose, Rng};

#[test]
fn the_multiply_adds_of_a_decision_are_counted() {
    let (rows, reads, width, writes) = (6, 5, 16, 7);
    let config = AgentConfig {
        input_dim: reads,
        hidden_dim: width,
        output_dim: writes,
        recurrent: None,
        second_hidden_dim: None,
        convolution: None,
        observation_encoder: None,
        normalisation: Normalisation::None,
        activation: HiddenActivation::Relu,
        init: Init::default(),
    };
    let device = device("cpu").expect("the CPU is always available");
    let actor = config.init(&mut Rng::stream(0, Purpose::Check, 0), &device).to_actor();
    let mut output = vec![0.0; rows * writes];
    let mut hidden = vec![0.0; rows * actor.carry_dim()];
    let mut step = || {
        actor.step(&vec![0.5; rows * reads], &mut hidden, &mut output, &mut Scratch::default());
    };
    step();
    let ((), once) = count_multiply_adds(&mut step);
    assert_eq!(once, (rows * (reads * width + width * width + width * writes)) as u64);
    step();
    let ((), none) = count_multiply_adds(|| ());
    assert_eq!(none, 0, "only work inside the closure is counted");
}
