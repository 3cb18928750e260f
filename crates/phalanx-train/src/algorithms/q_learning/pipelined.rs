//! Pipelined training: actors use the previous weights while the device computes the next ones.

use phalanx_core::nn::{Actor, AgentNetworks};

use super::super::pending_metrics::PendingMetrics;
use crate::error::TrainError;
use crate::rollout::Metrics;

/// The networks of the last updates, which a device may still be computing, and their metrics.
///
/// Actors get the new weights at the end of the next rollout, whether or not the device finishes
/// earlier, so that the same seed gives the same run.
pub(super) struct PipelinedWeights {
    /// The networks that act now.
    pub(super) acting: AgentNetworks,
    /// The networks that act after the next rollout.
    next: Option<(AgentNetworks, PendingMetrics)>,
}

impl PipelinedWeights {
    /// Starts with `acting`, and without pending networks.
    pub(super) fn new(acting: AgentNetworks) -> Self {
        Self { acting, next: None }
    }

    /// Queues networks after their updates without waiting for the device.
    pub(super) fn send(&mut self, learned: AgentNetworks, pending: PendingMetrics) {
        self.next = Some((learned, pending));
    }

    /// Waits for the queued networks, records their metrics and returns their actor.
    pub(super) fn receive(&mut self, metrics: &mut Metrics) -> Result<Option<Actor>, TrainError> {
        let Some((learned, pending)) = self.next.take() else { return Ok(None) };
        let (actor, numbers) = learned.to_actor_with(pending.values());
        self.acting = learned;
        pending.record(numbers, metrics)?;
        Ok(Some(actor))
    }

    /// Records the metrics of the queued networks, which stay queued.
    pub(super) fn flush(&mut self, metrics: &mut Metrics) -> Result<(), TrainError> {
        match &mut self.next {
            Some((_, pending)) => std::mem::take(pending).flush(metrics),
            None => Ok(()),
        }
    }
}
