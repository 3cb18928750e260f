//! Acting: an agent network on plain weights.

use burn::tensor::Tensor;

use super::agent::Core;
use super::kernels::{Packed, activate, gru_update, multiply};
use super::linear::{Activation, Linear};
use super::weights::read;

/// An agent network on plain weights, for rollouts on the CPU.
///
/// It computes what [`AgentNetwork::forward`](super::AgentNetwork::forward) computes, one step at
/// a time, without tensors and without allocating. The bits of a row depend neither on how many
/// rows a call has nor on where among them the row stands, so a trajectory does not depend on how
/// environments are shared out over threads.
#[derive(Clone, Debug)]
pub struct Actor {
    encoder: Layer,
    core: ActorCore,
    head: Layer,
}

/// The intermediate results of [`Actor::step`]. It grows on first use and then allocates no more;
/// each thread needs one.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    features: Vec<f32>,
    input_gates: Vec<f32>,
    hidden_gates: Vec<f32>,
}

#[derive(Clone, Debug)]
enum ActorCore {
    Recurrent { input: Layer, hidden: Layer },
    FeedForward(Layer),
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Packed,
    bias: Vec<f32>,
}

impl Layer {
    fn new(weight: Tensor<2>, bias: Tensor<1>) -> Self {
        let [input, output] = weight.dims();
        let readable = "the weights of a network can be read from its device";
        let weight = Packed::new(&read(weight).expect(readable), input, output);
        Self { weight, bias: read(bias).expect(readable) }
    }

    /// `[row, input]` to `[row, output]`.
    fn forward(&self, x: &[f32], y: &mut [f32]) {
        multiply(x, &self.weight, Some(&self.bias), y);
    }
}

impl Actor {
    pub(super) fn new(encoder: &Linear, core: &Core, head: &Linear) -> Self {
        let layer = |linear: &Linear| Layer::new(linear.weight.val(), linear.bias.val());
        let core = match core {
            Core::Recurrent(gru) => ActorCore::Recurrent {
                input: Layer::new(gru.weight_ih.val(), gru.bias_ih.val()),
                hidden: Layer::new(gru.weight_hh.val(), gru.bias_hh.val()),
            },
            Core::FeedForward(linear) => ActorCore::FeedForward(layer(linear)),
        };
        Self { encoder: layer(encoder), core, head: layer(head) }
    }

    /// The length of one row's input.
    pub fn input_dim(&self) -> usize {
        self.encoder.weight.inner()
    }

    /// The length of one row's hidden state.
    pub fn hidden_dim(&self) -> usize {
        self.encoder.weight.columns()
    }

    /// The length of one row's output.
    pub fn output_dim(&self) -> usize {
        self.head.weight.columns()
    }

    /// One step for any number of rows: `input` is `[row, input_dim]`, `output` is
    /// `[row, output_dim]`, and `hidden`, `[row, hidden_dim]`, is updated in place. Where an
    /// episode begins, the caller sets its rows of `hidden` to zero beforehand. A feed-forward
    /// network leaves `hidden` alone.
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
        let rows = input.len() / self.input_dim();
        let width = self.hidden_dim();
        assert_eq!(input.len(), rows * self.input_dim(), "the input is [row, input_dim]");
        assert_eq!(hidden.len(), rows * width, "the hidden state is [row, hidden_dim]");
        assert_eq!(output.len(), rows * self.output_dim(), "the output is [row, output_dim]");
        let Scratch { features, input_gates, hidden_gates } = scratch;
        features.resize(rows * width, 0.0);
        self.encoder.forward(input, features);
        activate(Activation::Relu, features);
        match &self.core {
            ActorCore::Recurrent { input, hidden: recurrent } => {
                input_gates.resize(rows * 3 * width, 0.0);
                hidden_gates.resize(rows * 3 * width, 0.0);
                input.forward(features, input_gates);
                recurrent.forward(hidden, hidden_gates);
                gru_update(width, input_gates, hidden_gates, hidden, None);
                self.head.forward(hidden, output);
            }
            ActorCore::FeedForward(middle) => {
                input_gates.resize(rows * width, 0.0);
                middle.forward(features, input_gates);
                activate(Activation::Relu, input_gates);
                self.head.forward(input_gates, output);
            }
        }
    }
}
