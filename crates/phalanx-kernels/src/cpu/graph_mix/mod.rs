//! Weighted means over neighbours, the mixing step of graph convolutions.

pub(crate) mod forward;
