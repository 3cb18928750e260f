//! Pipelined training: actors use the previous weights while the device computes the next ones.

use phalanx_core::nn::{Actor, AgentNetworks};

use super::super::readings::Readings;
use crate::error::TrainError;
use crate::rollout::Tally;

/// The networks of the last updates, which a device may still be computing, and their metrics.
///
/// Weights reach the actors when the rollout after their updates has ended, whether or not the device
/// finished earlier: the same seed gives the same run.
pub(super) struct PipelinedWeights {
    /// The networks whose weights act at present.
    pub(super) acting: AgentNetworks,
    /// Those that act after the next rollout.
    next: Option<(AgentNetworks, Readings)>,
}

impl PipelinedWeights {
    /// Starts with networks that act and no next ones.
    pub(super) fn new(acting: AgentNetworks) -> Self {
        Self { acting, next: None }
    }

    /// Hands over networks after their updates, without waiting for the device.
    pub(super) fn send(&mut self, learned: AgentNetworks, readings: Readings) {
        self.next = Some((learned, readings));
    }

    /// Waits for the networks that were sent, records their metrics, and returns their actor.
    pub(super) fn receive(&mut self, tally: &mut Tally) -> Result<Option<Actor>, TrainError> {
        let Some((learned, readings)) = self.next.take() else { return Ok(None) };
        let (actor, numbers) = learned.to_actor_and(readings.values());
        self.acting = learned;
        readings.accept(numbers, tally)?;
        Ok(Some(actor))
    }

    /// Records the metrics of the networks that were sent, which stay the next ones.
    pub(super) fn flush(&mut self, tally: &mut Tally) -> Result<(), TrainError> {
        match &mut self.next {
            Some((_, readings)) => std::mem::take(readings).settle(tally),
            None => Ok(()),
        }
    }
}
