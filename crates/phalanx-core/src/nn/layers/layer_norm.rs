//! Layer normalisation.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use phalanx_kernels::{self as kernels, NormWeights};
use serde::{Deserialize, Serialize};

/// Added to the variance.
pub(in crate::nn) const EPS: f32 = 1e-6;

/// The layers of an agent's network that are normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// No layer.
    #[default]
    None,
    /// The first layer, before its activation (PQN, Gallici et al. 2024, arXiv 2407.04811).
    FirstLayer,
    /// The input and the outputs of every hidden layer and of the recurrent layer, as in MAPPO's
    /// networks (the code of Yu et al. 2022, arXiv 2103.01955).
    Throughout,
}

/// Layer normalisation: brings the entries of every row to mean zero and variance one, then scales
/// and shifts them (Ba et al. 2016, arXiv 1607.06450; with flax's constant):
///
/// ```text
/// y = scale (x - mean(x)) / sqrt(mean((x - mean(x))^2) + 1e-6) + shift
/// ```
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[width]`, initially one.
    pub scale: Param<Tensor<1>>,
    /// `[width]`, initially zero.
    pub shift: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Creates a layer for rows of `width` entries.
    pub fn new(width: usize, device: &Device) -> Self {
        Self {
            scale: Param::from_data(TensorData::ones::<f32, _>([width]), device),
            shift: Param::from_data(TensorData::zeros::<f32, _>([width]), device),
        }
    }

    /// Returns the values of the parameters.
    pub(in crate::nn) fn values(&self) -> NormWeights {
        NormWeights { scale: self.scale.val(), shift: self.shift.val() }
    }

    /// Normalises every row of `[time, row, width]`.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let [time, row, width] = input.dims();
        let rows = input.reshape([time * row, width]);
        let normal = kernels::layer_norm(rows, self.scale.val(), self.shift.val(), EPS);
        normal.reshape([time, row, width])
    }
}
