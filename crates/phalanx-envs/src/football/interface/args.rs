//! The arguments of a football environment.

use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, FLAG, argument, read, row, wrong};
use crate::football::scenarios::Scenario;

/// How controllers choose their players.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlMode {
    /// As in the original: a controller jumps to the player that gets the ball.
    #[default]
    Switching,
    /// Each agent keeps one player: the attackers of the scenario.
    Fixed,
}

/// The set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionSet {
    /// 19 actions.
    #[default]
    Default,
    /// One more: the built-in rules play.
    V2,
}

/// The rewards, and with them the ends of an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reward {
    /// Goals and checkpoints on the way to the goal.
    #[default]
    #[serde(rename = "scoring,checkpoints")]
    ScoringCheckpoints,
    /// Goals.
    #[serde(rename = "scoring")]
    Scoring,
    /// 100 for a goal and -1 for any other end, and the episode ends when the ball or an attacker
    /// is in the own half.
    #[serde(rename = "cds")]
    Cds,
}

/// How the agents' rewards make the team's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamReward {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum, as in MAPPO.
    Sum,
    /// That of the first agent, as in HARL.
    First,
}

/// What agents observe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observe {
    /// The original's 115 numbers.
    #[default]
    Simple115v2,
    /// A row for each player, for the ball and for the rest, relative to the agent.
    Entities,
    /// The relative positions of CDS.
    Cds,
    /// The original's four planes of 72 × 96 cells (`extracted`).
    Planes,
}

/// Which actions are available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Masks {
    /// All of them.
    #[default]
    None,
    /// Those that GRF_MARL allows.
    GrfMarl,
}

/// The arguments of the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FootballArgs {
    /// The number of agents, which control players of the left team; zero takes that of the
    /// scenario.
    pub agents: usize,
    /// How controllers choose their players.
    pub control: ControlMode,
    /// The set of actions.
    pub action_set: ActionSet,
    /// The rewards.
    pub reward: Reward,
    /// How the agents' rewards make the team's.
    pub team_reward: TeamReward,
    /// What agents observe.
    pub obs: Observe,
    /// With planes: the number of frames, the newest last.
    pub obs_stack: usize,
    /// Which actions are available.
    pub masks: Masks,
    /// The largest number of steps of an episode; zero takes that of the scenario.
    pub episode_limit: usize,
    /// Reaching the limit terminates the episode, so that nothing is bootstrapped after it.
    pub timeout_is_terminal: bool,
    /// The difficulty of the right team, from 0 to 1; a negative number takes that of the scenario.
    pub opponent_difficulty: f32,
}

impl Default for FootballArgs {
    fn default() -> Self {
        Self {
            agents: 0,
            control: ControlMode::Switching,
            action_set: ActionSet::Default,
            reward: Reward::ScoringCheckpoints,
            team_reward: TeamReward::Mean,
            obs: Observe::Simple115v2,
            obs_stack: 1,
            masks: Masks::None,
            episode_limit: 0,
            timeout_is_terminal: false,
            opponent_difficulty: -1.0,
        }
    }
}

/// The arguments of football, in the order of the fields of [`FootballArgs`].
pub const ARGUMENTS: &[Argument] = &[
    argument("agents", "a whole number from 0 (the scenario's own) to the number of its players"),
    argument("control", "\"switching\" or \"fixed\""),
    argument("action_set", "\"default\" or \"v2\""),
    argument("reward", "\"scoring,checkpoints\", \"scoring\" or \"cds\""),
    argument("team_reward", "\"mean\", \"sum\" or \"first\""),
    argument("obs", "\"simple115v2\", \"entities\", \"cds\" or \"planes\""),
    argument("obs_stack", "a whole number from 1 to 8; above 1 with obs = \"planes\" only"),
    argument("masks", "\"none\" or \"grf_marl\""),
    argument("episode_limit", "a whole number from 0 (the scenario's own) to 1000000"),
    argument("timeout_is_terminal", FLAG),
    argument("opponent_difficulty", "a number from 0 to 1, or a negative one (the scenario's own)"),
];

/// The most frames that can be stacked.
pub(super) const MAX_STACK: usize = 8;

impl FootballArgs {
    /// Reads the arguments from a configuration.
    ///
    /// # Errors
    ///
    /// Returns an error for the first argument that is unknown or has an invalid value.
    pub fn from_table(table: &toml::Table) -> Result<Self, ArgumentError> {
        let args: Self = read(table, ARGUMENTS)?;
        args.check()?;
        Ok(args)
    }

    /// Rejects values that the types allow but the rules do not.
    fn check(&self) -> Result<(), ArgumentError> {
        let refuse = |key, value: String| Err(wrong(row(ARGUMENTS, key), value));
        if self.agents > 11 {
            return refuse("agents", self.agents.to_string());
        }
        let stacked = self.obs_stack > 1 && self.obs != Observe::Planes;
        if !(1..=MAX_STACK).contains(&self.obs_stack) || stacked {
            return refuse("obs_stack", self.obs_stack.to_string());
        }
        if self.episode_limit > 1_000_000 {
            return refuse("episode_limit", self.episode_limit.to_string());
        }
        if !self.opponent_difficulty.is_finite() || self.opponent_difficulty > 1.0 {
            return refuse("opponent_difficulty", self.opponent_difficulty.to_string());
        }
        Ok(())
    }

    /// Fills in what the scenario decides, and rejects what it does not allow.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value, or there are more agents than players
    /// to control.
    pub(super) fn for_scenario(mut self, scenario: &Scenario) -> Result<Self, ArgumentError> {
        self.check()?;
        if self.agents == 0 {
            self.agents = scenario.agents;
        }
        if self.agents > scenario.controllable(0) {
            let reason = "the scenario has fewer players that agents may control";
            return Err(ArgumentError::Contradiction {
                key: "agents",
                value: self.agents.to_string(),
                reason,
            });
        }
        if self.episode_limit == 0 {
            // The original counts the first step as step zero. CDS ends after 150 steps.
            let cds = self.reward == Reward::Cds;
            self.episode_limit = if cds { 150 } else { scenario.duration + 1 };
        }
        if self.opponent_difficulty < 0.0 {
            self.opponent_difficulty = scenario.difficulty[1];
        }
        Ok(self)
    }
}
