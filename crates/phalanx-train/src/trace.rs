//! Traces: recorded episodes as JSON lines.
//!
//! The first line is a header: the environment, its arguments, the seed and the sizes. Every episode
//! starts with a line at `t = 0`, before any action, and every step adds one:
//!
//! | key | value |
//! |---|---|
//! | `episode`, `t` | the number of the episode, from 0; the step within it |
//! | `actions` | the joint action, `[agent]`; empty at `t = 0` |
//! | `reward`, `agent_rewards` | the team's reward, and each agent's if the environment reports them |
//! | `terminated`, `truncated` | how the step ended the episode, if it did |
//! | … | what [`Env::frame`] returns, such as `units` or `text` |
//! | `info` | at the end of an episode: the values named by [`EnvSpec::info`](phalanx_core::env::EnvSpec::info) |
//! | `obs`, `state`, `avail_actions` | with [`Trace::full`] |
//!
//! The same seed and actions give the same bytes. Recording an environment of your own:
//!
//! ```
//! use phalanx_train::trace::{Trace, TracePolicy};
//! # let factory = phalanx_envs::registry::factory("predator_prey", &Default::default())?;
//!
//! let mut env = factory();
//! let trace = Trace { seed: 7, episodes: 2, ..Trace::default() };
//! let mut lines = Vec::new(); // or a file: BufWriter::new(File::create("mine.jsonl")?)
//! let mut policy = TracePolicy::named("random", &env)?; // or a `Player`: player.into()
//! let recorded = trace.record(&mut env, &mut policy, &mut lines)?;
//!
//! assert_eq!(recorded.episodes, 2);
//! // The header, and one line more than steps for each episode.
//! let lines = String::from_utf8(lines)?;
//! assert_eq!(lines.lines().count() as u64, 1 + recorded.steps + recorded.episodes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io::{self, Write};

use phalanx_core::env::{Env, StepResult, StepRows, StepStatus};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::arguments::closest_match;
use serde_json::{Value, json};
use toml::Table;

use crate::player::{Player, PlayerError};
use crate::rollout::ScriptedPolicy;

/// What to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The seed of the environment and of random policies.
    pub seed: u64,
    /// The number of episodes.
    pub episodes: u64,
    /// Whether lines also hold observations, state and available actions.
    pub full: bool,
    /// The arguments of the environment; they are written into the header and not used otherwise.
    pub env_args: Table,
}

impl Default for Trace {
    fn default() -> Self {
        Self { seed: 1, episodes: 1, full: false, env_args: Table::new() }
    }
}

/// How much was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Episodes.
    pub episodes: u64,
    /// Environment steps.
    pub steps: u64,
}

/// The source of the actions of a trace.
#[derive(Debug)]
pub enum TracePolicy {
    /// A random or scripted policy.
    Scripted(ScriptedPolicy),
    /// A trained team, greedily.
    Player(Box<Player>),
    /// Joint actions, `[agent]` each, one per step over all episodes. The trace ends where they end.
    Actions(Vec<Vec<u16>>),
}

/// An error of a recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A line cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The trained team does not fit the environment.
    #[error(transparent)]
    Player(#[from] PlayerError),
    /// A given joint action is not available.
    #[error("joint action {number}, {actions:?}, is not available")]
    Unavailable {
        /// The number of the joint action, from 1.
        number: usize,
        /// The joint action.
        actions: Vec<u16>,
    },
    /// The environment has no such policy.
    #[error(
        "`{env}` has no scripted policy `{name}` (did you mean `{similar}`? known: {})",
        known.join(", ")
    )]
    UnknownPolicy {
        /// The environment.
        env: String,
        /// The requested name.
        name: String,
        /// The known name most like it.
        similar: String,
        /// All names.
        known: Vec<&'static str>,
    },
}

impl TracePolicy {
    /// Returns the policy called `name` in `env`: `random`, `heuristic` or the name of one of
    /// [`Env::scripted_policies`].
    ///
    /// # Errors
    ///
    /// Returns an error if there is none; the error lists the names.
    pub fn named(name: &str, env: &dyn Env) -> Result<Self, TraceError> {
        ScriptedPolicy::named(name, env).map(Self::Scripted).ok_or_else(|| {
            let known = ScriptedPolicy::names(env);
            TraceError::UnknownPolicy {
                env: env.spec().id.clone(),
                name: name.to_owned(),
                similar: closest_match(name, known.iter().copied()).unwrap_or_default().to_owned(),
                known,
            }
        })
    }

    /// Prepares for the start of an episode.
    fn begin(&mut self) {
        if let Self::Player(player) = self {
            player.begin();
        }
    }

    /// Writes the joint action number `number`, from 0, into `actions`, `[agent]`. Returns whether there is
    /// one.
    fn act(
        &mut self,
        env: &mut dyn Env,
        rows: &StepRows,
        number: u64,
        rng: &mut Rng,
        actions: &mut [u16],
    ) -> Result<bool, TraceError> {
        match self {
            Self::Scripted(policy) => policy.act(env, &rows.avail, rng, actions),
            Self::Player(player) => actions.copy_from_slice(player.act(&rows.obs, &rows.avail)?),
            Self::Actions(all) => {
                let Some(given) = all.get(number as usize) else { return Ok(false) };
                let masks = rows.avail.chunks_exact(env.spec().n_actions);
                let available = |(action, mask): (&u16, &[bool])| {
                    mask.get(usize::from(*action)).copied().unwrap_or(false)
                };
                if given.len() != actions.len() || !given.iter().zip(masks).all(available) {
                    let number = number as usize + 1;
                    return Err(TraceError::Unavailable { number, actions: given.clone() });
                }
                actions.copy_from_slice(given);
            }
        }
        Ok(true)
    }
}

impl From<Player> for TracePolicy {
    fn from(player: Player) -> Self {
        Self::Player(Box::new(player))
    }
}

impl Trace {
    /// Records episodes of `env` as JSON lines.
    ///
    /// # Errors
    ///
    /// Returns an error if a line cannot be written, a player does not fit the environment, or a
    /// given action is not available.
    pub fn record(
        &self,
        env: &mut dyn Env,
        policy: &mut TracePolicy,
        out: &mut dyn Write,
    ) -> Result<Recorded, TraceError> {
        let recorded = self.for_each_line(env, policy, |line| writeln!(out, "{line}"))?;
        out.flush()?;
        Ok(recorded)
    }

    /// Records episodes of `env` and hands every line to `put`, the header first.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trace::record`] and of `put`.
    pub fn for_each_line(
        &self,
        env: &mut dyn Env,
        policy: &mut TracePolicy,
        mut put: impl FnMut(&Value) -> io::Result<()>,
    ) -> Result<Recorded, TraceError> {
        let spec = env.spec().clone();
        put(&json!({
            "env": spec.id,
            "env_args": self.env_args,
            "seed": self.seed,
            "version": env!("CARGO_PKG_VERSION"),
            "n_agents": spec.n_agents(),
            "n_actions": spec.n_actions,
            "episode_limit": spec.episode_limit,
        }))?;
        let mut rng = Rng::stream(self.seed, Purpose::Environment, 0);
        let mut policy_rng = Rng::stream(self.seed, Purpose::ScriptedPolicy, 0);
        let mut rows = StepRows::new(&spec, 1, 1);
        let mut actions = vec![0; spec.n_agents()];
        let mut recorded = Recorded::default();
        while recorded.episodes < self.episodes {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            policy.begin();
            let start = StepResult { reward: 0.0, status: StepStatus::Running };
            put(&self.line(env, &rows, recorded.episodes, 0, &[], start))?;
            for t in 1_u64.. {
                if !policy.act(env, &rows, recorded.steps, &mut policy_rng, &mut actions)? {
                    return Ok(recorded);
                }
                let result = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
                put(&self.line(env, &rows, recorded.episodes, t, &actions, result))?;
                recorded.steps += 1;
                if result.status.is_over() || t >= spec.episode_limit as u64 {
                    break;
                }
            }
            recorded.episodes += 1;
        }
        Ok(recorded)
    }

    /// Returns the line of one step.
    fn line(
        &self,
        env: &dyn Env,
        rows: &StepRows,
        episode: u64,
        t: u64,
        actions: &[u16],
        result: StepResult,
    ) -> Value {
        let spec = env.spec();
        let terminated = result.status.with_timeout(spec.timeout_is_terminal).is_terminal();
        let mut line = json!({
            "episode": episode,
            "t": t,
            "actions": actions,
            "reward": result.reward,
            "terminated": terminated,
            "truncated": result.status == StepStatus::Truncated,
        });
        if spec.agent_rewards {
            line["agent_rewards"] = json!(rows.agent_rewards);
        }
        for (key, value) in env.frame() {
            line[key] = value;
        }
        if result.status.is_over() {
            let info = spec.info.iter().zip(&rows.info);
            line["info"] = info.map(|(name, value)| (name.clone(), json!(value))).collect();
        }
        if self.full {
            line["obs"] = rows.obs.chunks_exact(spec.obs_dim).map(|agent| json!(agent)).collect();
            line["state"] = json!(rows.state);
            line["avail_actions"] =
                rows.avail.chunks_exact(spec.n_actions).map(|mask| json!(mask)).collect();
        }
        line
    }
}
