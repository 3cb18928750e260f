//! Independent Q-learning (Tan, 1993): no mixer at all.

use burn::module::Module;
use burn::tensor::Tensor;

/// Leaves the utilities as they are, so that each is regressed on the team's reward by itself.
#[derive(Module, Debug, Default)]
pub struct Independent;

impl Independent {
    pub(super) fn new() -> Self {
        Self
    }

    /// `[row, agent]` unchanged.
    pub fn forward(&self, q: Tensor<2>) -> Tensor<2> {
        q
    }
}
