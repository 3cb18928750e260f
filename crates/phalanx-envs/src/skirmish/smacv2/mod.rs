//! What SMACv2 (Ellis et al. 2023) adds to SMAC: teams and starts drawn anew for every episode, a
//! cone of sight, and enemies that not every agent may see.

mod field_of_view;
mod generate;
mod partial_observability;

pub(crate) use field_of_view::FieldOfView;
pub(crate) use generate::sort_units;
pub use generate::{Generate, Weighted};
pub(crate) use partial_observability::Sightings;
