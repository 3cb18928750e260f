//! Attention over neighbours with additive logits.

#[cfg(feature = "flex")]
pub(crate) mod backward;
pub(crate) mod forward;
