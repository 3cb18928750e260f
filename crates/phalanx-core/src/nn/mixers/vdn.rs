//! Value decomposition networks (Sunehag et al., 2018, arXiv 1706.05296).

use burn::module::Module;
use burn::tensor::Tensor;

/// The joint action value is the sum of the utilities: `Q_tot = sum_i Q_i`.
#[derive(Module, Debug, Default)]
pub struct Vdn;

impl Vdn {
    pub(super) fn new() -> Self {
        Self
    }

    /// `[row, agent]` to `[row, 1]`.
    pub fn forward(&self, q: Tensor<2>) -> Tensor<2> {
        q.sum_dim(1)
    }
}
