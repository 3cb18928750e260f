//! The optimizer state of one parameter.

use burn::tensor::{Tensor, TensorData};
use phalanx_kernels::{OptimizerStep, is_cpu, optimizer_step};
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;
use crate::nn::device::download;
use crate::nn::weights::WeightsError;

/// The optimizer state of one parameter. A parameter that never had a gradient has no moments.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) steps: u64,
    /// Flat, on the parameter's device; `None` for RMSprop.
    pub(super) first: Option<Tensor<1>>,
    /// Flat, on the parameter's device.
    pub(super) second: Option<Tensor<1>>,
    /// Loaded moments that are not on the device yet.
    pub(super) loaded: Option<SavedSlot>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedSlot {
    pub(super) name: String,
    pub(super) steps: u64,
    pub(super) first: Option<Vec<f32>>,
    pub(super) second: Option<Vec<f32>>,
}

impl Slot {
    pub(super) fn new(name: String) -> Self {
        Self { name, steps: 0, first: None, second: None, loaded: None }
    }

    pub(super) fn load(saved: SavedSlot) -> Self {
        Self { steps: saved.steps, loaded: Some(saved.clone()), ..Self::new(saved.name) }
    }

    pub(super) fn save(&self) -> Result<SavedSlot, WeightsError> {
        if let Some(loaded) = &self.loaded {
            return Ok(loaded.clone());
        }
        let moments = [&self.first, &self.second];
        let values = download(moments.into_iter().flatten().cloned().collect());
        let mut values = values.map_err(|reason| WeightsError::Device { reason })?.into_iter();
        let [first, second] = moments.map(|moment| moment.as_ref().and_then(|_| values.next()));
        Ok(SavedSlot { name: self.name.clone(), steps: self.steps, first, second })
    }

    /// Returns `x` after one step along the gradient `g` times `clip`; both are flat.
    pub(super) fn update(
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
        let step = config.optimizer_step(lr, self.steps);
        if is_cpu(&g.device()) {
            return self.update_on_cpu(step, clip, x, g);
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
        match step {
            OptimizerStep::Moments { decays, rate, root, eps } => {
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
            OptimizerStep::MeanSquare { decay, rate, eps } => {
                let second = decayed(self.second.take(), decay, squares);
                let denominator = second.clone().sqrt().add_scalar(eps);
                self.second = Some(second);
                x - (g / denominator).mul_scalar(rate)
            }
        }
    }

    /// Makes the same step on the CPU, in one pass over the parameter.
    fn update_on_cpu(
        &mut self,
        step: OptimizerStep,
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
        let has_first = matches!(step, OptimizerStep::Moments { .. });
        let mut first = if has_first { zeros(&mut self.first) } else { Vec::new() };
        optimizer_step(step, clip, &g, &mut x, &mut first, &mut second);
        self.second = Some(device_of(second));
        self.first = has_first.then(|| device_of(first));
        device_of(x)
    }
}
