//! Layer normalisation.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// Added to the variance.
pub(super) const EPS: f64 = 1e-6;

/// Brings the entries of every row to mean zero and variance one, then scales and shifts them
/// (Ba et al. 2016, arXiv 1607.06450; with flax's constant):
///
/// ```text
/// y = scale (x - mean(x)) / sqrt(mean((x - mean(x))^2) + 1e-6) + shift
/// ```
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[width]`, one at first.
    pub scale: Param<Tensor<1>>,
    /// `[width]`, zero at first.
    pub shift: Param<Tensor<1>>,
}

impl LayerNorm {
    /// A layer for rows of `width` entries.
    pub fn new(width: usize, device: &Device) -> Self {
        Self {
            scale: Param::from_data(TensorData::ones::<f32, _>([width]), device),
            shift: Param::from_data(TensorData::zeros::<f32, _>([width]), device),
        }
    }

    /// `[time, row, width]` to the same shape.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let centred = input.clone() - input.mean_dim(2);
        let deviation = centred.clone().square().mean_dim(2).add_scalar(EPS).sqrt();
        centred / deviation * self.scale.val().unsqueeze() + self.shift.val().unsqueeze()
    }
}
