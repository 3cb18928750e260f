//! Policies that move to another environment, or into the first networks of another run.
//!
//! A policy fits if all its parameters have the shapes that are needed. With an encoder that reads
//! entities, shapes do not depend on the number of entities, as long as neither an agent ID nor a last
//! action is appended to the input.

mod error;
mod fit;
mod initial;

pub use error::TransferError;
pub(super) use fit::{Place, check_entities, weights_error};
pub use initial::InitialWeights;
pub(super) use initial::load_initial;
