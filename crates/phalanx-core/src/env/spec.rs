//! What an environment looks like from outside: sizes, agents, limits.

use serde::{Deserialize, Serialize};

/// One agent of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// A name for people, such as `marine 0`.
    pub name: String,
    /// The index of the agent's group. Agents of one group are alike and may share parameters.
    pub group: usize,
    /// The team the agent plays for: 0 unless several teams learn in one environment (self-play).
    /// The reward and the state are those of team 0.
    #[serde(default)]
    pub team: usize,
}

/// The sizes and rules of an environment, fixed for its whole life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvSpec {
    /// The identifier, as on the command line: `skirmish/3m`.
    pub id: String,
    /// The agents, in the order of every `agent` axis.
    pub agents: Vec<AgentSpec>,
    /// The number of actions; the same for all agents, narrowed per agent by the mask.
    pub n_actions: usize,
    /// The length of one agent's observation.
    pub obs_dim: usize,
    /// The length of the state that is available in training only.
    pub state_dim: usize,
    /// The entries of an observation that cannot be read off the state, such as what the agent sees
    /// and how far away it is; `None` where nobody sorted them out, which counts as all. Critics
    /// with an agent-specific state read them beside the state.
    #[serde(default)]
    pub private_obs: Option<Vec<usize>>,
    /// The largest number of steps of an episode.
    pub episode_limit: usize,
    /// Whether reaching `episode_limit` counts as a true end (no value is bootstrapped beyond it).
    ///
    /// The default is `false`: a time limit cuts an episode short and its last state still has a
    /// value. SMAC defines a timeout as terminal.
    pub timeout_is_terminal: bool,
    /// The names of the numbers an environment reports when an episode ends, such as
    /// `battle_won`. Each is logged as `<name>_mean`.
    pub info: Vec<String>,
    /// The largest return of an episode, where it is known.
    pub max_return: Option<f32>,
    /// The largest sum of rewards before any scaling, where it is known: SMAC's `max_reward`.
    pub max_reward: Option<f32>,
    /// Whether the environment also reports a reward for each agent, for learners of individual
    /// values. The reward of the team is reported in any case.
    #[serde(default)]
    pub agent_rewards: bool,
}

impl EnvSpec {
    /// A specification of `n_agents` alike agents named `agent 0`, `agent 1`, …
    ///
    /// The remaining fields are public; set them with a struct update.
    pub fn new(id: impl Into<String>, n_agents: usize) -> Self {
        let agent = |i| AgentSpec { name: format!("agent {i}"), group: 0, team: 0 };
        let agents = (0..n_agents).map(agent).collect();
        Self {
            id: id.into(),
            agents,
            n_actions: 1,
            obs_dim: 1,
            state_dim: 1,
            private_obs: None,
            episode_limit: 1,
            timeout_is_terminal: false,
            info: Vec::new(),
            max_return: None,
            max_reward: None,
            agent_rewards: false,
        }
    }

    /// The number of agents.
    pub fn n_agents(&self) -> usize {
        self.agents.len()
    }

    /// The length of the observations of all agents: `n_agents * obs_dim`.
    pub fn obs_len(&self) -> usize {
        self.n_agents() * self.obs_dim
    }

    /// The number of individual rewards: one per agent where the environment reports them, else
    /// none.
    pub fn agent_rewards_len(&self) -> usize {
        if self.agent_rewards { self.n_agents() } else { 0 }
    }

    /// The length of the available-action mask of all agents: `n_agents * n_actions`.
    pub fn avail_len(&self) -> usize {
        self.n_agents() * self.n_actions
    }
}

/// The meaning of every index of an environment's observation, state and action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// One sentence about the task.
    pub summary: String,
    /// `obs_dim` texts.
    pub obs: Vec<String>,
    /// `state_dim` texts.
    pub state: Vec<String>,
    /// `n_actions` texts.
    pub actions: Vec<String>,
}

impl Description {
    /// Placeholders of the right lengths, for an environment that explains nothing.
    pub fn unnamed(spec: &EnvSpec) -> Self {
        let number = |what: &str, n: usize| (0..n).map(|i| format!("{what} {i}")).collect();
        Self {
            summary: spec.id.clone(),
            obs: number("observation", spec.obs_dim),
            state: number("state", spec.state_dim),
            actions: number("action", spec.n_actions),
        }
    }
}
