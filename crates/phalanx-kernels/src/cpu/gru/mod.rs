//! Gated recurrent units.

#[cfg(feature = "flex")]
pub(crate) mod backward;
pub(crate) mod cell;
#[cfg(feature = "flex")]
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
#[cfg(feature = "flex")]
mod parallel;
