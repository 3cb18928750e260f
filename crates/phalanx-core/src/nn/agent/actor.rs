//! Acting: agent networks on plain weights.

use std::ops::Range;
use std::sync::Arc;

use phalanx_kernels::{parallel_for, row_ranges, split_rows};

use super::actor_network::{ActorNetwork, LayerScratch};
use super::network::AgentNetwork;
use crate::nn::encoders::ObservationEncoder;
use crate::nn::layers::InputNorm;
use crate::nn::weights::ParameterValues;

/// Agent networks on plain weights, for rollouts on the CPU.
///
/// It computes the same as [`AgentNetworks::forward`](crate::nn::AgentNetworks::forward), one step
/// at a time, without tensors and without allocating; only an encoder without a plain version
/// ([`Encoder::plain`](crate::nn::Encoder::plain)) needs both. The bits of a row depend neither on
/// the number of rows in a call nor on the row's position, so a trajectory does not depend on how
/// environments are divided over threads.
#[derive(Clone, Debug)]
pub struct Actor {
    networks: Vec<ActorNetwork>,
    /// The index of each agent's network; empty if all agents share one.
    network_of_agent: Vec<usize>,
    /// The standardisation of inputs, if any.
    norm: Option<Arc<InputNorm>>,
}

/// The intermediate results of [`Actor::step`]. It grows on first use; on one thread, nothing is
/// allocated afterwards.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The memory of each thread that takes part.
    threads: Vec<ThreadScratch>,
}

#[derive(Clone, Debug, Default)]
struct ThreadScratch {
    layers: LayerScratch,
    /// Inputs after standardisation.
    standardised: Vec<f32>,
    /// The rows of the agents of one network, if there are several networks.
    input: Vec<f32>,
    hidden: Vec<f32>,
    output: Vec<f32>,
}

impl Actor {
    /// Creates the actor of a team that uses `networks`; `network_of_agent` holds the index of each
    /// agent's network.
    pub(super) fn new(
        networks: &[AgentNetwork],
        network_of_agent: &[usize],
        mut values: ParameterValues,
    ) -> Self {
        let network_of_agent =
            if networks.len() == 1 { Vec::new() } else { network_of_agent.to_vec() };
        let networks = networks.iter().map(|network| ActorNetwork::new(network, &mut values));
        Self { networks: networks.collect(), network_of_agent, norm: None }
    }

    /// Returns the same networks with standardisation of their inputs.
    #[must_use]
    pub fn with_input_norm(self, norm: InputNorm) -> Self {
        Self { norm: Some(Arc::new(norm)), ..self }
    }

    /// Returns the standardisation of inputs, if any.
    pub fn input_norm(&self) -> Option<&InputNorm> {
        self.norm.as_deref()
    }

    /// Returns the encoder of observations, if there is one.
    pub fn observation_encoder(&self) -> Option<&ObservationEncoder> {
        self.networks[0].observation_encoder()
    }

    /// Returns the length of one row's input.
    pub fn input_dim(&self) -> usize {
        self.networks[0].input_dim()
    }

    /// Returns the width of the first hidden layer.
    pub fn hidden_dim(&self) -> usize {
        self.networks[0].hidden_dim()
    }

    /// Returns the width of the second hidden layer: that of a feed-forward network, or the hidden
    /// state of a recurrent one.
    pub fn second_hidden_dim(&self) -> usize {
        self.networks[0].second_hidden_dim()
    }

    /// Returns the length of one row's carry: the hidden state, followed by the cell state of an
    /// LSTM.
    pub fn carry_dim(&self) -> usize {
        self.networks[0].carry_dim()
    }

    /// Returns the length of one row's output.
    pub fn output_dim(&self) -> usize {
        self.networks[0].output_dim()
    }

    /// Computes one step for any number of rows. `input` is `[row, input_dim]` and `output` is
    /// `[row, output_dim]`; `hidden`, the carry `[row, carry_dim]`, is updated in place. The caller
    /// must set the rows of `hidden` to zero where an episode begins. A feed-forward network leaves
    /// `hidden` unchanged. If agents have their own networks, a row is `environment * n_agents +
    /// agent`.
    ///
    /// Many rows are divided over the threads of the current rayon pool.
    ///
    /// # Panics
    ///
    /// Panics if the three slices have different numbers of rows.
    pub fn step(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let (in_dim, carry_dim, out_dim) = (self.input_dim(), self.carry_dim(), self.output_dim());
        let rows = input.len() / in_dim;
        assert_eq!(input.len(), rows * in_dim, "the input is [row, input_dim]");
        assert_eq!(hidden.len(), rows * carry_dim, "the carry is [row, carry_dim]");
        assert_eq!(output.len(), rows * out_dim, "the output is [row, output_dim]");
        // The rows of a team stay together.
        let team = self.network_of_agent.len().max(1);
        let work = rows * self.networks[0].multiply_adds();
        let threads = &mut scratch.threads;
        let Some(ranges) = row_ranges(rows / team, work) else {
            threads.resize_with(threads.len().max(1), ThreadScratch::default);
            return self.step_rows(input, hidden, output, &mut threads[0]);
        };
        threads.resize_with(threads.len().max(ranges.len()), ThreadScratch::default);
        let slices = split_rows(hidden, team * carry_dim, &ranges)
            .into_iter()
            .zip(split_rows(output, team * out_dim, &ranges))
            .zip(threads);
        type Task<'a> = (Range<usize>, ((&'a mut [f32], &'a mut [f32]), &'a mut ThreadScratch));
        let tasks = ranges.iter().cloned().zip(slices).collect();
        parallel_for(tasks, |(range, ((hidden, output), scratch)): Task<'_>| {
            let input = &input[range.start * team * in_dim..range.end * team * in_dim];
            self.step_rows(input, hidden, output, scratch);
        });
    }

    /// Computes one step of some rows on this thread.
    fn step_rows(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut ThreadScratch,
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
        if let [shared] = &self.networks[..] {
            shared.step(input, hidden, output, &mut scratch.layers);
            scratch.standardised = standardised;
            return;
        }
        let (in_dim, carry_dim, out_dim) = (self.input_dim(), self.carry_dim(), self.output_dim());
        let rows = input.len() / in_dim;
        let agents = self.network_of_agent.len();
        for (k, network) in self.networks.iter().enumerate() {
            let own = || (0..rows).filter(|row| self.network_of_agent[row % agents] == k);
            scratch.input.clear();
            scratch.hidden.clear();
            for row in own() {
                scratch.input.extend_from_slice(&input[row * in_dim..(row + 1) * in_dim]);
                scratch.hidden.extend_from_slice(&hidden[row * carry_dim..(row + 1) * carry_dim]);
            }
            scratch.output.resize(own().count() * out_dim, 0.0);
            let ThreadScratch { layers, input, hidden: own_hidden, output: own_output, .. } =
                scratch;
            network.step(input, own_hidden, own_output, layers);
            for (i, row) in own().enumerate() {
                hidden[row * carry_dim..(row + 1) * carry_dim]
                    .copy_from_slice(&own_hidden[i * carry_dim..(i + 1) * carry_dim]);
                output[row * out_dim..(row + 1) * out_dim]
                    .copy_from_slice(&own_output[i * out_dim..(i + 1) * out_dim]);
            }
        }
        scratch.standardised = standardised;
    }
}
