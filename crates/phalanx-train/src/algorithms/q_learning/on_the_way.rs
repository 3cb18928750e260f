//! Weights that are still being learned while actors play with those from before.

use phalanx_core::nn::{Actor, AgentNetworks};

use super::super::pending_metrics::PendingMetrics;
use crate::error::TrainError;
use crate::rollout::Metrics;

/// The networks of the last updates, which a device may still be computing, and what it will tell of them.
///
/// Weights become those of the actors when the rollout after their updates is over, whether the device has
/// finished long ago or not: the same seed gives the same run.
pub(super) struct OnTheWay {
    /// The networks whose weights act at present.
    pub(super) acting: AgentNetworks,
    /// Those that act after the next rollout.
    next: Option<(AgentNetworks, PendingMetrics)>,
}

impl OnTheWay {
    /// Nothing is on the way.
    pub(super) fn new(acting: AgentNetworks) -> Self {
        Self { acting, next: None }
    }

    /// Notes networks that were learned, without waiting for them.
    pub(super) fn send(&mut self, learned: AgentNetworks, pending: PendingMetrics) {
        self.next = Some((learned, pending));
    }

    /// Waits for what was sent, adds what it tells to `metrics`, and returns the actor.
    pub(super) fn receive(&mut self, metrics: &mut Metrics) -> Result<Option<Actor>, TrainError> {
        let Some((learned, pending)) = self.next.take() else { return Ok(None) };
        let (actor, numbers) = learned.to_actor_and(pending.values());
        self.acting = learned;
        pending.record(numbers, metrics)?;
        Ok(Some(actor))
    }

    /// Adds what there is to tell to `metrics`, and leaves the weights on their way.
    pub(super) fn settle(&mut self, metrics: &mut Metrics) -> Result<(), TrainError> {
        match &mut self.next {
            Some((_, pending)) => std::mem::take(pending).flush(metrics),
            None => Ok(()),
        }
    }
}
