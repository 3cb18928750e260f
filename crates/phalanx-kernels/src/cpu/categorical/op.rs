//! Log-probabilities and entropies as a burn operation.

use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Int, Tensor};

use super::backward::backward;
use super::forward::{Inputs, forward};
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};

/// See [`categorical`](crate::categorical).
pub(crate) fn categorical(
    logits: Tensor<2>,
    mask_bias: Tensor<2>,
    actions: Tensor<2, Int>,
) -> Tensor<2> {
    let constants = [mask_bias.into_dispatch(), actions.float().into_dispatch()];
    apply(Categorical, [logits.into_dispatch()], constants)
}

#[derive(Debug)]
struct Categorical;

/// Data for the backward pass.
#[derive(Clone, Debug)]
struct Saved {
    distributions: Distributions,
    out: FlexTensor,
    log_sums: Vec<f32>,
}

impl Operation<Flex, 1, 2> for Categorical {
    type Saved = Saved;

    fn forward(
        self,
        [logits]: Tensors<1>,
        [mask_bias, actions]: Tensors<2>,
        _: bool,
    ) -> (FlexTensor, Saved) {
        let distributions = Distributions::new(logits, mask_bias, actions);
        let (out, log_sums) = forward(distributions.slices());
        let out = tensor(out, [log_sums.len(), 2]);
        (out.clone(), Saved { distributions, out, log_sums })
    }

    fn backward(saved: Saved, gradient: FlexTensor, _: [bool; 1]) -> Gradients<1> {
        let Saved { distributions, out, log_sums } = saved;
        let gradient = contiguous(gradient);
        let logits = backward(distributions.slices(), values(&out), &log_sums, values(&gradient));
        distributions.gradient(logits)
    }
}

/// The tensors of [`Inputs`], in row-major order.
#[derive(Clone, Debug)]
pub(crate) struct Distributions {
    logits: Tensors<1>,
    mask_bias: FlexTensor,
    actions: FlexTensor,
}

impl Distributions {
    pub(crate) fn new(logits: FlexTensor, mask_bias: FlexTensor, actions: FlexTensor) -> Self {
        let [logits, mask_bias, actions] = [logits, mask_bias, actions].map(contiguous);
        Self { logits: [logits], mask_bias, actions }
    }

    pub(crate) fn slices(&self) -> Inputs<'_> {
        Inputs {
            n_actions: self.logits[0].shape()[1],
            logits: values(&self.logits[0]),
            mask_bias: values(&self.mask_bias),
            actions: values(&self.actions),
        }
    }

    /// Creates the tensor of the logits' gradient.
    pub(crate) fn gradient(&self, logits: Vec<f32>) -> Gradients<1> {
        shaped_like(&self.logits, [Some(logits)])
    }
}
