//! Acting: an agent network on plain weights.

use std::ops::Range;
use std::sync::Arc;

use super::actor_network::{LayerScratch, Network};
use super::agent::AgentNetwork;
use super::input_norm::InputNorm;
use super::kernels::{each, shares, split};
use super::weights::Numbers;

/// Agent networks on plain weights, for rollouts on the CPU.
///
/// It computes what [`AgentNetworks::forward`](super::AgentNetworks::forward) computes, one step at
/// a time, without tensors and without allocating. The bits of a row depend neither on how many
/// rows a call has nor on where among them the row stands, so a trajectory does not depend on how
/// environments are shared out over threads.
#[derive(Clone, Debug)]
pub struct Actor {
    networks: Vec<Network>,
    /// The network of each agent; empty where all agents share one.
    owner: Vec<usize>,
    /// What standardises every input.
    norm: Option<Arc<InputNorm>>,
}

/// The intermediate results of [`Actor::step`]. It grows on first use; on one thread nothing is
/// allocated from then on.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// One for each thread that takes part.
    shares: Vec<ShareScratch>,
}

#[derive(Clone, Debug, Default)]
struct ShareScratch {
    layers: LayerScratch,
    /// Inputs of networks whose inputs are standardised.
    standardised: Vec<f32>,
    /// The rows of the agents of one network, where there are several networks.
    input: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
}

impl Actor {
    /// The actor of a team that uses `networks`; `owner` holds the index of each agent's.
    pub(super) fn new(networks: &[AgentNetwork], owner: &[usize], mut numbers: Numbers) -> Self {
        let owner = if networks.len() == 1 { Vec::new() } else { owner.to_vec() };
        let networks = networks.iter().map(|network| Network::new(network, &mut numbers));
        Self { networks: networks.collect(), owner, norm: None }
    }

    /// The same networks, with inputs that are standardised before they are read.
    #[must_use]
    pub fn standardising(self, norm: InputNorm) -> Self {
        Self { norm: Some(Arc::new(norm)), ..self }
    }

    /// What standardises inputs.
    pub fn input_norm(&self) -> Option<&InputNorm> {
        self.norm.as_deref()
    }

    /// The length of one row's input.
    pub fn input_dim(&self) -> usize {
        self.networks[0].input_dim()
    }

    /// The width of the first hidden layer.
    pub fn hidden_dim(&self) -> usize {
        self.networks[0].hidden_dim()
    }

    /// The width of the second one: of a feed-forward network's second layer, or of the hidden state.
    pub fn second_hidden_dim(&self) -> usize {
        self.networks[0].second_hidden_dim()
    }

    /// The length of one row's memory: the hidden state, and behind it the cell of an LSTM.
    pub fn memory_dim(&self) -> usize {
        self.networks[0].memory_dim()
    }

    /// The length of one row's output.
    pub fn output_dim(&self) -> usize {
        self.networks[0].output_dim()
    }

    /// One step for any number of rows: `input` is `[row, input_dim]`, `output` is
    /// `[row, output_dim]`, and `hidden`, the memory `[row, memory_dim]`, is updated in place. Where an
    /// episode begins, the caller sets its rows of `hidden` to zero beforehand. A feed-forward
    /// network leaves `hidden` alone. Where agents have networks of their own, a row is
    /// `environment * n_agents + agent`.
    ///
    /// Many rows are shared out over the threads of the current rayon pool.
    ///
    /// # Panics
    ///
    /// When the three slices disagree about the number of rows.
    pub fn step(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let (reads, width, writes) = (self.input_dim(), self.memory_dim(), self.output_dim());
        let rows = input.len() / reads;
        assert_eq!(input.len(), rows * reads, "the input is [row, input_dim]");
        assert_eq!(hidden.len(), rows * width, "the memory is [row, memory_dim]");
        assert_eq!(output.len(), rows * writes, "the output is [row, output_dim]");
        let unit = self.owner.len().max(1);
        let Some(shares) = shares(rows / unit, rows * self.networks[0].multiply_adds()) else {
            scratch.shares.resize_with(scratch.shares.len().max(1), ShareScratch::default);
            return self.share(input, hidden, output, &mut scratch.shares[0]);
        };
        scratch.shares.resize_with(scratch.shares.len().max(shares.len()), ShareScratch::default);
        let slices = split(hidden, unit * width, &shares)
            .into_iter()
            .zip(split(output, unit * writes, &shares))
            .zip(&mut scratch.shares);
        type Task<'a> = (Range<usize>, ((&'a mut [f32], &'a mut [f32]), &'a mut ShareScratch));
        let tasks = shares.iter().cloned().zip(slices).collect();
        each(tasks, |(share, ((hidden, output), scratch)): Task<'_>| {
            let input = &input[share.start * unit * reads..share.end * unit * reads];
            self.share(input, hidden, output, scratch);
        });
    }

    /// One step of some rows, on one thread.
    fn share(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut ShareScratch,
    ) {
        let mut standardised = std::mem::take(&mut scratch.standardised);
        let input = match &self.norm {
            None => input,
            Some(norm) => {
                standardised.clear();
                standardised.extend_from_slice(input);
                norm.normalise(&mut standardised);
                &standardised
            }
        };
        self.decide(input, hidden, output, scratch);
        scratch.standardised = standardised;
    }

    /// The same from what networks read.
    fn decide(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut ShareScratch,
    ) {
        if let [shared] = &self.networks[..] {
            shared.step(input, hidden, output, &mut scratch.layers);
            return;
        }
        let (reads, width, writes) = (self.input_dim(), self.memory_dim(), self.output_dim());
        let rows = input.len() / reads;
        let agents = self.owner.len();
        for (k, network) in self.networks.iter().enumerate() {
            let own = || (0..rows).filter(|row| self.owner[row % agents] == k);
            scratch.input.clear();
            scratch.hidden.clear();
            for row in own() {
                scratch.input.extend_from_slice(&input[row * reads..(row + 1) * reads]);
                scratch.hidden.extend_from_slice(&hidden[row * width..(row + 1) * width]);
            }
            scratch.output.resize(own().count() * writes, 0.0);
            let ShareScratch { layers, input, hidden: memory, output: answer, .. } = scratch;
            network.step(input, memory, answer, layers);
            for (i, row) in own().enumerate() {
                hidden[row * width..(row + 1) * width]
                    .copy_from_slice(&memory[i * width..(i + 1) * width]);
                output[row * writes..(row + 1) * writes]
                    .copy_from_slice(&answer[i * writes..(i + 1) * writes]);
            }
        }
    }
}
