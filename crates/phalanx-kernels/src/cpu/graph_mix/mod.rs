//! Weighted means over neighbours, the mixing step of graph convolutions.

pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
