//! Layer normalisation.

#[cfg(feature = "flex")]
pub(crate) mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
