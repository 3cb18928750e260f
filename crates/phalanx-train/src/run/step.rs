//! Training step by step, in a loop of the caller.

use std::collections::BTreeMap;

use phalanx_core::env::{EnvSpec, StepRows};
use phalanx_core::nn;
use phalanx_core::rng::Purpose;
use tracing::warn;

use super::trainer::Trainer;
use crate::error::TrainError;
use crate::rollout::Policy;
use crate::run::Progress;
use crate::run::evaluate::{Evaluation, evaluate};

impl Trainer {
    /// Runs one iteration: a rollout in all environments, and the updates that follow it.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss is not finite, and the errors of [`Trainer::prepare`].
    pub fn iterate(&mut self) -> Result<Progress, TrainError> {
        let name = self.config.device.clone();
        let session = self.session()?;
        let (learner, envs, metrics) =
            (&mut session.learner, &mut session.envs, &mut session.metrics);
        let iterate = || session.pool.install(|| learner.train_iteration(&mut **envs, metrics));
        nn::catch_device_failure(&name, &session.device, iterate)??;
        let crashes = session.envs.take_crashes();
        for crash in crashes {
            let message =
                format!("environment {} panicked and was reset: {}", crash.env, crash.message);
            warn!(target: "phalanx::rollout", "{message}");
            for observer in &mut self.observers {
                observer.warn(&message)?;
            }
        }
        let progress = self.progress();
        for observer in &mut self.observers {
            observer.progress(&progress);
        }
        Ok(progress)
    }

    /// Returns the progress of training.
    pub fn progress(&self) -> Progress {
        let t_max = self.config.t_max;
        match &self.session {
            None => Progress { t_env: 0, t_max, episodes: 0, updates: 0, seconds: 0.0 },
            Some(session) => Progress {
                t_env: session.metrics.t_env,
                t_max,
                episodes: session.metrics.episodes,
                updates: session.metrics.updates,
                seconds: session.earlier_seconds + session.started.elapsed().as_secs_f64(),
            },
        }
    }

    /// Plays `test_nepisode` greedy episodes with the current policy.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trainer::prepare`].
    pub fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        let episodes = self.config.test_nepisode;
        let policy = self.policy()?;
        let session = self.session()?;
        let test_envs = &mut session.test_envs;
        Ok(session.pool.install(|| evaluate(&policy, &mut **test_envs, episodes)))
    }

    /// Returns the current policy.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trainer::prepare`].
    pub fn policy(&mut self) -> Result<Policy, TrainError> {
        let name = self.config.device.clone();
        let session = self.session()?;
        Ok(nn::catch_device_failure(&name, &session.device, || session.learner.policy())?)
    }

    /// Returns the learned values of all joint actions at the first step of an episode; the last
    /// agent's action varies fastest. Returns `None` if the algorithm learns no joint action values
    /// or there are more than 100 000 joint actions.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trainer::prepare`].
    pub fn joint_q_values(&mut self) -> Result<Option<Vec<f32>>, TrainError> {
        let seed = self.config.seed;
        let mut env = (self.make_envs)(1, seed, Purpose::Check);
        let spec = env.spec().clone();
        let (agents, n_actions) = (spec.n_agents() as u32, spec.n_actions);
        let Some(n) = n_actions.checked_pow(agents).filter(|&n| n <= 100_000) else {
            return Ok(None);
        };
        let mut first = StepRows::new(&spec, 1, 1);
        env.reset(&[true], first.at_mut(0));
        let digit = |joint: usize, agent: u32| {
            (joint / n_actions.pow(agents - 1 - agent) % n_actions) as u16
        };
        let actions: Vec<u16> =
            (0..n).flat_map(|joint| (0..agents).map(move |agent| digit(joint, agent))).collect();
        Ok(self.session()?.learner.joint_q_values(&first.obs, &first.state, &actions))
    }

    /// Returns the specification of the environment.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trainer::prepare`].
    pub fn spec(&mut self) -> Result<EnvSpec, TrainError> {
        Ok(self.prepared()?.envs.spec().clone())
    }

    /// Returns the means of all metrics since the last call, by name, and clears them. Waits for pending
    /// device work.
    ///
    /// # Errors
    ///
    /// Returns an error if a loss is not finite, and the errors of [`Trainer::prepare`].
    pub fn take_means(&mut self) -> Result<BTreeMap<String, f64>, TrainError> {
        self.flush()?;
        Ok(self.session()?.metrics.take_means())
    }

    /// Waits for pending device work and records its metrics.
    pub(super) fn flush(&mut self) -> Result<(), TrainError> {
        let name = self.config.device.clone();
        let session = self.session()?;
        nn::catch_device_failure(&name, &session.device, || {
            session.learner.flush(&mut session.metrics)
        })?
    }

    /// Returns the number of environments that panicked so far.
    pub fn crashes(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.metrics.crashes)
    }
}
