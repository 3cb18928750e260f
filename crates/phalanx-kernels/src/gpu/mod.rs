//! Custom operations for the GPUs that burn reaches through cubecl.
//!
//! burn would launch two dozen kernels per GRU step in the forward pass and more than twice as many
//! in the backward pass, and for small networks kernel launches dominate the time. Here a step is
//! one product and one kernel, in both directions.

pub(crate) mod gru;
