//! The linear layer with its activation.

pub(crate) mod backward;
pub(crate) mod forward;
pub(crate) mod op;
