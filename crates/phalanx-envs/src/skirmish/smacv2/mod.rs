//! The additions of SMACv2 (Ellis et al. 2023) to SMAC: teams and starting positions drawn anew in every
//! episode, a conic field of view, and extended partial observability.

mod field_of_view;
mod generate;
mod partial_observability;

pub(crate) use field_of_view::FieldOfView;
pub(crate) use generate::sort_units;
pub use generate::{Generate, Weighted};
pub(crate) use partial_observability::Sightings;
