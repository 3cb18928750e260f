//! Networks, mixers, losses and optimizers compared with formulas, golden numbers and each other.

#![cfg(any(feature = "flex", feature = "ndarray"))]

mod agent;
mod encoders;
mod entity_encoders;
mod entity_heads;
mod mixer_golden;
mod mixer_properties;
mod mixers;
mod optim;
mod orthogonal;
mod qmix_update;
mod support;
mod team;
mod weights;
