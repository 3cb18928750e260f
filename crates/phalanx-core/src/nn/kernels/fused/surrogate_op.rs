//! The losses of policy gradients and of their critics as operations of burn on the CPU device.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;

use super::super::super::surrogate::{Taken, Valued};
use super::distribution;
use super::primitive::{contiguous, tensor, values};
use super::surrogate::{self, Sums};

/// The losses; constants are those of [`Taken`] and [`Valued`], the actions as floats.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Losses: Backend {
    /// `[4]`.
    fn surrogate(
        logits: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        actions: FloatTensor<Self>,
        log_prob: FloatTensor<Self>,
        advantage: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        clip: f32,
    ) -> FloatTensor<Self>;

    /// `[1]`.
    fn value_loss(
        values: FloatTensor<Self>,
        before: FloatTensor<Self>,
        returns: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        clip: f32,
        huber_delta: f32,
    ) -> FloatTensor<Self>;
}

pub(in super::super) fn surrogate(logits: Tensor<2>, taken: &Taken, clip: f32) -> Tensor<1> {
    let row = |x: &Tensor<2>| x.clone().into_dispatch();
    Tensor::from_dispatch(Dispatch::surrogate(
        logits.into_dispatch(),
        taken.closed.clone().into_dispatch(),
        taken.actions.clone().float().into_dispatch(),
        row(&taken.log_prob),
        row(&taken.advantage),
        row(&taken.weight),
        clip,
    ))
}

pub(in super::super) fn value_loss(
    values: Tensor<2>,
    valued: &Valued,
    clip: f32,
    huber_delta: f32,
) -> Tensor<1> {
    let row = |x: &Tensor<2>| x.clone().into_dispatch();
    Tensor::from_dispatch(Dispatch::value_loss(
        values.into_dispatch(),
        row(&valued.before),
        row(&valued.returns),
        row(&valued.weight),
        clip,
        huber_delta,
    ))
}

/// The logits and what [`distribution`] reads beside them.
#[derive(Clone, Debug)]
struct Inputs {
    logits: FlexTensor,
    closed: FlexTensor,
    actions: FlexTensor,
}

impl Inputs {
    fn slices(&self) -> distribution::Inputs<'_> {
        distribution::Inputs {
            n_actions: self.logits.shape()[1],
            logits: values(&self.logits),
            closed: values(&self.closed),
            actions: values(&self.actions),
        }
    }

    fn sums(&self, constants: [FlexTensor; 3], clip: f32) -> Sums {
        let [log_prob, advantage, weight] = constants.map(contiguous);
        let taken = surrogate::Taken {
            inputs: self.slices(),
            log_prob: values(&log_prob),
            advantage: values(&advantage),
            weight: values(&weight),
        };
        surrogate::forward(taken, clip)
    }
}

fn inputs(inputs: [FlexTensor; 3]) -> Inputs {
    let [logits, closed, actions] = inputs.map(contiguous);
    Inputs { logits, closed, actions }
}

fn valued(
    values_of: &FlexTensor,
    constants: [FlexTensor; 3],
    clip: f32,
    huber_delta: f32,
) -> (f32, Vec<f32>) {
    let [before, returns, weight] = constants.map(contiguous);
    let valued = surrogate::Valued {
        before: values(&before),
        returns: values(&returns),
        weight: values(&weight),
    };
    surrogate::value_loss(values(values_of), valued, clip, huber_delta)
}

impl Losses for Flex {
    fn surrogate(
        logits: FlexTensor,
        closed: FlexTensor,
        actions: FlexTensor,
        log_prob: FlexTensor,
        advantage: FlexTensor,
        weight: FlexTensor,
        clip: f32,
    ) -> FlexTensor {
        let inputs = inputs([logits, closed, actions]);
        tensor(inputs.sums([log_prob, advantage, weight], clip).sums.to_vec(), [4])
    }

    fn value_loss(
        values: FlexTensor,
        before: FlexTensor,
        returns: FlexTensor,
        weight: FlexTensor,
        clip: f32,
        huber_delta: f32,
    ) -> FlexTensor {
        let (sum, _) = valued(&contiguous(values), [before, returns, weight], clip, huber_delta);
        tensor(vec![sum], [1])
    }
}

impl<C: CheckpointStrategy> Losses for Autodiff<Flex, C> {
    fn surrogate(
        logits: FloatTensor<Self>,
        closed: FloatTensor<Self>,
        actions: FloatTensor<Self>,
        log_prob: FloatTensor<Self>,
        advantage: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        clip: f32,
    ) -> FloatTensor<Self> {
        let node = logits.node();
        let inputs = inputs([logits, closed, actions].map(FloatTensor::<Self>::into_primitive));
        let constants = [log_prob, advantage, weight].map(FloatTensor::<Self>::into_primitive);
        let sums = inputs.sums(constants, clip);
        let output = tensor(sums.sums.to_vec(), [4]);
        match SurrogateBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((inputs, sums), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn value_loss(
        values: FloatTensor<Self>,
        before: FloatTensor<Self>,
        returns: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        clip: f32,
        huber_delta: f32,
    ) -> FloatTensor<Self> {
        let node = values.node();
        let values = contiguous(values.into_primitive());
        let shape: [usize; 2] = values.shape().dims();
        let constants = [before, returns, weight].map(FloatTensor::<Self>::into_primitive);
        let (sum, slopes) = valued(&values, constants, clip, huber_delta);
        let output = tensor(vec![sum], [1]);
        match ValueBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((slopes, shape), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }
}

#[derive(Debug)]
struct SurrogateBackward;

impl Backward<Flex, 1> for SurrogateBackward {
    type State = (Inputs, Sums);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let (inputs, sums) = ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            let shape: [usize; 2] = inputs.logits.shape().dims();
            let logits = sums.backward(inputs.slices(), values(&output));
            gradients.register::<Flex>(parent.id, tensor(logits, shape));
        }
    }
}

#[derive(Debug)]
struct ValueBackward;

impl Backward<Flex, 1> for ValueBackward {
    /// The slopes and the shape of the values.
    type State = (Vec<f32>, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let (mut slopes, shape) = ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            let by = values(&output)[0];
            slopes.iter_mut().for_each(|slope| *slope *= by);
            gradients.register::<Flex>(parent.id, tensor(slopes, shape));
        }
    }
}
