//! QMIX: the mixing step with given weights, and the whole mixer with its hypernetworks.

mod mixing;
pub(crate) mod mixing_op;
mod whole;
pub(crate) mod whole_op;
