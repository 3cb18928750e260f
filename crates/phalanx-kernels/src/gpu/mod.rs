//! Operations of our own on the devices that burn reaches through cubecl: GPUs.
//!
//! burn would compute a GRU step by two dozen kernels forward and more than twice as many back, and for small
//! networks the time of a GPU is dominated by kernel launches. Here a step is a product and one kernel, in both
//! directions.

pub(crate) mod gru;
