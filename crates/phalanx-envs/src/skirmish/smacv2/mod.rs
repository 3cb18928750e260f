//! SMACv2's additions to SMAC (Ellis et al. 2023): teams and starting positions drawn in every
//! episode, a cone of sight, and enemies that not every agent may see.

mod field_of_view;
mod generate;
mod partial_observability;

pub(crate) use field_of_view::FieldOfView;
pub(crate) use generate::sort_units;
pub use generate::{Generate, Weighted};
pub(crate) use partial_observability::Sightings;
