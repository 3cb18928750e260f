//! The concave mixer of ConcaveQ and the selection of joint actions it needs.

#![cfg(feature = "flex")]

mod batch;
mod games;
mod limits;
mod mixer;
mod selection;
