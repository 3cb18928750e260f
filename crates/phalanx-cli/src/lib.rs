//! The program `phalanx` as a library, for programs with custom algorithms, mixers and environments.
//!
//! Such a program has the whole command line: training, resumption, evaluation, traces and
//! benchmarks. `list` shows its registered names next to the built-in ones:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use phalanx_cli::Program;
//! # use burn::module::Module;
//! # use burn::tensor::{Device, Tensor};
//! # use phalanx_core::nn::{Mixer, MixerInput, MixerSizes};
//! # use phalanx_core::rng::Rng;
//! use phalanx_train::algorithms::QLearning;
//!
//! # #[derive(Module, Debug, Default, serde::Serialize, serde::Deserialize)]
//! # struct MyMixer {}
//! # impl Mixer for MyMixer {
//! #     const ID: &str = "my_mixer";
//! #     const SUMMARY: &str = "the sum of the utilities";
//! #     type Network = Self;
//! #     fn init(&self, _: MixerSizes, _: &mut Rng, _: &Device) -> Self { Self {} }
//! #     fn forward(&self, _: &Self, input: MixerInput) -> Tensor<2> { input.q_chosen.sum_dim(1) }
//! # }
//! fn main() -> ExitCode {
//!     Program::builtin().algorithm::<QLearning<MyMixer>>().main()
//! }
//! ```

pub mod bench_workloads;
mod commands;
mod logging;
mod output;
mod program;
mod signals;

pub use program::Program;
