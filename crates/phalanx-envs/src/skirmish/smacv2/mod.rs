//! What SMACv2 (Ellis et al. 2023) adds to SMAC: teams and starts drawn anew for every episode, a
//! cone of sight, and enemies that not every agent may see.

mod cone;
mod generate;
mod sightings;

pub(crate) use cone::Cone;
pub use generate::{Generate, Weighted};
pub(crate) use generate::{Teams, sort};
pub(crate) use sightings::Sightings;
