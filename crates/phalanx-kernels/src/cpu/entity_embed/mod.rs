//! Embedding of entities: a linear layer per type.

pub(crate) mod forward;
