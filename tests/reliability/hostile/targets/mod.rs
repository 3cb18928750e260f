//! The targets, one file each.

mod actions;
mod assignments;
mod config;
mod damage;
mod maps;
mod play;
mod program;
mod settings;
mod words;

pub use actions::Actions;
pub use assignments::Assignments;
pub use config::Config;
pub use damage::Damage;
pub use maps::Maps;
pub use words::Words;
