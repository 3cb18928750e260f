//! The losses of policies and critics as burn operations.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchTensor, Flex};
use burn::tensor::Tensor;

use super::losses::{self, PolicySums};
use crate::cpu::categorical::op::Distributions;
use crate::cpu::flex_tensor::{Gradients, Tensors, contiguous, shaped_like, tensor, values};
use crate::operation::{Operation, apply};
use crate::{PolicyTargets, ValueTargets};

/// See [`ppo_loss`](crate::ppo_loss).
pub(crate) fn ppo_loss(logits: Tensor<2>, targets: &PolicyTargets, clip: f32) -> Tensor<1> {
    let constants = [
        targets.mask_bias.clone().into_dispatch(),
        targets.actions.clone().float().into_dispatch(),
        column(&targets.log_prob),
        column(&targets.advantage),
        column(&targets.weight),
    ];
    apply(PolicyLoss { clip }, [logits.into_dispatch()], constants)
}

/// See [`value_loss`](crate::value_loss).
pub(crate) fn value_loss(
    values: Tensor<2>,
    targets: &ValueTargets,
    [clip, huber_delta]: [f32; 2],
) -> Tensor<1> {
    let constants = [column(&targets.old_value), column(&targets.returns), column(&targets.weight)];
    apply(ValueLoss { clip, huber_delta }, [values.into_dispatch()], constants)
}

fn column(x: &Tensor<2>) -> DispatchTensor {
    x.clone().into_dispatch()
}

#[derive(Debug)]
struct PolicyLoss {
    clip: f32,
}

impl Operation<Flex, 1, 5> for PolicyLoss {
    type Saved = (Distributions, PolicySums);

    fn forward(
        self,
        [logits]: Tensors<1>,
        [mask_bias, actions, log_prob, advantage, weight]: Tensors<5>,
        _: bool,
    ) -> (FlexTensor, Self::Saved) {
        let distributions = Distributions::new(logits, mask_bias, actions);
        let [log_prob, advantage, weight] = [log_prob, advantage, weight].map(contiguous);
        let inputs = losses::PolicyInputs {
            distributions: distributions.slices(),
            log_prob: values(&log_prob),
            advantage: values(&advantage),
            weight: values(&weight),
        };
        let sums = losses::policy_forward(inputs, self.clip);
        (tensor(sums.sums.to_vec(), [4]), (distributions, sums))
    }

    fn backward(
        (distributions, sums): Self::Saved,
        gradient: FlexTensor,
        _: [bool; 1],
    ) -> Gradients<1> {
        let gradient = contiguous(gradient);
        distributions.gradient(sums.backward(distributions.slices(), values(&gradient)))
    }
}

#[derive(Debug)]
struct ValueLoss {
    clip: f32,
    huber_delta: f32,
}

impl Operation<Flex, 1, 3> for ValueLoss {
    /// The values, and the derivative of the loss by each.
    type Saved = (Tensors<1>, Vec<f32>);

    fn forward(
        self,
        predicted: Tensors<1>,
        constants: Tensors<3>,
        _: bool,
    ) -> (FlexTensor, Self::Saved) {
        let predicted = predicted.map(contiguous);
        let constants = constants.map(contiguous);
        let [old_value, returns, weight] = constants.each_ref().map(values);
        let inputs = losses::ValueInputs { old_value, returns, weight };
        let (sum, slopes) =
            losses::value_loss(values(&predicted[0]), inputs, self.clip, self.huber_delta);
        (tensor(vec![sum], [1]), (predicted, slopes))
    }

    fn backward(
        (predicted, mut slopes): Self::Saved,
        gradient: FlexTensor,
        _: [bool; 1],
    ) -> Gradients<1> {
        let factor = values(&contiguous(gradient))[0];
        slopes.iter_mut().for_each(|slope| *slope *= factor);
        shaped_like(&predicted, [Some(slopes)])
    }
}
