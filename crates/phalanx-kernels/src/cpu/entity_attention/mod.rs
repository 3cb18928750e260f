//! Attention among entities with several heads.

#[cfg(feature = "flex")]
mod backward;
pub(crate) mod forward;
#[cfg(feature = "flex")]
pub(crate) mod op;
mod relative;
