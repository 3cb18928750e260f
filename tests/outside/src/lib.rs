//! What a user of the library writes, each part in one file: an environment, a mixer, an encoder and an
//! observer.

mod encoder;
mod environment;
mod mixer;
mod observer;

pub use encoder::Embedding;
pub use environment::{Meeting, entry};
pub use mixer::SumAndState;
pub use observer::BestReturn;

use phalanx::prelude::Program;

/// Returns the program `phalanx` with the parts of this crate.
pub fn program() -> Program {
    use phalanx::prelude::QLearning;
    Program::builtin()
        .environment(entry())
        .algorithm::<QLearning<SumAndState>>()
        .encoder::<Embedding>()
}
