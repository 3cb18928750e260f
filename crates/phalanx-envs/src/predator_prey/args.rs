//! The arguments of predator-prey, under the names of the originals.

use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, FLAG, NUMBER, argument, read, row, wrong};

/// The arguments of the environment.
///
/// Names are those of `stag_hunt` in DCG, Weighted QMIX and PyMARL2, and defaults those of Weighted
/// QMIX's `pred_prey_punish`, except for the last argument, which is ours. Pairs are for stags and
/// hares, in this order, or for rows and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PredatorPreyArgs {
    /// The rows and columns of the grid.
    pub world_shape: [usize; 2],
    /// Opposite edges are joined; otherwise edges are walls.
    pub toroidal: bool,
    /// The number of agents.
    pub n_agents: usize,
    /// The number of stags, the prey that only several agents can catch.
    pub n_stags: usize,
    /// The number of hares, the prey that fewer agents can catch.
    pub n_hare: usize,
    /// How many rows and columns an agent sees in each direction.
    pub agent_obs: [usize; 2],
    /// The occupants of a cell that block a move into it: agents (0), stags (1), hares (2). Agents
    /// always do.
    pub agent_move_block: Vec<u8>,
    /// Prey is caught by the action *catch*; otherwise, it is caught when it has no free cell to move
    /// to.
    pub capture_action: bool,
    /// How many adjacent agents must play *catch* at once to catch a stag, and a hare.
    pub capture_action_conditions: [usize; 2],
    /// Without the action *catch*: the number of free adjacent cells at which a stag, and a hare, counts
    /// as caught.
    pub capture_conditions: [usize; 2],
    /// Agents that took part in a capture are frozen for the rest of the episode.
    pub capture_freezes: bool,
    /// Any capture ends the episode.
    pub capture_terminal: bool,
    /// Frozen agents vanish from the grid; otherwise they block moves.
    pub remove_frozen: bool,
    /// Without the action *catch*: prey that is enclosed only by prey and walls is not caught.
    pub prevent_cannibalism: bool,
    /// The reward when too few agents play *catch* next to a prey, once for each prey and step.
    pub miscapture_punishment: f32,
    /// The reward for a stag.
    pub reward_stag: f32,
    /// The reward for a hare.
    pub reward_hare: f32,
    /// The reward for a move that is blocked by an agent or prey.
    pub reward_collision: f32,
    /// The reward for every step.
    pub reward_time: f32,
    /// The probability that a stag that could move does not.
    pub p_stags_rest: f32,
    /// The probability that a hare that could move does not.
    pub p_hare_rest: f32,
    /// Agents observe the whole state and their own position instead of their surroundings.
    pub observe_state: bool,
    /// Observations show the walls.
    pub observe_walls: bool,
    /// Uses five features per cell instead of three: a separate one for walls, and one that is always
    /// zero.
    pub observe_one_hot: bool,
    /// Observations hold the 1-based number of an agent or prey instead of ones.
    pub observe_ids: bool,
    /// The largest number of steps of an episode.
    pub episode_limit: usize,
    /// Reaching the limit truncates the episode, so that its last state keeps its value; otherwise it
    /// terminates the episode.
    pub truncate_episodes: bool,
    /// Reports the share of each agent in the team's reward.
    pub individual_rewards: bool,
}

impl Default for PredatorPreyArgs {
    fn default() -> Self {
        Self {
            world_shape: [10, 10],
            toroidal: false,
            n_agents: 8,
            n_stags: 8,
            n_hare: 0,
            agent_obs: [2, 2],
            agent_move_block: vec![0, 1, 2],
            capture_action: true,
            capture_action_conditions: [2, 1],
            capture_conditions: [0, 1],
            capture_freezes: true,
            capture_terminal: false,
            remove_frozen: true,
            prevent_cannibalism: true,
            miscapture_punishment: -2.0,
            reward_stag: 10.0,
            reward_hare: 1.0,
            reward_collision: 0.0,
            reward_time: 0.0,
            p_stags_rest: 0.0,
            p_hare_rest: 0.0,
            observe_state: false,
            observe_walls: false,
            observe_one_hot: false,
            observe_ids: false,
            episode_limit: 200,
            truncate_episodes: true,
            individual_rewards: false,
        }
    }
}

const PROBABILITY: &str = "a number from 0 to 1";
const COUNT: &str = "a whole number from 0 to 1000";

/// The arguments of predator-prey, in the order of the fields of [`PredatorPreyArgs`].
pub const ARGUMENTS: &[Argument] = &[
    argument("world_shape", "a list of two whole numbers from 1 to 255, rows and columns"),
    argument("toroidal", FLAG),
    argument("n_agents", "a whole number from 1 to 1000"),
    argument("n_stags", COUNT),
    argument("n_hare", COUNT),
    argument("agent_obs", "a list of two whole numbers from 0 to 64, rows and columns"),
    argument("agent_move_block", "a list with 0 (agents) and optionally 1 (stags) and 2 (hares)"),
    argument("capture_action", FLAG),
    argument("capture_action_conditions", "a list of two whole numbers from 1 to 4"),
    argument("capture_conditions", "a list of two whole numbers from 0 to 4"),
    argument("capture_freezes", FLAG),
    argument("capture_terminal", FLAG),
    argument("remove_frozen", FLAG),
    argument("prevent_cannibalism", FLAG),
    argument("miscapture_punishment", NUMBER),
    argument("reward_stag", NUMBER),
    argument("reward_hare", NUMBER),
    argument("reward_collision", NUMBER),
    argument("reward_time", NUMBER),
    argument("p_stags_rest", PROBABILITY),
    argument("p_hare_rest", PROBABILITY),
    argument("observe_state", FLAG),
    argument("observe_walls", FLAG),
    argument("observe_one_hot", FLAG),
    argument("observe_ids", FLAG),
    argument("episode_limit", "a whole number from 1 to 1000000"),
    argument("truncate_episodes", FLAG),
    argument("individual_rewards", FLAG),
];

impl PredatorPreyArgs {
    /// Reads the arguments from a configuration.
    ///
    /// # Errors
    ///
    /// Returns an error for the first argument that is unknown, has an invalid value or contradicts another.
    pub fn from_table(table: &toml::Table) -> Result<Self, ArgumentError> {
        let args: Self = read(table, ARGUMENTS)?;
        args.check()?;
        Ok(args)
    }

    /// Returns the number of stags and hares.
    pub fn n_prey(&self) -> usize {
        self.n_stags + self.n_hare
    }

    /// Returns the largest return of an episode, if only captures are rewarded and their number is
    /// bounded by the agents they freeze; otherwise `None`.
    ///
    /// By default every stag takes two of eight agents, so that 4 stags, worth 40, can be caught.
    pub fn max_return(&self) -> Option<f32> {
        let only_captures = self.reward_time == 0.0
            && self.reward_collision == 0.0
            && self.miscapture_punishment <= 0.0;
        if !self.capture_action || !only_captures {
            return None;
        }
        let [per_stag, per_hare] = self.capture_action_conditions;
        let agents = if self.capture_freezes { self.n_agents } else { usize::MAX };
        let value = |stags: usize| {
            let hares = self.n_hare.min((agents - stags * per_stag) / per_hare);
            stags as f32 * self.reward_stag + hares as f32 * self.reward_hare.max(0.0)
        };
        Some((0..=self.n_stags.min(agents / per_stag)).map(value).fold(0.0, f32::max))
    }

    /// Rejects values that the types allow but the rules do not.
    pub(crate) fn check(&self) -> Result<(), ArgumentError> {
        let count = |n: usize| n <= 1000;
        let probability = |p: f32| (0.0..=1.0).contains(&p);
        let blocks = &self.agent_move_block;
        let values: [(&'static str, bool, &dyn std::fmt::Debug); 16] = [
            (
                "world_shape",
                self.world_shape.iter().all(|side| (1..=255).contains(side)),
                &self.world_shape,
            ),
            ("n_agents", self.n_agents > 0 && count(self.n_agents), &self.n_agents),
            ("n_stags", count(self.n_stags), &self.n_stags),
            ("n_hare", count(self.n_hare), &self.n_hare),
            ("agent_obs", self.agent_obs.iter().all(|&reach| reach <= 64), &self.agent_obs),
            ("agent_move_block", blocks.contains(&0) && blocks.iter().all(|&b| b <= 2), blocks),
            (
                "capture_action_conditions",
                self.capture_action_conditions.iter().all(|n| (1..=4).contains(n)),
                &self.capture_action_conditions,
            ),
            (
                "capture_conditions",
                self.capture_conditions.iter().all(|&n| n <= 4),
                &self.capture_conditions,
            ),
            (
                "miscapture_punishment",
                self.miscapture_punishment.is_finite(),
                &self.miscapture_punishment,
            ),
            ("reward_stag", self.reward_stag.is_finite(), &self.reward_stag),
            ("reward_hare", self.reward_hare.is_finite(), &self.reward_hare),
            ("reward_collision", self.reward_collision.is_finite(), &self.reward_collision),
            ("reward_time", self.reward_time.is_finite(), &self.reward_time),
            ("p_stags_rest", probability(self.p_stags_rest), &self.p_stags_rest),
            ("p_hare_rest", probability(self.p_hare_rest), &self.p_hare_rest),
            ("episode_limit", (1..=1_000_000).contains(&self.episode_limit), &self.episode_limit),
        ];
        if let Some((key, _, value)) = values.into_iter().find(|&(_, good, _)| !good) {
            return Err(wrong(row(ARGUMENTS, key), format!("{value:?}")));
        }
        self.check_together()
    }

    /// Rejects values that contradict each other.
    fn check_together(&self) -> Result<(), ArgumentError> {
        let refuse = |key, value, reason| Err(ArgumentError::Contradiction { key, value, reason });
        let [rows, columns] = self.world_shape;
        let crowd = self.n_agents + self.n_prey();
        if self.n_prey() == 0 {
            return refuse("n_stags", "0".to_owned(), "there must be at least one stag or hare");
        }
        if crowd > rows * columns {
            let reason = "the grid has fewer cells than there are agents and prey";
            return refuse("world_shape", format!("{:?}", self.world_shape), reason);
        }
        if self.toroidal && rows.min(columns) < 3 {
            let reason = "a toroidal grid needs at least 3 rows and columns";
            return refuse("world_shape", format!("{:?}", self.world_shape), reason);
        }
        if self.toroidal && self.observe_walls {
            return refuse("observe_walls", "true".to_owned(), "a toroidal grid has no walls");
        }
        Ok(())
    }
}
