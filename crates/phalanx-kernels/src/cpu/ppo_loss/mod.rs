//! The losses of policies and critics.

mod losses;
pub(crate) mod op;
