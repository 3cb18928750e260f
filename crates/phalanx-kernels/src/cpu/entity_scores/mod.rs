//! Outputs of actions whose weights differ from row to row.

#[cfg(feature = "flex")]
pub(crate) mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
