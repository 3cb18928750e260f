//! Specifications: sizes, agents and limits of an environment.

use serde::{Deserialize, Serialize};

use super::entities::EntityLayout;

/// One agent of a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// The display name, such as `marine 0`.
    pub name: String,
    /// The index of the agent's group. The agents of a group are alike and may share parameters.
    pub group: usize,
    /// The team the agent plays for: 0 unless several teams learn in one environment (self-play).
    /// The reward and the state are those of team 0.
    #[serde(default)]
    pub team: usize,
}

/// The sizes and limits of an environment. They never change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvSpec {
    /// The id, as on the command line: `skirmish/3m`.
    pub id: String,
    /// The agents, in the order of every `agent` axis.
    pub agents: Vec<AgentSpec>,
    /// The number of actions; the same for all agents, narrowed per agent by the mask.
    pub n_actions: usize,
    /// The length of one agent's observation.
    pub obs_dim: usize,
    /// The length of the global state, which is used in training only.
    pub state_dim: usize,
    /// The entries of an observation that the state does not contain, such as visibility and
    /// distances; `None` means all entries. Critics with an agent-specific state read them in addition
    /// to the state.
    #[serde(default)]
    pub private_obs: Option<Vec<usize>>,
    /// The largest number of steps of an episode.
    pub episode_limit: usize,
    /// Whether reaching `episode_limit` counts as a termination, so that nothing is bootstrapped after
    /// it.
    ///
    /// The default is `false`: a time limit truncates the episode, and its last state still has a
    /// value. SMAC defines a timeout as terminal.
    pub timeout_is_terminal: bool,
    /// The names of the values reported at the end of an episode, such as `battle_won`. Each is logged
    /// as `<name>_mean`.
    pub info: Vec<String>,
    /// The largest return of an episode, if known.
    pub max_return: Option<f32>,
    /// The largest sum of rewards before any scaling, if known (SMAC's `max_reward`).
    pub max_reward: Option<f32>,
    /// Whether the environment also reports a reward for each agent, for learners of individual
    /// values. The team's reward is always reported.
    #[serde(default)]
    pub agent_rewards: bool,
    /// The entities that an observation consists of, for encoders that read entities; `None` if the
    /// environment describes none.
    #[serde(default)]
    pub entities: Option<EntityLayout>,
}

impl EnvSpec {
    /// Creates a specification of `n_agents` agents of one group, named `agent 0`, `agent 1`, …
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
            entities: None,
        }
    }

    /// Returns the number of agents.
    pub fn n_agents(&self) -> usize {
        self.agents.len()
    }

    /// Returns the length of the observations of all agents: `n_agents * obs_dim`.
    pub fn obs_len(&self) -> usize {
        self.n_agents() * self.obs_dim
    }

    /// Returns the number of individual rewards: one per agent if [`EnvSpec::agent_rewards`], otherwise
    /// zero.
    pub fn agent_rewards_len(&self) -> usize {
        if self.agent_rewards { self.n_agents() } else { 0 }
    }

    /// Returns the length of the action masks of all agents: `n_agents * n_actions`.
    pub fn avail_len(&self) -> usize {
        self.n_agents() * self.n_actions
    }
}

/// The meaning of every index of an environment's observation, state and action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// One sentence that summarises the task.
    pub summary: String,
    /// `obs_dim` texts.
    pub obs: Vec<String>,
    /// `state_dim` texts.
    pub state: Vec<String>,
    /// `n_actions` texts.
    pub actions: Vec<String>,
}

impl Description {
    /// Creates placeholders of the right lengths, for an environment without descriptions.
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
