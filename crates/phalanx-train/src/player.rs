//! Acting with a trained policy in a loop of the caller.

use std::path::Path;

use phalanx_core::env::EnvSpec;

use crate::encoders::Encoders;
use crate::error::TrainError;
use crate::rollout::{Policy, TeamRunner};
use crate::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy_for, load_policy_with};

/// A trained team that acts in a loop of your own: a simulator, a game, a robot.
///
/// It keeps the hidden states, the last actions and the stacked observations of its agents. Call
/// [`begin`](Player::begin) once per episode and [`act`](Player::act) once per step:
///
/// ```
/// use phalanx_core::env::{Env, StepRows};
/// use phalanx_core::rng::{Purpose, Rng};
/// use phalanx_train::{Player, Trainer, algorithms::Vdn};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let factory = phalanx_envs::registry::factory("two_step", &Default::default())?;
/// // The policy of a run is loaded with `Player::load("results/my_run")?`.
/// let mut player = Player::new(Trainer::new(Vdn::default(), factory.clone()).policy()?);
///
/// let mut env = factory();
/// let spec = env.spec().clone();
/// let mut rng = Rng::stream(1, Purpose::TestEnvironment, 0);
/// let mut rows = StepRows::new(&spec, 1, 1);
///
/// player.begin();
/// env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
/// loop {
///     let actions = player.act(&rows.obs, &rows.avail)?;
///     let result = env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
///     if result.status.is_over() {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// The actions are greedy: those that [`evaluate`](crate::run::evaluate::evaluate) plays, to the bit.
pub struct Player {
    policy: Policy,
    team: TeamRunner,
    /// `[agent]`.
    actions: Vec<u16>,
    begun: bool,
}

/// The reason why a [`Player`] did not act. Its state is then unchanged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlayerError {
    /// [`Player::begin`] was never called.
    #[error("no episode has begun; call `Player::begin` once per episode, before the first `act`")]
    NotBegun,
    /// An argument has the wrong length.
    #[error("`{argument}` has {given} elements, but {shape} needs {expected}")]
    Length {
        /// The argument: `obs` or `avail`.
        argument: &'static str,
        /// Its shape with sizes, such as `[3 agents, 30 numbers]`.
        shape: String,
        /// The length given.
        given: usize,
        /// The length expected.
        expected: usize,
    },
    /// An observation is infinite or not a number.
    #[error("`obs` holds {value} for agent {agent} at index {index}; observations must be finite")]
    NotFinite {
        /// The agent.
        agent: usize,
        /// The index within the agent's observation.
        index: usize,
        /// The value.
        value: f32,
    },
    /// An agent has no available action.
    #[error("`avail` leaves agent {agent} without an action")]
    NoAvailableAction {
        /// The agent.
        agent: usize,
    },
}

impl Player {
    /// Loads the best policy of the run in the folder `run`.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder holds no run or no checkpoint, or if a file is damaged.
    pub fn load(run: impl AsRef<Path>) -> Result<Self, TrainError> {
        Self::load_checkpoint(run, CheckpointId::Best)
    }

    /// Loads the policy of one checkpoint of the run in the folder `run`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such checkpoint, or if a file is damaged.
    pub fn load_checkpoint(run: impl AsRef<Path>, id: CheckpointId) -> Result<Self, TrainError> {
        Self::load_with(run, id, &Encoders::builtin())
    }

    /// Loads the best policy of the run in the folder `run` for another environment than that of its
    /// training ([`load_policy_for`]).
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::Transfer`] if the policy does not fit the environment, and the errors of
    /// [`Player::load`].
    pub fn load_for(run: impl AsRef<Path>, spec: &EnvSpec) -> Result<Self, TrainError> {
        let (_, files) = RunCheckpoints::of(run.as_ref()).load(CheckpointId::Best)?;
        Ok(Self::new(load_policy_for(&files, &Encoders::builtin(), spec)?))
    }

    /// Does the same for a policy with one of `encoders`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Player::load_checkpoint`], and an error if the policy's encoder is not
    /// among them.
    pub fn load_with(
        run: impl AsRef<Path>,
        id: CheckpointId,
        encoders: &Encoders,
    ) -> Result<Self, TrainError> {
        let (_, files) = RunCheckpoints::of(run.as_ref()).load(id)?;
        Ok(Self::new(load_policy_with(&files, encoders)?))
    }

    /// Creates a player of a policy, for example that of a [`Trainer`](crate::Trainer::policy).
    pub fn new(policy: Policy) -> Self {
        let team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
        let actions = vec![0; policy.inputs.n_agents];
        Self { policy, team, actions, begun: false }
    }

    /// Begins an episode: forgets hidden states, last actions and earlier observations.
    pub fn begin(&mut self) {
        self.team.reset(0);
        self.begun = true;
    }

    /// Chooses an action for every agent, `[agent]`: the available one with the largest output.
    ///
    /// `obs` holds the observations, `[agent, obs_dim]`, and `avail` the available actions,
    /// `[agent, n_actions]`. Agents that do not act, such as dead ones, need one available action too.
    ///
    /// # Errors
    ///
    /// Returns an error if no episode has begun, an argument has the wrong length, an observation
    /// is not finite, or an agent has no available action.
    pub fn act(&mut self, obs: &[f32], avail: &[bool]) -> Result<&[u16], PlayerError> {
        self.check(obs, avail)?;
        self.team.act_greedily(&self.policy.actor, obs, avail, &[true], &mut self.actions);
        Ok(&self.actions)
    }

    /// Returns the outputs of the last [`Player::act`], `[agent, n_actions]`: Q-values of value-based
    /// algorithms, logits of policy gradients. Those of unavailable actions are not masked. Zeros before the
    /// first call.
    pub fn values(&self) -> &[f32] {
        self.team.outputs()
    }

    /// Returns the number of agents.
    pub fn n_agents(&self) -> usize {
        self.policy.inputs.n_agents
    }

    /// Returns the number of actions of an agent.
    pub fn n_actions(&self) -> usize {
        self.policy.inputs.n_actions
    }

    /// Returns the length of one agent's observation.
    pub fn obs_dim(&self) -> usize {
        self.policy.inputs.obs_dim
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Checks the arguments of [`Player::act`].
    fn check(&self, obs: &[f32], avail: &[bool]) -> Result<(), PlayerError> {
        if !self.begun {
            return Err(PlayerError::NotBegun);
        }
        let (agents, obs_dim, n_actions) = (self.n_agents(), self.obs_dim(), self.n_actions());
        let length = |argument, given, size: usize, unit| {
            let expected = agents * size;
            let shape = format!("[{agents} agents, {size} {unit}]");
            Err(PlayerError::Length { argument, shape, given, expected })
        };
        if obs.len() != agents * obs_dim {
            return length("obs", obs.len(), obs_dim, "numbers");
        }
        if avail.len() != agents * n_actions {
            return length("avail", avail.len(), n_actions, "actions");
        }
        if let Some(at) = obs.iter().position(|value| !value.is_finite()) {
            let (agent, index) = (at / obs_dim, at % obs_dim);
            return Err(PlayerError::NotFinite { agent, index, value: obs[at] });
        }
        let stuck = avail.chunks_exact(n_actions).position(|mask| !mask.contains(&true));
        stuck.map_or(Ok(()), |agent| Err(PlayerError::NoAvailableAction { agent }))
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player")
            .field("n_agents", &self.n_agents())
            .field("n_actions", &self.n_actions())
            .field("obs_dim", &self.obs_dim())
            .finish_non_exhaustive()
    }
}
