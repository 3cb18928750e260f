//! The losses of policy gradients and of their critics.

mod losses;
pub(crate) mod op;
