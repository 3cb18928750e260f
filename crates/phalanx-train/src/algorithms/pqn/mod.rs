//! PQN, parallelised Q-networks: Q-learning from rollouts, without a replay buffer or target
//! networks.

mod learner;
mod minibatch;
mod settings;

pub use settings::{Pqn, PqnIql, PqnVdn};
