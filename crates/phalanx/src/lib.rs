//! Phalanx trains teams: cooperative multi-agent reinforcement learning in Rust.
//!
//! It comes with value factorisation from VDN and QMIX to ConcaveQ, policy gradients from IPPO to HAPPO,
//! and StarCraft-like battles to train on. Environments, mixers and algorithms of your own are
//! one trait each. Nothing needs Python, StarCraft or CUDA.
//!
//! # A first program
//!
//! Train three marines with QMIX, then let the best policy play:
//!
//! ```no_run
//! use phalanx::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let battles = phalanx::envs::registry::factory("skirmish/3m", &Default::default())?;
//! let summary = Trainer::new(Qmix::default(), battles).seed(1).t_max(300_000).run("results/3m")?;
//! println!("battles won: {:?}", summary.last.battle_won_mean());
//!
//! let mut player = Player::load("results/3m")?;
//! player.begin();
//! # let (obs, avail) = (vec![], vec![]);
//! let actions = player.act(&obs, &avail)?;
//! # let _ = actions;
//! # Ok(())
//! # }
//! ```
//!
//! [`Trainer::run`] writes everything into one folder: the configuration, the metrics, the
//! checkpoints and, while it trains, the state from which [`Trainer::resume`] continues.
//!
//! # Guide
//!
//! | to … | see |
//! |---|---|
//! | write an environment | [`Env`], the trait; [`check_env`], which tests the contract; [`EnvEntry`], for the command line |
//! | use a built-in environment | [`envs::registry`]; [`envs::skirmish`], [`envs::smax`], [`envs::football`], [`envs::predator_prey`], [`envs::matrix`] |
//! | choose an algorithm | [`train::algorithms`]; every one is a plain value with public fields |
//! | train | [`Trainer`], with stopping rules, schedules, seeds and metrics of your own; [`Observer`], [`Report`], [`RunSummary`] |
//! | configure a run | [`RunConfig`], and [`train::config`] for files and `key=value` |
//! | find results and checkpoints | [`train::run::RunFolder`], [`train::run::checkpoint`], [`train::run::log`] |
//! | evaluate | [`train::run::evaluate`] |
//! | deploy a trained team | [`Player`] |
//! | record episodes | [`train::trace`] |
//! | write a mixer | [`Mixer`], used as [`QLearning<MyMixer>`](train::algorithms::QLearning) |
//! | write an algorithm | [`ValueFactorisation`](train::algorithms::ValueFactorisation) for another loss, [`Algorithm`](train::algorithms::Algorithm) for anything |
#![cfg_attr(
    feature = "cli",
    doc = "| build a program with the whole command line | [`cli::Program`] |"
)]
//!
//! # Determinism
//!
//! The same seed gives the same bits for any number of threads, in learning too. All randomness comes
//! from [`rng`]: one stream for each purpose and environment.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `flex` | yes | the CPU device |
//! | `cli` | yes | `phalanx::cli`, the command line for programs of your own |
//! | `wgpu` | no | the GPU device, over Vulkan, Metal, DX12 or WebGPU |
//! | `ndarray` | no | burn's older CPU device |
//!
//! # Re-exported crates
//!
//! The public interface uses types of [`burn`], [`serde`], [`serde_json`] and [`toml`]. They are
//! re-exported in the versions that it uses, so a crate that depends only on `phalanx` can do
//! everything. Their derive macros need to find the crate:
//!
//! ```
//! use phalanx::burn; // `#[derive(Module)]` refers to a crate called `burn`.
//! use phalanx::prelude::*;
//! use phalanx::serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, Default, Serialize, Deserialize)]
//! #[serde(crate = "phalanx::serde")]
//! struct Settings {
//!     width: usize,
//! }
//!
//! #[derive(Module, Debug)]
//! struct Network {
//!     layer: Linear,
//! }
//! ```
//!
//! Adding `burn` to a crate of your own is not needed. If you do add it, use the version that
//! `phalanx` pins and `default-features = false`.
//!
//! [`Trainer::run`]: train::Trainer::run
//! [`Trainer::resume`]: train::Trainer::resume
//! [`Trainer`]: train::Trainer
//! [`Observer`]: train::Observer
//! [`Report`]: train::Report
//! [`RunSummary`]: train::RunSummary
//! [`RunConfig`]: train::config::RunConfig
//! [`Player`]: train::Player
//! [`Env`]: env::Env
//! [`check_env`]: env::check_env
//! [`EnvEntry`]: envs::registry::EnvEntry
//! [`Mixer`]: nn::Mixer

#[doc(inline)]
pub use phalanx_core::{env, nn, rl, rng, settings};
#[doc(inline)]
pub use phalanx_envs as envs;
#[doc(inline)]
pub use phalanx_train as train;

/// The command line of the program `phalanx`, for programs with algorithms and environments of their
/// own. Needs the feature `cli`, which is on by default.
#[cfg(feature = "cli")]
#[doc(inline)]
pub use phalanx_cli as cli;

#[doc(no_inline)]
pub use {burn, serde, serde_json, toml};

pub mod prelude {
    //! The names that most programs need, for `use phalanx::prelude::*`.
    //!
    //! - **Training**: [`Trainer`] trains one algorithm on one environment. An [`Observer`] receives
    //!   [`Progress`] and [`Report`]s; a run ends with a [`RunSummary`], which names why it [`Ended`] and
    //!   holds [`Evaluation`]s, or with a [`TrainError`]. [`RunConfig`] holds the settings of every run;
    //!   [`ProgressDisplay`] is what `show_progress` adds.
    //! - **Algorithms**: Q-learning ([`QLearning`] with a mixer, such as [`Qmix`]), policy gradients
    //!   ([`Ippo`] and its relatives, with the settings [`PolicyGradient`]), [`Dqn`] and [`Pqn`].
    //! - **Deployment**: [`Player`] acts with the policy of a run.
    //! - **Environments**: [`Env`] and what an implementation uses: [`EnvSpec`], [`StepBuffers`],
    //!   [`StepResult`], [`StepStatus`], [`Description`], [`EnvError`], [`pack`] and [`unpack`].
    //!   [`check_env`] tests it, [`StepRows`] holds what it writes, [`ParallelEnvs`] makes a batch of it, and [`EnvEntry`] with [`Factory`] names
    //!   it on the command line.
    //! - **Networks**: [`Mixer`], [`Encoder`] and what implementations use: [`MixerInput`], [`MixerSizes`],
    //!   [`EncoderSizes`], [`Linear`], [`Mlp`], [`Activation`], and burn's [`Module`], [`Tensor`] and [`Device`].
    //! - **Randomness**: [`Rng`].
    //! - **Programs**: `Program` is the command line (feature `cli`).

    // Training.
    #[doc(no_inline)]
    pub use phalanx_train::config::RunConfig;
    #[doc(no_inline)]
    pub use phalanx_train::run::evaluate::Evaluation;
    #[doc(no_inline)]
    pub use phalanx_train::{
        Ended, Observer, Progress, ProgressDisplay, Report, RunSummary, TrainError, Trainer,
    };

    // Algorithms.
    #[doc(no_inline)]
    pub use phalanx_train::algorithms::{
        ConcaveQ, CwQmix, Dqn, DqnSettings, GnnDqn, Happo, Ia2c, Ippo, Iql, Maa2c, Mappo, OwQmix,
        PolicyGradient, Pqn, PqnIql, PqnVdn, QLearning, QLearningSettings, Qatten, Qmix, Qplex,
        Qtran, ResQ, SequentialPpo, Unrestricted, Vdn,
    };

    // Deployment.
    #[doc(no_inline)]
    pub use phalanx_train::run::checkpoint::CheckpointId;
    #[doc(no_inline)]
    pub use phalanx_train::{Player, PlayerError};

    // Environments.
    #[doc(no_inline)]
    pub use phalanx_core::env::{
        AgentSpec, Description, Env, EnvError, EnvSpec, ParallelEnvs, StepBuffers, StepResult,
        StepRows, StepStatus, check_env, pack, unpack,
    };
    #[doc(no_inline)]
    pub use phalanx_envs::registry::{EnvEntry, Factory};

    // Networks.
    #[doc(no_inline)]
    pub use burn::module::Module;
    #[doc(no_inline)]
    pub use burn::tensor::Tensor;
    #[doc(no_inline)]
    pub use phalanx_core::nn::{
        Activation, Device, Encoder, EncoderSizes, Linear, Mixer, MixerInput, MixerSizes, Mlp,
    };

    // Randomness.
    #[doc(no_inline)]
    pub use phalanx_core::rng::{Purpose, Rng};

    // Programs.
    #[cfg(feature = "cli")]
    #[doc(no_inline)]
    pub use phalanx_cli::Program;
}
