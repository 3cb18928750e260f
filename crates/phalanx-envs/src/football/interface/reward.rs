//! Rewards: goals, checkpoints and CDS's.

use serde::{Deserialize, Serialize};

use super::args::{Reward, TeamReward};
use super::view::View;
use crate::football::engine::state::TEAM_SIZE;

/// The number of checkpoints, and the reward for each.
const CHECKPOINTS: u8 = 10;
const CHECKPOINT: f32 = 0.1;
/// The largest reward of an agent in an episode that ends with a goal.
pub(super) const MAX_RETURN: f32 = 2.0;
/// CDS's reward for a goal, and for any other end.
pub(super) const CDS_GOAL: f32 = 100.0;
const CDS_OTHER_END: f32 = -1.0;

/// What rewards remember between steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rewarder {
    /// The left team's goals minus those of the right one.
    lead: i64,
    /// The checkpoints that each agent has collected, `[agent]`.
    pub(super) collected: [u8; TEAM_SIZE],
}

impl Rewarder {
    /// Writes the reward of each agent for a step, `[agent]`.
    pub(super) fn settle(&mut self, kind: Reward, view: &View, over: bool, rewards: &mut [f32]) {
        let lead = i64::from(view.score[0]) - i64::from(view.score[1]);
        let scored = lead - std::mem::replace(&mut self.lead, lead);
        match kind {
            Reward::Scoring => rewards.fill(scored as f32),
            Reward::Cds => rewards.fill(match () {
                () if scored > 0 => CDS_GOAL,
                () if over => CDS_OTHER_END,
                () => 0.0,
            }),
            Reward::ScoringCheckpoints => {
                for (agent, reward) in rewards.iter_mut().enumerate() {
                    let collected = self.collect(view, agent, scored == 1);
                    *reward = scored as f32 + f32::from(collected) * CHECKPOINT;
                }
            }
        }
    }

    /// Returns the number of checkpoints that an agent collects in a step.
    ///
    /// A goal brings all that are left. Otherwise, while the agent's player owns the ball,
    /// checkpoint `c` is reached at a distance of `0.99 - 0.8 c / 9` from (1, 0), in observed units
    /// of both axes alike.
    fn collect(&mut self, view: &View, agent: usize, scored: bool) -> u8 {
        let collected = &mut self.collected[agent];
        let before = *collected;
        if scored {
            *collected = CHECKPOINTS;
        } else if view.active[agent].is_some_and(|index| view.owns(index)) {
            let [x, y] = view.ball_place().map(f64::from);
            let distance = ((x - 1.0) * (x - 1.0) + y * y).sqrt();
            while *collected < CHECKPOINTS && distance <= 0.99 - 0.8 / 9.0 * f64::from(*collected) {
                *collected += 1;
            }
        }
        *collected - before
    }
}

/// Returns the team's reward.
pub(super) fn of_team(kind: TeamReward, rewards: &[f32]) -> f32 {
    let sum = || rewards.iter().sum::<f32>();
    match kind {
        TeamReward::Mean => sum() / rewards.len() as f32,
        TeamReward::Sum => sum(),
        TeamReward::First => rewards[0],
    }
}
