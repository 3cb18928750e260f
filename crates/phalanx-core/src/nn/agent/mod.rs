//! Agent networks: for learning on tensors, and for acting on plain weights.

mod actor;
mod actor_network;
mod config;
mod network;
mod team;

pub use self::actor::{Actor, Scratch};
pub(in crate::nn) use self::actor_network::Layer;
pub use self::config::{AgentConfig, Init};
pub use self::network::{AgentNetwork, AgentOutput};
pub use self::team::{AgentNetworks, Sharing};
