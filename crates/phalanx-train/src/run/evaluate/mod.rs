//! Evaluation of greedy and scripted policies.

mod scripted;

use std::collections::BTreeMap;

use phalanx_core::env::{StepRows, StepStatus, VecEnv};
use serde::{Deserialize, Serialize};
use tracing::{debug, debug_span};

use crate::rollout::{EnvFault, Metrics, Moment, Policy, TeamRunner, check_limit, check_rows};
pub use scripted::evaluate_scripted;

/// The result of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The number of episodes.
    pub episodes: usize,
    /// Means over the episodes by metric: `test_return_mean`, `test_ep_length_mean`, and
    /// `test_<name>_mean` of every value that the environment reports.
    pub means: BTreeMap<String, f64>,
    /// The return of every episode.
    pub returns: Vec<f64>,
    /// The number of further episodes in which the environment panicked. They count in nothing else.
    #[serde(default)]
    pub crashes: usize,
}

impl Evaluation {
    /// Creates an evaluation from the metrics and returns of finished episodes.
    fn of(mut metrics: Metrics, returns: Vec<f64>, crashes: usize) -> Self {
        let means = metrics.take_means().into_iter();
        Self {
            episodes: returns.len(),
            means: means.map(|(name, mean)| (format!("test_{name}"), mean)).collect(),
            returns,
            crashes,
        }
    }

    /// Returns the mean return.
    pub fn return_mean(&self) -> f64 {
        self.means.get("test_return_mean").copied().unwrap_or_default()
    }

    /// Returns the win rate, if the environment is a battle.
    pub fn battle_won_mean(&self) -> Option<f64> {
        self.means.get("test_battle_won_mean").copied()
    }

    /// Returns the score that ranks policies: first the win rate, then the mean return. An evaluation in which every
    /// episode crashed has the lowest one.
    pub fn score(&self) -> (f64, f64) {
        if self.episodes == 0 {
            return (f64::NEG_INFINITY, f64::NEG_INFINITY);
        }
        (self.battle_won_mean().unwrap_or_default(), self.return_mean())
    }
}

/// Plays `episodes` greedy episodes in `envs`, one per environment at a time.
///
/// Every environment draws from its own random stream, so the result does not depend on the number of
/// threads. Episodes in which an environment panicked are counted in [`Evaluation::crashes`] only.
///
/// # Errors
///
/// Returns an error if an environment breaks its contract.
pub fn evaluate(
    policy: &Policy,
    envs: &mut dyn VecEnv,
    episodes: usize,
) -> Result<Evaluation, EnvFault> {
    let evaluation = evaluate_until(policy, envs, episodes, &|| false)?;
    Ok(evaluation.expect("it is not stopped"))
}

/// Does the same, and returns `None` as soon as `stop` returns true, which is asked before every step.
///
/// # Errors
///
/// Returns the errors of [`evaluate`].
pub fn evaluate_until(
    policy: &Policy,
    envs: &mut dyn VecEnv,
    episodes: usize,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Evaluation>, EnvFault> {
    let spec = envs.spec().clone();
    let n = envs.n_envs();
    let _span =
        debug_span!(target: "phalanx::evaluation", "evaluation", episodes, envs = n).entered();
    let mut team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), n);
    let mut rows = StepRows::new(&spec, n, 1);
    let mut actions = vec![0_u16; n * spec.n_agents()];
    let mut metrics = Metrics::default();
    let mut returns = Vec::with_capacity(episodes.min(MOST_RESERVED));
    let mut crashes = 0;
    let mut left = episodes;
    while left > 0 {
        let mut playing: Vec<bool> = (0..n).map(|env| env < left).collect();
        left = left.saturating_sub(n);
        let mut totals = vec![0.0_f64; n];
        let mut lengths = vec![0_usize; n];
        envs.reset(&playing, rows.at_mut(0));
        for (env, playing) in playing.iter_mut().enumerate() {
            team.reset(env);
            if *playing && rows.status[env] == StepStatus::Crashed {
                crashes += 1;
                *playing = false;
            }
        }
        let moment = Moment { episode: metrics.episodes, steps: &lengths };
        check_rows(&spec, &rows.at_mut(0), &playing, &moment)?;
        while playing.contains(&true) {
            if stop() {
                return Ok(None);
            }
            team.act_greedily(&policy.actor, &rows.obs, &rows.avail, &playing, &mut actions);
            envs.step(&actions, &playing, rows.at_mut(0));
            lengths.iter_mut().zip(&playing).for_each(|(n, &plays)| *n += usize::from(plays));
            let moment = Moment { episode: metrics.episodes, steps: &lengths };
            check_rows(&spec, &rows.at_mut(0), &playing, &moment)?;
            for env in 0..n {
                if !playing[env] {
                    continue;
                }
                totals[env] += f64::from(rows.reward[env]);
                playing[env] = !rows.status[env].is_over();
                if rows.status[env] == StepStatus::Crashed {
                    crashes += 1;
                } else if rows.status[env].is_over() {
                    let info = &rows.info[env * spec.info.len()..][..spec.info.len()];
                    metrics.episode(&spec, totals[env], lengths[env], info);
                    returns.push(totals[env]);
                }
            }
            check_limit(&spec, &lengths, |env| playing[env], metrics.episodes)?;
        }
    }
    let evaluation = Evaluation::of(metrics, returns, crashes);
    debug!(target: "phalanx::evaluation", return_mean = evaluation.return_mean(), "played");
    Ok(Some(evaluation))
}

/// The largest number of episodes for which memory is reserved in advance.
const MOST_RESERVED: usize = 1 << 16;
