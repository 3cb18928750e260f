//! Networks over entities as burn operations.

use std::fmt::Debug;

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

pub(crate) use super::deep_sets::DeepSets;
pub(crate) use super::gat::Gat;
pub(crate) use super::gcn::Gcn;
pub(crate) use super::hpn::Hpn;
pub(crate) use super::targets::OutputRow;
pub(crate) use super::transformer::Transformer;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};

/// A network over the entities in rows of observations.
pub(crate) trait EntityNetwork: Clone + Debug + Send + 'static {
    /// Returns the length of an output row.
    fn output_dim(&self) -> usize;

    /// Computes the output, `[row, output_dim]`, from observations, `[row, view_dim]`.
    fn forward(&self, parameters: &[f32], obs: &[f32]) -> Vec<f32>;

    /// Computes the gradient of the parameters from the output and its gradient.
    fn backward(
        &self,
        parameters: &[f32],
        obs: &[f32],
        output: &[f32],
        gradient: &[f32],
    ) -> Vec<f32>;
}

/// Applies a network with flat parameters to observations, `[row, view_dim]`, which get no gradient.
pub(crate) fn entity_network<N: EntityNetwork>(
    network: N,
    parameters: Tensor<1>,
    obs: Tensor<2>,
) -> Tensor<2> {
    apply(Apply(network), [parameters.into_dispatch()], [obs.into_dispatch()])
}

#[derive(Clone, Debug)]
struct Apply<N>(N);

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved<N> {
    network: N,
    parameters: Tensors<1>,
    obs: FlexTensor,
    output: FlexTensor,
}

impl<N: EntityNetwork> Operation<Flex, 1, 1> for Apply<N> {
    type Saved = Saved<N>;

    fn forward(
        self,
        parameters: Tensors<1>,
        [obs]: Tensors<1>,
        _: bool,
    ) -> (FlexTensor, Self::Saved) {
        let Self(network) = self;
        let (parameters, obs) = (parameters.map(contiguous), contiguous(obs));
        let output = network.forward(values(&parameters[0]), values(&obs));
        let output = tensor(output, [obs.shape()[0], network.output_dim()]);
        (output.clone(), Saved { network, parameters, obs, output })
    }

    fn backward(saved: Self::Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { network, parameters, obs, output } = saved;
        let gradient = contiguous(gradient);
        let [obs, output, gradient] = [&obs, &output, &gradient].map(values);
        let found = network.backward(values(&parameters[0]), obs, output, gradient);
        shaped_like(&parameters, [Some(found)])
    }
}
