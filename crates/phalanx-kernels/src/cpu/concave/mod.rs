//! The mixing step of a concave mixer with generated weights.

#[cfg(feature = "flex")]
mod mixing;
#[cfg(feature = "flex")]
pub(crate) mod op;
pub(crate) mod row;
