//! The long short-term memory.

#[cfg(feature = "flex")]
pub(crate) mod backward;
pub(crate) mod cell;
#[cfg(feature = "flex")]
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
