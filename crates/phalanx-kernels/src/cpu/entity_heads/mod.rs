//! A linear layer over the tokens of some entities, whose outputs follow the features of a row.

mod backward;
mod forward;
pub(crate) mod op;
