//! Adam, RAdam and RMSprop with PyTorch's semantics, after clipping of the global gradient norm.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::kernels::{Descent, descend, on_host};
use super::shards::ParameterGradients;
use super::weights::{WeightsError, read};

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
/// Keeps the clipping factor finite, as in PyTorch's `clip_grad_norm_`.
const CLIP_EPS: f64 = 1e-6;

/// Which update rule, and its constants. With `g` the clipped gradient and `t` the number of the
/// step, counted from one:
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba, 2015, arXiv 1412.6980) with decays 0.9 and 0.999:
    ///
    /// `m = 0.9 m + 0.1 g`, `v = 0.999 v + 0.001 g^2`,
    /// `x -= lr / (1 - 0.9^t) * m / (sqrt(v) / sqrt(1 - 0.999^t) + eps)`
    Adam {
        /// Added to the root of the second moment.
        eps: f32,
    },
    /// Rectified Adam (Liu et al. 2020, arXiv 1908.03265): Adam's step times
    ///
    /// `r_t = sqrt((p_t - 4) (p_t - 2) p / ((p - 4) (p - 2) p_t))`,
    /// `p = 2 / (1 - 0.999) - 1`, `p_t = p - 2 t 0.999^t / (1 - 0.999^t)`,
    ///
    /// and where `p_t` is not above 5, in the first steps, `x -= lr m / (1 - 0.9^t)`.
    RAdam {
        /// Added to the root of the second moment.
        eps: f32,
    },
    /// RMSprop (Tieleman and Hinton, 2012) without momentum:
    ///
    /// `v = alpha v + (1 - alpha) g^2`, `x -= lr * g / (sqrt(v) + eps)`
    RmsProp {
        /// The decay of the mean square.
        alpha: f32,
        /// Added to the root of the mean square, outside of it.
        eps: f32,
    },
}

/// An update rule with its running moments.
///
/// The moments belong to parameters by their order in the module, not by burn's parameter
/// identifiers, which change from process to process. One optimizer serves one module.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    slots: Vec<Slot>,
}

/// What one step of an [`Optimizer`] returns.
#[derive(Clone, Debug)]
pub struct Step<M> {
    /// The module with updated parameters.
    pub module: M,
    /// The norm of all gradients together, before clipping, `[1]`; not read back from the device.
    pub grad_norm: Tensor<1>,
}

/// The state of one parameter. A parameter that never had a gradient has no moments.
#[derive(Clone, Debug)]
struct Slot {
    name: String,
    steps: u64,
    /// Flat, on the parameter's device; RMSprop has none.
    first: Option<Tensor<1>>,
    /// Flat, on the parameter's device.
    second: Option<Tensor<1>>,
    /// Moments that were loaded and not yet put on the device.
    loaded: Option<SavedSlot>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedSlot {
    name: String,
    steps: u64,
    first: Option<Vec<f32>>,
    second: Option<Vec<f32>>,
}

impl Optimizer {
    /// An optimizer before its first step.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, slots: Vec::new() }
    }

    /// Scales all gradients so that their norm is at most `max_norm`, and updates the parameters.
    ///
    /// The factor is `min(1, max_norm / (norm + 1e-6))`, as in PyTorch's `clip_grad_norm_`;
    /// `f32::INFINITY` clips nothing. The norm is summed in the order of the module's parameters,
    /// so that the same gradients give the same bits. Parameters without a gradient stay.
    ///
    /// # Panics
    ///
    /// When the loss depends on no parameter of the module, or when the optimizer's state, stepped
    /// or loaded before, belongs to another module.
    pub fn step<M: Module>(
        &mut self,
        lr: f64,
        module: M,
        gradients: ParameterGradients,
        max_norm: f32,
    ) -> Step<M> {
        let found = gradients.found;
        let squares = found.iter().filter_map(|(_, gradient)| gradient.as_ref());
        let squares = squares.map(|gradient| (gradient.clone() * gradient.clone()).sum());
        let squares = squares.reduce(|sum, square| sum + square);
        let squares = squares.expect("the loss depends on a parameter of the module");
        let grad_norm = squares.sqrt();
        let factor = if max_norm.is_finite() {
            let factor = grad_norm.clone().add_scalar(CLIP_EPS).recip().mul_scalar(max_norm);
            Some(factor.clamp_max(1.0))
        } else {
            None
        };

        if self.slots.is_empty() {
            self.slots = found.iter().map(|(name, _)| Slot::new(name.clone())).collect();
        }
        let ours = self.slots.iter().map(|slot| &slot.name);
        assert!(
            ours.eq(found.iter().map(|(name, _)| name)),
            "the optimizer's state belongs to another module"
        );
        let gradients = found.into_iter().map(|(_, gradient)| gradient).collect::<Vec<_>>();
        let mut updater =
            Updater { config: self.config, lr, factor, work: self.slots.iter_mut().zip(gradients) };
        let module = module.map(&mut updater);
        Step { module, grad_norm }
    }

    /// The moments and step counts as bytes.
    ///
    /// # Errors
    ///
    /// When the device cannot hand out a tensor.
    pub fn save(&self) -> Result<Vec<u8>, WeightsError> {
        let slots = self.slots.iter().map(Slot::save).collect::<Result<Vec<_>, _>>()?;
        postcard::to_allocvec(&slots).map_err(malformed)
    }

    /// Takes over what [`Optimizer::save`] wrote; the next step continues bit for bit.
    ///
    /// # Errors
    ///
    /// When the bytes are damaged. The optimizer is then unchanged.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        let slots: Vec<SavedSlot> = postcard::from_bytes(bytes).map_err(malformed)?;
        self.slots = slots.into_iter().map(Slot::load).collect();
        Ok(())
    }
}

fn malformed(error: postcard::Error) -> WeightsError {
    WeightsError::Malformed { what: "an optimizer's state", reason: error.to_string() }
}

impl Slot {
    fn new(name: String) -> Self {
        Self { name, steps: 0, first: None, second: None, loaded: None }
    }

    fn load(saved: SavedSlot) -> Self {
        Self { steps: saved.steps, loaded: Some(saved.clone()), ..Self::new(saved.name) }
    }

    fn save(&self) -> Result<SavedSlot, WeightsError> {
        if let Some(loaded) = &self.loaded {
            return Ok(loaded.clone());
        }
        let values = |moment: &Option<Tensor<1>>| {
            moment
                .clone()
                .map(read)
                .transpose()
                .map_err(|reason| WeightsError::Device { name: self.name.clone(), reason })
        };
        Ok(SavedSlot {
            name: self.name.clone(),
            steps: self.steps,
            first: values(&self.first)?,
            second: values(&self.second)?,
        })
    }

    /// `x` after one step along the gradient `g` times `clip`, both flat.
    fn update(
        &mut self,
        config: OptimizerConfig,
        lr: f64,
        clip: Option<Tensor<1>>,
        x: Tensor<1>,
        g: Tensor<1>,
    ) -> Tensor<1> {
        if let Some(SavedSlot { first, second, .. }) = self.loaded.take() {
            let put = |values: Option<Vec<f32>>| {
                values.map(|values| {
                    let len = values.len();
                    assert_eq!(
                        len,
                        g.dims()[0],
                        "the optimizer's state of `{}` belongs to another module",
                        self.name
                    );
                    Tensor::from_data(TensorData::new(values, [len]), &g.device())
                })
            };
            self.first = put(first);
            self.second = put(second);
        }
        self.steps += 1;
        let descent = config.descent(lr, self.steps);
        if on_host(&g.device()) {
            return self.update_on_host(descent, clip, x, g);
        }
        let g = match clip {
            Some(clip) => g * clip,
            None => g,
        };
        let squares = g.clone() * g.clone();
        let decayed = |moment: Option<Tensor<1>>, decay: f64, new: Tensor<1>| {
            let new = new.mul_scalar(1.0 - decay);
            match moment {
                Some(moment) => moment.mul_scalar(decay) + new,
                None => new,
            }
        };
        match descent {
            Descent::Moments { decays, rate, root, eps } => {
                let first = decayed(self.first.take(), decays[0], g);
                let second = decayed(self.second.take(), decays[1], squares);
                let direction = match root {
                    None => first.clone(),
                    Some(root) => {
                        first.clone() / second.clone().sqrt().div_scalar(root).add_scalar(eps)
                    }
                };
                self.first = Some(first);
                self.second = Some(second);
                x - direction.mul_scalar(rate)
            }
            Descent::MeanSquare { decay, rate, eps } => {
                let second = decayed(self.second.take(), decay, squares);
                let denominator = second.clone().sqrt().add_scalar(eps);
                self.second = Some(second);
                x - (g / denominator).mul_scalar(rate)
            }
        }
    }

    /// The same in one pass over the numbers.
    fn update_on_host(
        &mut self,
        descent: Descent,
        clip: Option<Tensor<1>>,
        x: Tensor<1>,
        g: Tensor<1>,
    ) -> Tensor<1> {
        let (len, device) = (g.dims()[0], g.device());
        let host = |tensor| read(tensor).expect("the CPU hands out its tensors");
        let device_of = |values| Tensor::from_data(TensorData::new(values, [len]), &device);
        let zeros = |moment: &mut Option<Tensor<1>>| match moment.take() {
            Some(moment) => host(moment),
            None => vec![0.0; len],
        };
        let clip = clip.map_or(1.0, |clip| clip.into_scalar::<f32>());
        let (mut x, g) = (host(x), host(g));
        let mut second = zeros(&mut self.second);
        let has_first = matches!(descent, Descent::Moments { .. });
        let mut first = if has_first { zeros(&mut self.first) } else { Vec::new() };
        descend(descent, clip, &g, &mut x, &mut first, &mut second);
        self.second = Some(device_of(second));
        self.first = has_first.then(|| device_of(first));
        device_of(x)
    }
}

impl OptimizerConfig {
    /// The constants of step `steps`, counted from one.
    fn descent(self, lr: f64, steps: u64) -> Descent {
        let t = steps as f64;
        match self {
            Self::Adam { eps } | Self::RAdam { eps } => {
                let rectified = matches!(self, Self::RAdam { .. });
                let factor = if rectified { rectification(t) } else { Some(1.0) };
                Descent::Moments {
                    decays: [FIRST_DECAY, SECOND_DECAY],
                    rate: lr / (1.0 - FIRST_DECAY.powf(t)) * factor.unwrap_or(1.0),
                    root: factor.map(|_| (1.0 - SECOND_DECAY.powf(t)).sqrt()),
                    eps,
                }
            }
            Self::RmsProp { alpha, eps } => {
                Descent::MeanSquare { decay: f64::from(alpha), rate: lr, eps }
            }
        }
    }
}

/// RAdam's factor at step `t`; none while the second moment is too uncertain.
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

/// A tensor as a vector, row-major.
fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let len = tensor.dims().iter().product::<usize>();
    tensor.reshape([len])
}
