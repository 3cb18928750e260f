//! Log-probabilities and entropies of categorical distributions.

pub(crate) mod backward;
pub(crate) mod forward;
pub(crate) mod op;
