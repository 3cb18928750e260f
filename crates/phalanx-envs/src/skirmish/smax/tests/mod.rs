//! Promises of SMAX.
