//! One agent network on plain weights.

use phalanx_kernels::{
    Activation, FilterScratch, Packed, activate, filter_multiply_adds, gru_cell, lstm_cell,
    multiply,
};

use super::actor_layers::{FeatureScratch, Features, Filters, Heads, LastLayer, Layer, Norm};
use super::network::{AgentNetwork, HiddenLayer};
use crate::nn::encoders::{EncoderNetwork, ObservationEncoder};
use crate::nn::layers::{LayerNorm, Lstm, RnnKind};
use crate::nn::weights::ParameterValues;

/// One network on plain weights.
#[derive(Clone, Debug)]
pub(super) struct ActorNetwork {
    input_norm: Option<Norm>,
    filters: Option<Filters>,
    observation_encoder: Option<Features>,
    encoder: Layer,
    norm: Option<Norm>,
    encoder_norm: Option<Norm>,
    core: ActorHidden,
    core_norm: Option<Norm>,
    head: LastLayer,
    activation: Activation,
}

/// The intermediate results of some rows.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerScratch {
    normal: Vec<f32>,
    pub(super) seen: Vec<f32>,
    pub(super) filtered: FilterScratch,
    pub(super) encoded: FeatureScratch,
    features: Vec<f32>,
    input_gates: Vec<f32>,
    hidden_gates: Vec<f32>,
    /// Hidden state and cell state of an LSTM, separately.
    state: Vec<f32>,
    cell: Vec<f32>,
    pub(super) heads: Heads,
}

#[derive(Clone, Debug)]
enum ActorHidden {
    Gru {
        input: Layer,
        hidden: Layer,
    },
    /// The input's bias is the sum of both biases.
    Lstm {
        input: Layer,
        hidden: Packed,
    },
    FeedForward(Layer),
}

impl ActorHidden {
    fn lstm(lstm: &Lstm, values: &mut ParameterValues) -> Self {
        let mut input = Layer::of(&lstm.weight_ih, &lstm.bias_ih, values);
        let Layer { weight, bias } = Layer::of(&lstm.weight_hh, &lstm.bias_hh, values);
        input.bias.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        Self::Lstm { input, hidden: weight }
    }
}

impl ActorNetwork {
    pub(super) fn new(network: &AgentNetwork, values: &mut ParameterValues) -> Self {
        let core = match &network.core {
            HiddenLayer::Gru(gru) => ActorHidden::Gru {
                input: Layer::of(&gru.weight_ih, &gru.bias_ih, values),
                hidden: Layer::of(&gru.weight_hh, &gru.bias_hh, values),
            },
            HiddenLayer::Lstm(lstm) => ActorHidden::lstm(lstm, values),
            HiddenLayer::FeedForward(linear) => {
                ActorHidden::FeedForward(Layer::linear(linear, values))
            }
        };
        let norm = |norm: &Option<LayerNorm>, values: &mut ParameterValues| {
            norm.as_ref().map(|norm| Norm::new(norm, values))
        };
        Self {
            input_norm: norm(&network.input_norm, values),
            filters: network.convolution.as_ref().map(|filters| Filters::new(filters, values)),
            observation_encoder: network.observation_encoder.as_ref().map(|encoder| Features {
                settings: encoder.encoder(),
                encoder: encoder.to_plain(values),
                reads: encoder.input_dim(),
                writes: encoder.output_dim(),
                weights: encoder.weights_dim(),
            }),
            encoder: Layer::linear(&network.encoder, values),
            norm: norm(&network.norm, values),
            encoder_norm: norm(&network.encoder_norm, values),
            core,
            core_norm: norm(&network.core_norm, values),
            head: LastLayer {
                layer: Layer::linear(&network.head, values),
                heads: (network.observation_encoder.as_ref())
                    .map_or(0..0, EncoderNetwork::head_actions),
            },
            activation: network.activation.into(),
        }
    }

    pub(super) fn input_dim(&self) -> usize {
        let reads = self.encoder.weight.inner();
        if let Some(filters) = &self.filters {
            return reads + filters.size.input_dim() - filters.size.output_dim();
        }
        let replaced = |features: &Features| reads + features.reads - features.writes;
        self.observation_encoder.as_ref().map_or(reads, replaced)
    }

    pub(super) fn observation_encoder(&self) -> Option<&ObservationEncoder> {
        self.observation_encoder.as_ref().map(|features| &features.settings)
    }

    pub(super) fn hidden_dim(&self) -> usize {
        self.encoder.weight.columns()
    }

    pub(super) fn second_hidden_dim(&self) -> usize {
        self.head.layer.weight.inner()
    }

    pub(super) fn output_dim(&self) -> usize {
        self.head.output_dim()
    }

    /// Returns the length of the carry, the state that a row passes from step to step.
    pub(super) fn carry_dim(&self) -> usize {
        let width = self.encoder.weight.columns();
        match &self.core {
            ActorHidden::Gru { .. } => RnnKind::Gru.carry_dim(width),
            ActorHidden::Lstm { .. } => RnnKind::Lstm.carry_dim(width),
            ActorHidden::FeedForward(_) => width,
        }
    }

    /// Returns the multiply-adds per row.
    pub(super) fn multiply_adds(&self) -> usize {
        let of = |layer: &Layer| layer.weight.inner() * layer.weight.columns();
        let core = match &self.core {
            ActorHidden::Gru { input, hidden } => of(input) + of(hidden),
            ActorHidden::Lstm { input, hidden } => of(input) + hidden.inner() * hidden.columns(),
            ActorHidden::FeedForward(middle) => of(middle),
        };
        let filters = self.filters.as_ref().map_or(0, |filters| filter_multiply_adds(filters.size));
        let encoder = self.observation_encoder.as_ref();
        let encoder = encoder.map_or(0, |features| features.encoder.multiply_adds());
        of(&self.encoder) + core + self.head.multiply_adds() + filters + encoder
    }

    pub(super) fn step(
        &self,
        input: &[f32],
        hidden: &mut [f32],
        output: &mut [f32],
        scratch: &mut LayerScratch,
    ) {
        let width = self.encoder.weight.columns();
        let rows = hidden.len() / self.carry_dim();
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
        if let Some(features) = &self.observation_encoder {
            features.forward(input, self.input_dim(), scratch);
        }
        let is_replaced = self.filters.is_some() || self.observation_encoder.is_some();
        let LayerScratch { seen, features, input_gates, hidden_gates, state, cell, heads, .. } =
            scratch;
        let input = if is_replaced { seen.as_slice() } else { input };
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
            ActorHidden::Gru { input, hidden: recurrent } => {
                input_gates.resize(rows * 3 * width, 0.0);
                hidden_gates.resize(rows * 3 * width, 0.0);
                input.forward(features, input_gates);
                recurrent.forward(hidden, hidden_gates);
                gru_cell(width, input_gates, hidden_gates, hidden, None);
                match &self.core_norm {
                    None => self.head.forward(hidden, heads, output),
                    Some(norm) => {
                        features.copy_from_slice(hidden);
                        norm.forward(features);
                        self.head.forward(features, heads, output);
                    }
                }
            }
            ActorHidden::Lstm { input, hidden: recurrent } => {
                input_gates.resize(rows * 4 * width, 0.0);
                state.clear();
                cell.clear();
                for memory in hidden.chunks_exact(2 * width) {
                    state.extend_from_slice(&memory[..width]);
                    cell.extend_from_slice(&memory[width..]);
                }
                input.forward(features, input_gates);
                multiply(state, recurrent, None, input_gates);
                lstm_cell(width, input_gates, state, cell, None);
                let parts = state.chunks_exact(width).zip(cell.chunks_exact(width));
                for (memory, (state, cell)) in hidden.chunks_exact_mut(2 * width).zip(parts) {
                    memory[..width].copy_from_slice(state);
                    memory[width..].copy_from_slice(cell);
                }
                if let Some(norm) = &self.core_norm {
                    norm.forward(state);
                }
                self.head.forward(state, heads, output);
            }
            ActorHidden::FeedForward(middle) => {
                input_gates.resize(rows * middle.weight.columns(), 0.0);
                middle.forward(features, input_gates);
                activate(self.activation, input_gates);
                if let Some(norm) = &self.core_norm {
                    norm.forward(input_gates);
                }
                self.head.forward(input_gates, heads, output);
            }
        }
        scratch.normal = normal;
    }
}
