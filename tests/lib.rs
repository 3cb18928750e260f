//! End-to-end promises, one file per promise.
