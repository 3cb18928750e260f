//! Adam, RAdam and RMSprop with PyTorch's semantics and clipping of the global gradient norm;
//! gradients over shards of a batch; soft updates of target networks.

mod data_parallel;
mod joined;
mod slot;
mod soft_update;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use phalanx_kernels::{OptimizerStep, is_cpu};
use serde::{Deserialize, Serialize};

pub use self::data_parallel::{
    ParameterGradients, gradients_in_shards, in_shards, padding_multiple, shard_count,
};
use self::joined::Joined;
use self::slot::{SavedSlot, Slot};
pub use self::soft_update::soft_update;
use super::weights::WeightsError;

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
/// Keeps the clipping factor finite, as in PyTorch's `clip_grad_norm_`.
const CLIP_EPS: f64 = 1e-6;

/// An update rule. With `g` the clipped gradient and `t` the number of the step, counted from one:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba, 2015, arXiv 1412.6980) with decays 0.9 and 0.999:
    ///
    /// `m = 0.9 m + 0.1 g`, `v = 0.999 v + 0.001 g^2`,
    /// `x -= lr / (1 - 0.9^t) * m / (sqrt(v) / sqrt(1 - 0.999^t) + eps)`
    Adam,
    /// Rectified Adam (Liu et al. 2020, arXiv 1908.03265): Adam's step times
    ///
    /// `r_t = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))`,
    /// `p = 2 / (1 - 0.999) - 1`, `p_t = p - 2 t 0.999^t / (1 - 0.999^t)`,
    ///
    /// and, while `p_t` is at most 5 in the first steps, `x -= lr m / (1 - 0.9^t)`.
    RAdam,
    /// RMSprop (Tieleman and Hinton, 2012) without momentum:
    ///
    /// `v = alpha v + (1 - alpha) g^2`, `x -= lr * g / (sqrt(v) + eps)`
    RmsProp,
}

/// An update rule and its constants, except for the learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptimizerConfig {
    /// The update rule.
    pub kind: OptimizerKind,
    /// The decay of the mean square, for RMSprop only.
    pub alpha: f32,
    /// The term added to the denominator of the update (epsilon).
    pub eps: f32,
}

/// An optimizer: an update rule and its running moments.
///
/// Moments are matched to parameters by their order in the module, not by burn's parameter
/// identifiers, which change from process to process. An optimizer serves one module.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    slots: Vec<Slot>,
    /// On devices other than the CPU, the slots of parameters that get gradients in the same steps.
    /// No parameter belongs to two of them.
    joined: Vec<Joined>,
}

/// The result of one step of an [`Optimizer`].
#[derive(Clone, Debug)]
pub struct Step<M> {
    /// The module with updated parameters.
    pub module: M,
    /// The joint norm of all gradients before clipping, `[1]`, still on the device.
    pub grad_norm: Tensor<1>,
}

impl Optimizer {
    /// Creates an optimizer before its first step.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, slots: Vec::new(), joined: Vec::new() }
    }

    /// Scales all gradients such that their joint norm is at most `max_norm`, and updates the
    /// parameters.
    ///
    /// The factor is `min(1, max_norm / (norm + 1e-6))`, as in PyTorch's `clip_grad_norm_`;
    /// `f32::INFINITY` disables clipping. The norm is summed in parameter order, so that the same
    /// gradients give the same bits. Parameters without a gradient are unchanged.
    ///
    /// # Panics
    ///
    /// Panics if the loss depends on no parameter of the module, or if the optimizer's state
    /// belongs to another module.
    pub fn step<M: Module>(
        &mut self,
        lr: f64,
        module: M,
        gradients: ParameterGradients,
        max_norm: f32,
    ) -> Step<M> {
        let found = gradients.found;
        if self.slots.is_empty() {
            self.slots = found.iter().map(|(name, _)| Slot::new(name.clone())).collect();
        }
        let ours = self.slots.iter().map(|slot| &slot.name);
        assert!(
            ours.eq(found.iter().map(|(name, _)| name)),
            "the optimizer's state belongs to another module"
        );
        let gradients = found.into_iter().map(|(_, gradient)| gradient).collect::<Vec<_>>();
        let on_device = gradients.iter().flatten().any(|gradient| !is_cpu(&gradient.device()));
        if on_device && let Some(joined) = Joined::of(&mut self.joined, &mut self.slots, &gradients)
        {
            return joined.step(self.config, lr, module, gradients, max_norm);
        }
        let squares = gradients.iter().flatten();
        let squares = squares.map(|gradient| (gradient.clone() * gradient.clone()).sum());
        let squares = squares.reduce(|sum, square| sum + square);
        let squares = squares.expect("the loss depends on a parameter of the module");
        let grad_norm = squares.sqrt();
        let factor = clipping(&grad_norm, max_norm);
        let mut updater =
            Updater { config: self.config, lr, factor, work: self.slots.iter_mut().zip(gradients) };
        let module = module.map(&mut updater);
        Step { module, grad_norm }
    }

    /// Serialises the moments and step counts.
    ///
    /// # Errors
    ///
    /// Returns an error if the device fails to return a tensor.
    pub fn save(&self) -> Result<Vec<u8>, WeightsError> {
        let mut slots = self.slots.iter().map(Slot::save).collect::<Result<Vec<_>, _>>()?;
        for joined in &self.joined {
            joined.save(&mut slots)?;
        }
        postcard::to_allocvec(&slots).map_err(malformed)
    }

    /// Restores the state written by [`Optimizer::save`]. The next step then gives the same bits.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged. The optimizer is then unchanged.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        let slots: Vec<SavedSlot> = postcard::from_bytes(bytes).map_err(malformed)?;
        self.slots = slots.into_iter().map(Slot::load).collect();
        self.joined.clear();
        Ok(())
    }
}

fn malformed(error: postcard::Error) -> WeightsError {
    WeightsError::Malformed { what: "an optimizer's state", reason: error.to_string() }
}

impl OptimizerConfig {
    /// Creates the configuration of Adam with this `eps`.
    pub fn adam(eps: f32) -> Self {
        Self { kind: OptimizerKind::Adam, alpha: 0.0, eps }
    }

    /// Returns the constants of step `steps`, counted from one.
    fn optimizer_step(self, lr: f64, steps: u64) -> OptimizerStep {
        let t = steps as f64;
        let Self { kind, alpha, eps } = self;
        match kind {
            OptimizerKind::Adam | OptimizerKind::RAdam => {
                let rectified = kind == OptimizerKind::RAdam;
                let factor = if rectified { rectification(t) } else { Some(1.0) };
                OptimizerStep::Moments {
                    decays: [FIRST_DECAY, SECOND_DECAY],
                    rate: lr / (1.0 - FIRST_DECAY.powf(t)) * factor.unwrap_or(1.0),
                    root: factor.map(|_| (1.0 - SECOND_DECAY.powf(t)).sqrt()),
                    eps,
                }
            }
            OptimizerKind::RmsProp => {
                OptimizerStep::MeanSquare { decay: f64::from(alpha), rate: lr, eps }
            }
        }
    }
}

/// Returns RAdam's factor at step `t`, or `None` while the second moment is too uncertain.
fn rectification(t: f64) -> Option<f64> {
    let longest = 2.0 / (1.0 - SECOND_DECAY) - 1.0;
    let decay = SECOND_DECAY.powf(t);
    let length = longest - 2.0 * t * decay / (1.0 - decay);
    let ratio =
        (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length);
    (length > 5.0).then(|| ratio.sqrt())
}

/// Updates each parameter with its slot and gradient.
struct Updater<W> {
    config: OptimizerConfig,
    lr: f64,
    factor: Option<Tensor<1>>,
    work: W,
}

impl<'a, W: Iterator<Item = (&'a mut Slot, Option<Tensor<1>>)>> ModuleMapper for Updater<W> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (slot, gradient) = self.work.next().expect("both traversals see the same parameters");
        let Some(gradient) = gradient else {
            return param;
        };
        param.map(|old| {
            let shape = old.dims();
            let new =
                slot.update(self.config, self.lr, self.factor.clone(), flat(old.inner()), gradient);
            Tensor::from_inner(new.reshape(shape)).require_grad()
        })
    }
}

/// Returns the factor for gradients with this norm, or `None` if there is no bound.
fn clipping(norm: &Tensor<1>, max_norm: f32) -> Option<Tensor<1>> {
    let factor = || norm.clone().add_scalar(CLIP_EPS).recip().mul_scalar(max_norm).clamp_max(1.0);
    max_norm.is_finite().then(factor)
}

/// Flattens a tensor in row-major order.
fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let len = tensor.dims().iter().product::<usize>();
    tensor.reshape([len])
}
