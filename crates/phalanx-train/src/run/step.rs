//! Training step by step, in a loop of the caller.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use phalanx_core::env::{EnvSpec, StepRows};
use phalanx_core::nn;
use phalanx_core::rng::Purpose;
use tracing::warn;

use super::trainer::{TEST_ENVS, Trainer};
use crate::algorithms::NamedFile;
use crate::error::TrainError;
use crate::rollout::{EnvFault, Metrics, Policy};
use crate::run::Progress;
use crate::run::checkpoint::load_policy_with;
use crate::run::evaluate::{Evaluation, evaluate_until};

/// The number of episodes over which crashes are counted. A run ends if most of them crash.
const CRASH_WINDOW: u64 = 20;

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
        for crash in &crashes {
            let message =
                format!("environment {} panicked and was reset: {}", crash.env, crash.message);
            warn!(target: "phalanx::rollout", "{message}");
            self.warn(&message)?;
        }
        self.check_crashes(crashes.last().map(|crash| crash.message.clone()))?;
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

    /// Checks that of the latest episodes, most did not crash. `message` is that of the latest crash.
    fn check_crashes(&mut self, message: Option<String>) -> Result<(), TrainError> {
        let session = self.session()?;
        let Metrics { episodes, crashes, .. } = session.metrics;
        let (before, crashed_before) = session.counted;
        let (ended, crashed) = (episodes - before, crashes - crashed_before);
        if ended + crashed < CRASH_WINDOW {
            return Ok(());
        }
        session.counted = (episodes, crashes);
        if crashed <= ended {
            return Ok(());
        }
        let message = message.unwrap_or_else(|| "see the warnings before".to_owned());
        let id = session.envs.spec().id.clone();
        Err(EnvFault::Crashes { id, crashed, episodes: ended + crashed, message }.into())
    }

    /// Plays `test_nepisode` greedy episodes with the current policy.
    ///
    /// # Errors
    ///
    /// Returns an error if an environment breaks its contract, and the errors of [`Trainer::prepare`].
    pub fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        let evaluation = self.evaluate_until(&|| false)?;
        Ok(evaluation.expect("it is not stopped"))
    }

    /// Does the same, and returns `None` as soon as a stop is requested.
    pub(super) fn evaluate_unless_stopped(&mut self) -> Result<Option<Evaluation>, TrainError> {
        let stop = self.stop_flag();
        self.evaluate_until(&move || stop.load(Ordering::Relaxed))
    }

    fn evaluate_until(
        &mut self,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Evaluation>, TrainError> {
        let episodes = self.config.test_nepisode;
        let policy = self.policy()?;
        let session = self.session()?;
        let test_envs = &mut session.test_envs;
        let played =
            session.pool.install(|| evaluate_until(&policy, &mut **test_envs, episodes, stop));
        let crashes = session.test_envs.take_crashes();
        for crash in crashes {
            let message = format!(
                "test environment {} panicked, and its episode does not count: {}",
                crash.env, crash.message
            );
            warn!(target: "phalanx::evaluation", "{message}");
            self.warn(&message)?;
        }
        Ok(played?)
    }

    /// Plays `episodes` greedy episodes with the policy in the files of a checkpoint, in new test environments. Returns
    /// `None` as soon as a stop is requested.
    pub(super) fn evaluate_files(
        &mut self,
        files: &[NamedFile],
        episodes: usize,
    ) -> Result<Option<Evaluation>, TrainError> {
        let policy = load_policy_with(files, self.encoders_by_name())?;
        let stop = self.stop_flag();
        let n_envs = episodes.min(TEST_ENVS);
        let mut envs = (self.make_envs)(n_envs, self.config.seed, Purpose::TestEnvironment);
        let stop = move || stop.load(Ordering::Relaxed);
        let pool = &self.session()?.pool;
        Ok(pool.install(|| evaluate_until(&policy, &mut *envs, episodes, &stop))?)
    }

    /// Returns the state of the test environments.
    pub(super) fn test_envs_state(&mut self) -> Result<Vec<u8>, TrainError> {
        let mut bytes = Vec::new();
        self.session()?.test_envs.save(&mut bytes);
        Ok(bytes)
    }

    /// Restores a state of the test environments.
    pub(super) fn restore_test_envs(&mut self, bytes: &[u8]) -> Result<(), TrainError> {
        Ok(self.session()?.test_envs.load(bytes)?)
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
