//! Acting: an agent network on plain weights.

use std::ops::Range;
use std::sync::Arc;

use burn::module::Param;
use burn::tensor::Tensor;

use super::agent::{AgentNetwork, Core};
use super::convolution::{Convolution, FrameConvolution};
use super::input_norm::InputNorm;
use super::kernels::{
    FilterLayer, Packed, activate, each, filter, gru_update, lstm_update, multiply, normalise,
    shares, split,
};
use super::layer_norm::{EPS, LayerNorm};
use super::linear::{Activation, Linear};
use super::lstm::Lstm;
use super::recurrent::RecurrentUnit;
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

/// One network on plain weights.
#[derive(Clone, Debug)]
struct Network {
    input_norm: Option<Norm>,
    filters: Option<Filters>,
    encoder: Layer,
    norm: Option<Norm>,
    encoder_norm: Option<Norm>,
    core: ActorCore,
    core_norm: Option<Norm>,
    head: Layer,
    activation: Activation,
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

#[derive(Clone, Debug, Default)]
struct LayerScratch {
    normal: Vec<f32>,
    seen: Vec<f32>,
    filtered: [Vec<f32>; 4],
    features: Vec<f32>,
    input_gates: Vec<f32>,
    hidden_gates: Vec<f32>,
    /// State and cell of an LSTM, each for itself.
    state: Vec<f32>,
    cell: Vec<f32>,
}

#[derive(Clone, Debug)]
enum ActorCore {
    Gru {
        input: Layer,
        hidden: Layer,
    },
    /// Both biases are the input's.
    Lstm {
        input: Layer,
        hidden: Packed,
    },
    FeedForward(Layer),
}

impl ActorCore {
    fn lstm(lstm: &Lstm, numbers: &mut Numbers) -> Self {
        let mut input = Layer::new(&lstm.weight_ih, &lstm.bias_ih, numbers);
        let Layer { weight, bias } = Layer::new(&lstm.weight_hh, &lstm.bias_hh, numbers);
        input.bias.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        Self::Lstm { input, hidden: weight }
    }
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Packed,
    bias: Vec<f32>,
}

/// A convolution on plain weights.
#[derive(Clone, Debug)]
struct Filters {
    size: Convolution,
    layers: Vec<Layer>,
}

impl Filters {
    fn new(convolution: &FrameConvolution, numbers: &mut Numbers) -> Self {
        let layers = convolution.layers.iter().map(|layer| Layer::linear(layer, numbers));
        Self { size: convolution.config(), layers: layers.collect() }
    }

    /// Replaces the observations in `input`, `[row, input_dim]`, by what the filters make of them.
    fn forward(&self, input: &[f32], dim: usize, scratch: &mut LayerScratch) {
        let LayerScratch { seen, filtered, .. } = scratch;
        let (reads, writes) = (self.size.input_dim(), self.size.output_dim());
        let width = writes + dim - reads;
        seen.resize(input.len() / dim * width, 0.0);
        let layers = [0, 1, 2].map(|at| {
            let Layer { weight, bias } = &self.layers[at];
            FilterLayer { weight, bias }
        });
        filter(self.size, layers, (input, dim), (seen, width), filtered);
        for (row, seen) in input.chunks_exact(dim).zip(seen.chunks_exact_mut(width)) {
            seen[writes..].copy_from_slice(&row[reads..]);
        }
    }
}

/// Layer normalisation on plain weights.
#[derive(Clone, Debug)]
struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    fn new(norm: &LayerNorm, numbers: &mut Numbers) -> Self {
        Self { scale: numbers.take(&norm.scale), shift: numbers.take(&norm.shift) }
    }

    /// Normalises every row in place.
    fn forward(&self, rows: &mut [f32]) {
        normalise(rows, (&self.scale, &self.shift), EPS, None);
    }
}

impl Layer {
    fn new(weight: &Param<Tensor<2>>, bias: &Param<Tensor<1>>, numbers: &mut Numbers) -> Self {
        let [input, output] = weight.dims();
        // An actor may have few rows now and many later, and its bits must not depend on them.
        let rows = usize::MAX;
        let weight = Packed::new(&numbers.take(weight), input, output, rows);
        Self { weight, bias: numbers.take(bias) }
    }

    fn linear(linear: &Linear, numbers: &mut Numbers) -> Self {
        Self::new(&linear.weight, &linear.bias, numbers)
    }

    /// `[row, input]` to `[row, output]`.
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        multiply(x, &self.weight, Some(&self.bias), y);
    }
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
        let Network { filters, encoder, .. } = &self.networks[0];
        let reads = encoder.weight.inner();
        filters
            .as_ref()
            .map_or(reads, |filters| reads + filters.size.input_dim() - filters.size.output_dim())
    }

    /// The width of the first hidden layer.
    pub fn hidden_dim(&self) -> usize {
        self.networks[0].encoder.weight.columns()
    }

    /// The width of the second one: of a feed-forward network's second layer, or of the hidden state.
    pub fn second_hidden_dim(&self) -> usize {
        self.networks[0].head.weight.inner()
    }

    /// The length of one row's memory: the hidden state, and behind it the cell of an LSTM.
    pub fn memory_dim(&self) -> usize {
        self.networks[0].memory_dim()
    }

    /// The length of one row's output.
    pub fn output_dim(&self) -> usize {
        self.networks[0].head.weight.columns()
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

impl Network {
    fn new(network: &AgentNetwork, numbers: &mut Numbers) -> Self {
        let core = match &network.core {
            Core::Gru(gru) => ActorCore::Gru {
                input: Layer::new(&gru.weight_ih, &gru.bias_ih, numbers),
                hidden: Layer::new(&gru.weight_hh, &gru.bias_hh, numbers),
            },
            Core::Lstm(lstm) => ActorCore::lstm(lstm, numbers),
            Core::FeedForward(linear) => ActorCore::FeedForward(Layer::linear(linear, numbers)),
        };
        let norm = |norm: &Option<LayerNorm>, numbers: &mut Numbers| {
            norm.as_ref().map(|norm| Norm::new(norm, numbers))
        };
        Self {
            input_norm: norm(&network.input_norm, numbers),
            filters: network.convolution.as_ref().map(|filters| Filters::new(filters, numbers)),
            encoder: Layer::linear(&network.encoder, numbers),
            norm: norm(&network.norm, numbers),
            encoder_norm: norm(&network.encoder_norm, numbers),
            core,
            core_norm: norm(&network.core_norm, numbers),
            head: Layer::linear(&network.head, numbers),
            activation: network.activation.into(),
        }
    }

    /// The numbers of memory of a row.
    fn memory_dim(&self) -> usize {
        let width = self.encoder.weight.columns();
        match &self.core {
            ActorCore::Gru { .. } => RecurrentUnit::Gru.memory_dim(width),
            ActorCore::Lstm { .. } => RecurrentUnit::Lstm.memory_dim(width),
            ActorCore::FeedForward(_) => width,
        }
    }

    /// The multiply-adds of a row.
    fn multiply_adds(&self) -> usize {
        let of = |layer: &Layer| layer.weight.inner() * layer.weight.columns();
        let core = match &self.core {
            ActorCore::Gru { input, hidden } => of(input) + of(hidden),
            ActorCore::Lstm { input, hidden } => of(input) + hidden.inner() * hidden.columns(),
            ActorCore::FeedForward(middle) => of(middle),
        };
        let filters = self.filters.iter().flat_map(|filters| {
            filters.layers.iter().map(|layer| filters.size.places() * of(layer))
        });
        of(&self.encoder) + core + of(&self.head) + filters.sum::<usize>()
    }

    fn step(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut LayerScratch,
    ) {
        let width = self.encoder.weight.columns();
        let rows = hidden.len() / self.memory_dim();
        let mut normal = std::mem::take(&mut scratch.normal);
        let input = match &self.input_norm {
            None => input,
            Some(norm) => {
                normal.clear();
                normal.extend_from_slice(input);
                norm.forward(&mut normal);
                &normal
            }
        };
        if let Some(filters) = &self.filters {
            filters.forward(input, input.len() / rows, scratch);
        }
        let LayerScratch { seen, features, input_gates, hidden_gates, state, cell, .. } = scratch;
        let input = if self.filters.is_some() { seen.as_slice() } else { input };
        features.resize(rows * width, 0.0);
        self.encoder.forward(input, features);
        if let Some(norm) = &self.norm {
            norm.forward(features);
        }
        activate(self.activation, features);
        if let Some(norm) = &self.encoder_norm {
            norm.forward(features);
        }
        match &self.core {
            ActorCore::Gru { input, hidden: recurrent } => {
                input_gates.resize(rows * 3 * width, 0.0);
                hidden_gates.resize(rows * 3 * width, 0.0);
                input.forward(features, input_gates);
                recurrent.forward(hidden, hidden_gates);
                gru_update(width, input_gates, hidden_gates, hidden, None);
                match &self.core_norm {
                    None => self.head.forward(hidden, output),
                    Some(norm) => {
                        features.copy_from_slice(hidden);
                        norm.forward(features);
                        self.head.forward(features, output);
                    }
                }
            }
            ActorCore::Lstm { input, hidden: recurrent } => {
                input_gates.resize(rows * 4 * width, 0.0);
                state.clear();
                cell.clear();
                for memory in hidden.chunks_exact(2 * width) {
                    state.extend_from_slice(&memory[..width]);
                    cell.extend_from_slice(&memory[width..]);
                }
                input.forward(features, input_gates);
                multiply(state, recurrent, None, input_gates);
                lstm_update(width, input_gates, state, cell, None);
                let parts = state.chunks_exact(width).zip(cell.chunks_exact(width));
                for (memory, (state, cell)) in hidden.chunks_exact_mut(2 * width).zip(parts) {
                    memory[..width].copy_from_slice(state);
                    memory[width..].copy_from_slice(cell);
                }
                if let Some(norm) = &self.core_norm {
                    norm.forward(state);
                }
                self.head.forward(state, output);
            }
            ActorCore::FeedForward(middle) => {
                input_gates.resize(rows * middle.weight.columns(), 0.0);
                middle.forward(features, input_gates);
                activate(self.activation, input_gates);
                if let Some(norm) = &self.core_norm {
                    norm.forward(input_gates);
                }
                self.head.forward(input_gates, output);
            }
        }
        scratch.normal = normal;
    }
}
