//! Linear layers with an activation.

pub(crate) mod backward;
pub(crate) mod forward;
pub(crate) mod op;
