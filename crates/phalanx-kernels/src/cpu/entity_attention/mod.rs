//! Attention among entities with several heads.

pub(crate) mod forward;
pub(crate) mod relative;
