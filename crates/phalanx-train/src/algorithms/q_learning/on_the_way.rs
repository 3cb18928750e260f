//! Weights that are still being learned while actors play with those from before.

use phalanx_core::nn::{Actor, AgentNetworks};

use super::super::readings::Readings;
use crate::error::TrainError;
use crate::rollout::Tally;

/// The networks of the last updates, which a device may still be computing, and what it will tell of them.
///
/// Weights become those of the actors when the rollout after their updates is over, whether the device has
/// finished long ago or not: the same seed gives the same run.
pub(super) struct OnTheWay {
    /// The networks whose weights act at present.
    pub(super) acting: AgentNetworks,
    /// Those that act after the next rollout.
    next: Option<(AgentNetworks, Readings)>,
}

impl OnTheWay {
    /// Nothing is on the way.
    pub(super) fn new(acting: AgentNetworks) -> Self {
        Self { acting, next: None }
    }

    /// Notes networks that were learned, without waiting for them.
    pub(super) fn send(&mut self, learned: AgentNetworks, readings: Readings) {
        self.next = Some((learned, readings));
    }

    /// Waits for what was sent, adds what it tells to `tally`, and returns the actor.
    pub(super) fn receive(&mut self, tally: &mut Tally) -> Result<Option<Actor>, TrainError> {
        let Some((learned, readings)) = self.next.take() else { return Ok(None) };
        let (actor, numbers) = learned.to_actor_with(readings.values());
        self.acting = learned;
        readings.accept(numbers, tally)?;
        Ok(Some(actor))
    }

    /// Adds what there is to tell to `tally`, and leaves the weights on their way.
    pub(super) fn settle(&mut self, tally: &mut Tally) -> Result<(), TrainError> {
        match &mut self.next {
            Some((_, readings)) => std::mem::take(readings).settle(tally),
            None => Ok(()),
        }
    }
}
