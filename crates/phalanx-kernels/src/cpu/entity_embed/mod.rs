//! Embedding of entities: a linear layer per type.

#[cfg(feature = "flex")]
mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
