//! Sums of outer products of the features of entities with weights that were generated from them.

#[cfg(feature = "flex")]
mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
