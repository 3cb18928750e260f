//! The networks of a team: shared by all, by groups, or not at all.

#![cfg(feature = "flex")]

use std::error::Error;

use burn::tensor::{Tensor, TensorData};
use phalanx_core::env::{AgentSpec, EnvSpec};
use phalanx_core::nn::{
    Actor, AgentConfig, AgentNetworks, InputNorm, RnnKind, Scratch, Sharing, device,
};
use phalanx_core::rng::{Purpose, Rng};

use crate::support::agent_config;

const CONFIG: AgentConfig = agent_config([5, 8, 3], Some(RnnKind::Gru));

fn spec(groups: &[usize]) -> EnvSpec {
    let agent = |&group| AgentSpec { name: String::new(), group, team: 0 };
    EnvSpec { agents: groups.iter().map(agent).collect(), ..EnvSpec::new("test", groups.len()) }
}

fn networks(owners: &[usize]) -> Result<AgentNetworks, Box<dyn Error>> {
    let mut rng = Rng::stream(3, Purpose::Weights, 0);
    Ok(AgentNetworks::new(&CONFIG, owners, &mut rng, &device("cpu")?))
}

fn random(n: usize) -> Vec<f32> {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    (0..n).map(|_| rng.range(-2.0, 2.0)).collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Result<Tensor<D>, Box<dyn Error>> {
    Ok(Tensor::from_data(TensorData::new(values.to_vec(), shape), &device("cpu")?))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("32-bit floats")
}

#[test]
fn agents_share_networks_as_configured() {
    let spec = spec(&[4, 2, 4]);
    assert_eq!(Sharing::All.owners(&spec), [0, 0, 0]);
    assert_eq!(Sharing::Group.owners(&spec), [1, 0, 1]);
    assert_eq!(Sharing::None.owners(&spec), [0, 1, 2]);
}

#[test]
fn every_agent_uses_its_own_network() -> Result<(), Box<dyn Error>> {
    let (time, episodes, agents) = (4, 2, 3);
    let rows = episodes * agents;
    let owners = [1, 0, 1];
    let team = networks(&owners)?;
    // The same draws in the same order: network 0, then network 1.
    let mut rng = Rng::stream(3, Purpose::Weights, 0);
    let alone = [CONFIG.init(&mut rng, &device("cpu")?), CONFIG.init(&mut rng, &device("cpu")?)];
    let (input, hidden) = (random(time * rows * 5), random(rows * 8));
    let inputs = || -> Result<_, Box<dyn Error>> {
        Ok((tensor(&input, [time, rows, 5])?, tensor(&hidden, [rows, 8])?))
    };
    let (x, h) = inputs()?;
    let out = team.forward(x, h, None);
    let (outputs, memories) = (numbers(out.output), numbers(out.hidden));
    let features = numbers(out.features);
    for (owner, network) in alone.iter().enumerate() {
        let (x, h) = inputs()?;
        let own = network.forward(x, h, None);
        let (own_outputs, own_features) = (numbers(own.output), numbers(own.features));
        let own_memories = numbers(own.hidden);
        for row in (0..rows).filter(|row| owners[row % agents] == owner) {
            for t in 0..time {
                let at = (t * rows + row) * 3;
                assert_eq!(outputs[at..at + 3], own_outputs[at..at + 3]);
                let at = (t * rows + row) * 8;
                assert_eq!(features[at..at + 8], own_features[at..at + 8]);
            }
            assert_eq!(memories[row * 8..row * 8 + 8], own_memories[row * 8..row * 8 + 8]);
        }
    }
    Ok(())
}

#[test]
fn an_actor_with_input_normalisation_reads_normalised_inputs() -> Result<(), Box<dyn Error>> {
    for owners in [[0, 0, 0, 0, 0], [0, 1, 0, 2, 1]] {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let actor = AgentNetworks::new(&CONFIG, &owners, &mut rng, &device("cpu")?).to_actor();
        let mut norm = InputNorm::new(CONFIG.input_dim);
        let mut input = |n: usize| -> Vec<f32> {
            (0..n * CONFIG.input_dim).map(|_| rng.range(-3.0, 9.0)).collect()
        };
        norm.update(&input(40));
        let rows = input(10);
        let step = |actor: &Actor, rows: &[f32]| {
            let mut hidden = vec![0.0; 10 * actor.carry_dim()];
            let mut output = vec![0.0; 10 * actor.output_dim()];
            actor.step(rows, &mut hidden, &mut output, &mut Scratch::default());
            output
        };
        let mut standardised = rows.clone();
        norm.normalise(&mut standardised);
        let expected = step(&actor, &standardised);
        assert_ne!(step(&actor, &rows), expected);
        assert_eq!(step(&actor.with_input_norm(norm), &rows), expected);
    }
    Ok(())
}

#[test]
fn an_actor_of_several_networks_computes_the_same_as_they_do() -> Result<(), Box<dyn Error>> {
    let rows = 6;
    let team = networks(&[0, 1, 2])?;
    let actor = team.to_actor();
    let (input, mut hidden) = (random(rows * 5), random(rows * 8));
    let computed = team.forward(tensor(&input, [1, rows, 5])?, tensor(&hidden, [rows, 8])?, None);
    let mut output = vec![f32::NAN; rows * 3];
    actor.step(&input, &mut hidden, &mut output, &mut Scratch::default());
    for (ours, theirs) in output.iter().zip(numbers(computed.output)) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }
    for (ours, theirs) in hidden.iter().zip(numbers(computed.hidden)) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }
    Ok(())
}
