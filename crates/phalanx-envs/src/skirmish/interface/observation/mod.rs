//! Observations: their layout, one team's view of the battle, and the code that writes them.

mod entities;
mod layout;
mod team_view;
mod write;

pub(crate) use layout::{Layout, PATHING_POINTS};
pub(crate) use team_view::{TeamRows, TeamView};
pub(crate) use write::mark;
