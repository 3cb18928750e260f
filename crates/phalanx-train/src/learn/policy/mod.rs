//! Learning from advantages: policies improved by gradients. One file per algorithm.

mod ippo;
mod ppo_learner;
mod ppo_update;

pub use ippo::Ippo;
