//! A recurrent agent's network as one operation: a linear layer, a GRU, a linear layer.

mod backward;
mod forward;
pub(crate) mod op;
