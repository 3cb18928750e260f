//! DQN: Q-learning from single transitions, for one agent or for several agents that learn
//! independently.
//!
//! [`Dqn`] reads observations as they are, [`GnnDqn`] as graphs of entities, unless they are given another
//! encoder. [`DqnSettings`] holds the settings. The learner (`learner.rs`) makes one step in every
//! environment (`play.rs`), stores the transitions in a replay buffer (`transitions.rs`), draws minibatches of
//! them (`batch.rs`) and makes the updates that are due.

mod batch;
mod learner;
mod play;
mod settings;
mod transitions;

pub use settings::{Dqn, DqnLoss, DqnSettings, GnnDqn};
