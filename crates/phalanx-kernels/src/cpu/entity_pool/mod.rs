//! Summaries of the tokens of entities.

pub(crate) mod forward;
