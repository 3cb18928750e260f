//! Custom operations with their own backward passes in burn's autodiff graph.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, BackendTensor, Dispatch, DispatchAutodiffContext,
    DispatchKindConversion, DispatchTensor, GradientCheckpointingStrategy,
};
use burn::tensor::Tensor;

/// An operation on tensors of the backend `B` with one output. Its `N` inputs get gradients; its
/// `M` constants do not.
pub(crate) trait Operation<B: Backend, const N: usize, const M: usize>:
    Debug + Send + Sized + 'static
{
    /// Data for the backward pass.
    type Saved: Clone + Debug + Send + 'static;

    /// Returns the output and the data for the backward pass, which may be incomplete unless `save`
    /// is set.
    fn forward(
        self,
        inputs: [FloatTensor<B>; N],
        constants: [FloatTensor<B>; M],
        save: bool,
    ) -> (FloatTensor<B>, Self::Saved);

    /// Returns the gradients of the inputs from that of the output; those that are not `wanted` are
    /// ignored.
    fn backward(
        saved: Self::Saved,
        gradient: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// Applies an operation to tensors with or without gradients.
pub(crate) fn apply<B, O, const N: usize, const M: usize, const D: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
    constants: [DispatchTensor; M],
) -> Tensor<D>
where
    B: Backend,
    O: Operation<B, N, M>,
    DispatchTensor: DispatchKindConversion<B>
        + DispatchKindConversion<Autodiff<B, NoCheckpointing>>
        + DispatchKindConversion<Autodiff<B, BalancedCheckpointing>>,
{
    let contexts = inputs.iter().chain(&constants).map(|tensor| tensor.autodiff);
    let context = contexts.fold(DispatchAutodiffContext::Disabled, DispatchAutodiffContext::merge);
    let constants = constants.map(|tensor| match tensor.autodiff {
        DispatchAutodiffContext::Disabled => primitive::<B>(tensor),
        DispatchAutodiffContext::Enabled(_) => primitive::<B>(Dispatch::inner(tensor)),
    });
    Tensor::from_dispatch(match context {
        DispatchAutodiffContext::Disabled => {
            let (output, _) = operation.forward(inputs.map(primitive::<B>), constants, false);
            dispatched::<B>(output)
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) => {
            tracked::<B, O, NoCheckpointing, N, M>(operation, inputs, constants)
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
            tracked::<B, O, BalancedCheckpointing, N, M>(operation, inputs, constants)
        }
    })
}

/// Applies an operation and registers its backward pass if a gradient is wanted.
fn tracked<B, O, C, const N: usize, const M: usize>(
    operation: O,
    inputs: [DispatchTensor; N],
    constants: [FloatTensor<B>; M],
) -> DispatchTensor
where
    B: Backend,
    O: Operation<B, N, M>,
    C: CheckpointStrategy,
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B, C>>,
{
    let inputs = inputs.map(|tensor| match tensor.autodiff {
        DispatchAutodiffContext::Disabled => Autodiff::<B, C>::from_inner(primitive::<B>(tensor)),
        DispatchAutodiffContext::Enabled(_) => primitive::<Autodiff<B, C>>(tensor),
    });
    let nodes = inputs.each_ref().map(FloatTensor::<Autodiff<B, C>>::node);
    let inputs = inputs.map(FloatTensor::<Autodiff<B, C>>::into_primitive);
    let step = Step::<O, M>(PhantomData);
    dispatched::<Autodiff<B, C>>(match step.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (output, saved) = operation.forward(inputs, constants, true);
            prepared.finish(saved, output)
        }
        OpsKind::UnTracked(prepared) => {
            let (output, _) = operation.forward(inputs, constants, false);
            prepared.finish(output)
        }
    })
}

/// Returns the backend's tensor inside a dispatched one.
fn primitive<B: Backend>(tensor: DispatchTensor) -> FloatTensor<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    match <DispatchTensor as DispatchKindConversion<B>>::try_into_backend(tensor) {
        Ok(tensor) => tensor.float(),
        Err(reason) => panic!("the tensors of an operation must be on one device: {reason}"),
    }
}

fn dispatched<B: Backend>(tensor: FloatTensor<B>) -> DispatchTensor
where
    DispatchTensor: DispatchKindConversion<B>,
{
    <DispatchTensor as DispatchKindConversion<B>>::from_backend(BackendTensor::Float(tensor))
}

/// The backward pass of an operation, as registered with burn.
#[derive(Debug)]
struct Step<O, const M: usize>(PhantomData<O>);

impl<B: Backend, O: Operation<B, N, M>, const N: usize, const M: usize> Backward<B, N>
    for Step<O, M>
{
    type State = O::Saved;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = O::backward(ops.state, gradient, wanted);
        for (parent, found) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(found)) = (parent, found) {
                gradients.register::<B>(parent.id, found);
            }
        }
    }
}
