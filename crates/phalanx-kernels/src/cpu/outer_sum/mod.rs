//! Sums of outer products of the features of entities with weights that were generated from them.

pub(crate) mod forward;
