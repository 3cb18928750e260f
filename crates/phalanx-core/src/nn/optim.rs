//! Adam, RAdam and RMSprop with PyTorch's semantics, after clipping of the global gradient norm.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::kernels::{Descent, descend, on_host};
use super::shards::ParameterGradients;
use super::transfer::download;
use super::weights::{WeightsError, flat_parameters};

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
    /// On a device that is not the CPU: the slots of parameters that have gradients in the same steps. No
    /// parameter is in two of them.
    joined: Vec<Joined>,
}

/// Slots whose parameters are updated as one vector, since every operation of a device costs something
/// beside its work.
#[derive(Clone, Debug)]
struct Joined {
    /// Which slots.
    members: Vec<usize>,
    /// The length of each.
    lens: Vec<usize>,
    slot: Slot,
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
        Self { config, slots: Vec::new(), joined: Vec::new() }
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
        if self.slots.is_empty() {
            self.slots = found.iter().map(|(name, _)| Slot::new(name.clone())).collect();
        }
        let ours = self.slots.iter().map(|slot| &slot.name);
        assert!(
            ours.eq(found.iter().map(|(name, _)| name)),
            "the optimizer's state belongs to another module"
        );
        let mut gradients = found.into_iter().map(|(_, gradient)| gradient).collect::<Vec<_>>();
        if let Some(joined) = self.join(&gradients) {
            return self.step_together(joined, lr, module, &mut gradients, max_norm);
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

    /// Joins the slots of the parameters that have gradients, where that saves anything and they have made
    /// equally many steps, and returns where they are joined.
    fn join(&mut self, gradients: &[Option<Tensor<1>>]) -> Option<usize> {
        let on_device = gradients.iter().flatten().any(|gradient| !on_host(&gradient.device()));
        let members = (0..gradients.len()).filter(|&at| gradients[at].is_some());
        let members: Vec<usize> = members.collect();
        if let Some(known) = self.joined.iter().position(|joined| joined.members == members) {
            return Some(known);
        }
        let overlaps = |joined: &Joined| joined.members.iter().any(|at| members.contains(at));
        while let Some(at) = self.joined.iter().position(overlaps) {
            self.joined.swap_remove(at).dissolve(&mut self.slots);
        }
        let slots = || members.iter().map(|&at| &self.slots[at]);
        let alike = |slot: &Slot| {
            slot.steps == self.slots[members[0]].steps
                && (slot.steps == 0) == slot.loaded.is_none()
                && slot.first.is_none()
                && slot.second.is_none()
        };
        if !on_device || !slots().all(alike) {
            return None;
        }
        let moments = |of: fn(&SavedSlot) -> &Option<Vec<f32>>| {
            let each = slots().map(|slot| of(slot.loaded.as_ref()?).as_ref());
            each.collect::<Option<Vec<_>>>()
                .map(|parts| parts.into_iter().flatten().copied().collect())
        };
        let slot = Slot::new("all".to_owned());
        let (first, second) = (moments(|slot| &slot.first), moments(|slot| &slot.second));
        let steps = slots().map(|slot| slot.steps).next().unwrap_or(0);
        let saved = SavedSlot { name: slot.name.clone(), steps, first, second };
        let lens = members.iter().map(|&at| gradients[at].as_ref().map_or(0, |g| g.dims()[0]));
        let lens = lens.collect();
        let slot = Slot { steps, loaded: (steps > 0).then_some(saved), ..slot };
        self.joined.push(Joined { members, lens, slot });
        Some(self.joined.len() - 1)
    }

    /// A step of all parameters as one vector.
    fn step_together<M: Module>(
        &mut self,
        joined: usize,
        lr: f64,
        module: M,
        gradients: &mut [Option<Tensor<1>>],
        max_norm: f32,
    ) -> Step<M> {
        let Joined { members, lens, slot } = &mut self.joined[joined];
        let parameters = flat_parameters(&module);
        let of = |parts: &mut dyn FnMut(usize) -> Tensor<1>| {
            Tensor::cat(members.iter().map(|&at| parts(at)).collect(), 0)
        };
        let old = of(&mut |at| parameters[at].clone());
        let gradient = of(&mut |at| gradients[at].take().expect("members have gradients"));
        let grad_norm = (gradient.clone() * gradient.clone()).sum().sqrt();
        let factor = clipping(&grad_norm, max_norm);
        let new = slot.update(self.config, lr, factor, old, gradient);
        let mut parts = vec![None; parameters.len()];
        let mut start = 0;
        for (&at, &len) in members.iter().zip(lens.iter()) {
            parts[at] = Some(new.clone().narrow(0, start, len));
            start += len;
        }
        let module = module.map(&mut Parts(parts.into_iter()));
        Step { module, grad_norm }
    }

    /// The moments and step counts as bytes.
    ///
    /// # Errors
    ///
    /// When the device cannot hand out a tensor.
    pub fn save(&self) -> Result<Vec<u8>, WeightsError> {
        let mut slots = self.slots.iter().map(Slot::save).collect::<Result<Vec<_>, _>>()?;
        for Joined { members, lens, slot } in &self.joined {
            let SavedSlot { steps, mut first, mut second, .. } = slot.save()?;
            for (&at, &len) in members.iter().zip(lens) {
                let part = |all: &mut Option<Vec<f32>>| {
                    all.as_mut().map(|all| all.drain(..len).collect::<Vec<f32>>())
                };
                let (first, second) = (part(&mut first), part(&mut second));
                let name = self.slots[at].name.clone();
                slots[at] = SavedSlot { name, steps, first, second };
            }
        }
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
        self.joined.clear();
        Ok(())
    }
}

fn malformed(error: postcard::Error) -> WeightsError {
    WeightsError::Malformed { what: "an optimizer's state", reason: error.to_string() }
}

impl Joined {
    /// Gives every parameter its moments back.
    fn dissolve(self, slots: &mut [Slot]) {
        let mut start = 0;
        for (&at, &len) in self.members.iter().zip(&self.lens) {
            let part = |all: &Option<Tensor<1>>| all.clone().map(|all| all.narrow(0, start, len));
            let Slot { steps, first, second, .. } = &self.slot;
            let name = slots[at].name.clone();
            slots[at] =
                Slot { steps: *steps, first: part(first), second: part(second), ..Slot::new(name) };
            start += len;
        }
    }
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
        let moments = [&self.first, &self.second];
        let values = download(moments.into_iter().flatten().cloned().collect());
        let mut values = values.map_err(|reason| WeightsError::Device { reason })?.into_iter();
        let [first, second] = moments.map(|moment| moment.as_ref().and_then(|_| values.next()));
        Ok(SavedSlot { name: self.name.clone(), steps: self.steps, first, second })
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
        let host = |tensor: Tensor<1>| -> Vec<f32> {
            tensor.into_data().try_into_vec().expect("the CPU hands out its tensors")
        };
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

/// The factor of the gradients whose norm is `norm`, if there is a largest one.
fn clipping(norm: &Tensor<1>, max_norm: f32) -> Option<Tensor<1>> {
    let factor = || norm.clone().add_scalar(CLIP_EPS).recip().mul_scalar(max_norm).clamp_max(1.0);
    max_norm.is_finite().then(factor)
}

/// Replaces parameters by others, which are flat.
struct Parts<P>(P);

impl<P: Iterator<Item = Option<Tensor<1>>>> ModuleMapper for Parts<P> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.next().expect("there is one for every parameter") {
            None => param,
            Some(new) => {
                param.map(|old| Tensor::from_inner(new.reshape(old.dims())).require_grad())
            }
        }
    }
}

/// A tensor as a vector, row-major.
fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let len = tensor.dims().iter().product::<usize>();
    tensor.reshape([len])
}
