//! The gated recurrent unit on GPUs.

mod kernels;
pub(crate) mod op;
