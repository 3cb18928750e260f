//! Network layers, one file each.

mod conv1d;
mod gru;
mod input_norm;
pub(in crate::nn) mod layer_norm;
pub(in crate::nn) mod linear;
mod lstm;
mod mlp;
mod rnn;

pub use self::conv1d::FrameConvolution;
pub use self::gru::Gru;
pub use self::input_norm::InputNorm;
pub use self::layer_norm::{LayerNorm, Normalisation};
pub use self::linear::{HiddenActivation, Linear};
pub use self::lstm::Lstm;
pub use self::mlp::Mlp;
pub use self::rnn::RnnKind;
