//! Attention over neighbours with additive logits.

#[cfg(feature = "flex")]
mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
