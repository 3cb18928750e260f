//! The concave mixer of ConcaveQ and its joint-action search.

#![cfg(feature = "flex")]

mod batch;
mod games;
mod limits;
mod mixer;
mod selection;
