//! Summaries of the tokens of entities.

#[cfg(feature = "flex")]
mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
