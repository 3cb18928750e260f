//! The settings of the monotone mixer, shared by QMIX, weighted QMIX and ResQ.

use phalanx_core::nn::{MixerConfig, Positive, QmixConfig};
use serde::{Deserialize, Serialize};

use crate::config::Problem;

/// The sizes and variants of QMIX's mixing network, with PyMARL's and PyMARL2's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monotone {
    /// The width of the mixing network.
    pub mixing_embed_dim: usize,
    /// The width of the hypernetwork.
    pub hypernet_embed: usize,
    /// The number of layers of the hypernetwork, 1 or 2.
    pub hypernet_layers: usize,
    /// What makes the generated weights non-negative: `abs`, `softplus` or `quadratic`.
    pub qmix_pos_func: PositiveName,
    /// How sharply softplus bends.
    pub qmix_pos_func_beta: f64,
    /// Whether the mixer's weights begin orthogonal.
    pub use_orthogonal: bool,
}

/// A function onto the non-negative numbers, by PyMARL2's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositiveName {
    /// `|x|`.
    Abs,
    /// `ln(1 + exp(beta x)) / beta`.
    Softplus,
    /// `x^2 / 2`.
    Quadratic,
}

impl Default for Monotone {
    fn default() -> Self {
        Self {
            mixing_embed_dim: 32,
            hypernet_embed: 64,
            hypernet_layers: 2,
            qmix_pos_func: PositiveName::Abs,
            qmix_pos_func_beta: 1.0,
            use_orthogonal: false,
        }
    }
}

impl Monotone {
    /// The mixer.
    pub fn mixer(&self) -> MixerConfig {
        let positive = match self.qmix_pos_func {
            PositiveName::Abs => Positive::Abs,
            PositiveName::Softplus => Positive::Softplus,
            PositiveName::Quadratic => Positive::Quadratic,
        };
        MixerConfig::Qmix(QmixConfig {
            embed_dim: self.mixing_embed_dim,
            hypernet_embed: self.hypernet_embed,
            hypernet_layers: self.hypernet_layers,
            positive,
            positive_beta: self.qmix_pos_func_beta as f32,
            orthogonal: self.use_orthogonal,
        })
    }

    /// Settings that make no sense.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |holds, key, reason| Problem::unless(&mut problems, holds, key, reason);
        check(self.mixing_embed_dim > 0, "mixing_embed_dim", "must be at least 1");
        check(self.hypernet_embed > 0, "hypernet_embed", "must be at least 1");
        check(matches!(self.hypernet_layers, 1 | 2), "hypernet_layers", "must be 1 or 2");
        check(self.qmix_pos_func_beta > 0.0, "qmix_pos_func_beta", "must be positive");
        problems
    }
}
