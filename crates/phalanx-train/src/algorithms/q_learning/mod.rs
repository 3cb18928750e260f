//! Learning from values: utilities of the agents, factorised out of the joint action value and
//! learned from replayed episodes. One file per algorithm.
//!
//! [`QLearning`] holds the settings all of them share. A [`Factorisation`] says which networks there
//! are and by which loss they learn; [`ReplayLearner`] does everything else.

mod bytes;
mod central;
mod concave_loss;
mod concaveq;
mod experience;
mod factorisation;
mod iql;
mod learner;
mod mixed;
mod mlp;
mod monotone;
mod on_the_way;
mod pqn;
mod pqn_learner;
mod pqn_part;
mod qatten;
mod qmix;
mod qplex;
mod qtran;
mod resq;
pub(super) mod settings;
mod target_map;
mod targets;
mod update;
mod vdn;
mod wqmix;

pub use bytes::Bytes;
pub use concaveq::{
    Acting, ConcaveQ, ConvexName, Estimator, FirstLayerName, PolicyLoss, SearchName,
};
pub use experience::Experience;
pub use factorisation::{Factorisation, Loss, Plan, number};
pub use iql::Iql;
pub use learner::ReplayLearner;
pub use mixed::{Mixed, MixedNetworks};
pub use mlp::Mlp;
pub use monotone::{Monotone, PositiveName};
pub use pqn::{Pqn, PqnIql, PqnVdn};
pub use qatten::Qatten;
pub use qmix::Qmix;
pub use qplex::Qplex;
pub use qtran::{NetworkSize, Qtran};
pub use resq::ResQ;
pub use settings::{OptimizerName, Overlap, QLearning, TargetUpdate};
pub use targets::{Targets, TdError};
pub use vdn::Vdn;
pub use wqmix::{CwQmix, OwQmix, WeightedSettings};
