//! When episodes end, and why.

use serde::{Deserialize, Serialize};

use super::args::Reward;
use super::view::View;
use crate::football::engine::state::GameMode;
use crate::football::scenarios::Scenario;

/// Why an episode ended before its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    /// A goal of either team.
    Score,
    /// A whistle: the ball left the pitch, offside or a foul.
    OutOfPlay,
    /// The other team won the ball.
    PossessionLost,
    /// The ball or an attacker was in the own half (CDS).
    OwnHalf,
}

/// What the ends of episodes remember between steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Umpire {
    /// The phase after the step before; none in the first step.
    mode: Option<GameMode>,
    /// The team that owned the ball last.
    owner: Option<u8>,
}

impl Umpire {
    /// Returns the first reason, in the original's order, why the episode ends with this step.
    pub(super) fn judge(
        &mut self,
        scenario: &Scenario,
        reward: Reward,
        agents: usize,
        view: &View,
    ) -> Option<Ending> {
        let owner = view.owner.map(|owner| owner.team);
        let mode = self.mode.replace(view.mode);
        let stopped = view.mode != GameMode::Normal && mode == Some(GameMode::Normal);
        let changed = owner.is_some() && self.owner.is_some() && owner != self.owner;
        self.owner = owner.or(self.owner);
        let cds = reward == Reward::Cds;
        let attackers = &view.players[0][view.counts[0] - agents..view.counts[0]];
        let back = || view.ball[0] < 0.0 || attackers.iter().any(|player| player.position[0] < 0.0);
        match () {
            () if scenario.end_on_score && view.score != [0, 0] => Some(Ending::Score),
            () if scenario.end_on_out_of_play && stopped => Some(Ending::OutOfPlay),
            () if scenario.end_on_possession_change && changed => Some(Ending::PossessionLost),
            () if cds && back() => Some(Ending::OwnHalf),
            () => None,
        }
    }
}
