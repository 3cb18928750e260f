//! Multilayer perceptrons of three layers.

mod backward;
mod forward;
pub(crate) mod op;
