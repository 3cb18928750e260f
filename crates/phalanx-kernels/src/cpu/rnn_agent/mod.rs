//! A recurrent agent's network as one operation: a linear layer, a GRU, a linear layer, and heads of actions.

mod backward;
mod forward;
pub(crate) mod op;
mod token_heads;
