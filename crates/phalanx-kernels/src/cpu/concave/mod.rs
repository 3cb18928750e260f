//! Mixing on the generated weights of a concave mixer.

#[cfg(feature = "flex")]
mod mixing;
#[cfg(feature = "flex")]
pub(crate) mod op;
pub(crate) mod row;
