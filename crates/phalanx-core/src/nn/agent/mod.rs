//! Agent networks: on tensors for training, and on plain weights for acting.

mod actor;
mod actor_layers;
mod actor_network;
mod config;
mod network;
mod team;

pub use self::actor::{Actor, Scratch};
pub(in crate::nn) use self::actor_layers::Layer;
pub use self::config::{AgentConfig, Init};
pub use self::network::{AgentNetwork, AgentOutput};
pub use self::team::{AgentNetworks, Sharing};
