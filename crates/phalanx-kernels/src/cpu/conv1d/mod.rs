//! Three convolutions along an observation.

#[cfg(feature = "flex")]
mod backward;
#[cfg(feature = "flex")]
mod forward;
pub(crate) mod layers;
#[cfg(feature = "flex")]
pub(crate) mod op;
mod winograd;
#[cfg(feature = "flex")]
mod winograd_backward;
