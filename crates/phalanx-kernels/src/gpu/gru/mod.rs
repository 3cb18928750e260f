//! Gated recurrent units on GPUs.

mod kernels;
pub(crate) mod op;
