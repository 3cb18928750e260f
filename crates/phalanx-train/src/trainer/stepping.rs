//! Training step by step, with the loop in the caller's hands.

use std::collections::BTreeMap;

use phalanx_core::env::{EnvSpec, Rows};
use phalanx_core::nn;
use phalanx_core::rng::Purpose;

use super::Trainer;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::observer::Progress;
use crate::rollout::Policy;

impl Trainer {
    /// One iteration: a rollout in all environments and the updates that follow it.
    ///
    /// # Errors
    ///
    /// When a loss is not finite, or for the reasons of [`Trainer::prepare`].
    pub fn iterate(&mut self) -> Result<Progress, TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        let (learner, envs, tally) = (&mut live.learner, &mut live.envs, &mut live.tally);
        let iterate = || live.pool.install(|| learner.iterate(&mut **envs, tally));
        nn::catch_device_failure(&name, &live.device, iterate)??;
        let crashes = live.envs.take_crashes();
        for crash in crashes {
            let message =
                format!("environment {} panicked and was reset: {}", crash.env, crash.message);
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

    /// How far training is.
    pub fn progress(&self) -> Progress {
        let t_max = self.config.t_max;
        match &self.live {
            None => Progress { t_env: 0, t_max, episodes: 0, updates: 0, seconds: 0.0 },
            Some(live) => Progress {
                t_env: live.tally.t_env,
                t_max,
                episodes: live.tally.episodes,
                updates: live.tally.updates,
                seconds: live.before + live.started.elapsed().as_secs_f64(),
            },
        }
    }

    /// Plays `test_nepisode` greedy episodes with the present policy.
    ///
    /// # Errors
    ///
    /// For the reasons of [`Trainer::prepare`].
    pub fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        let episodes = self.config.test_nepisode;
        let policy = self.policy()?;
        let live = self.live()?;
        let test_envs = &mut live.test_envs;
        Ok(live.pool.install(|| evaluate(&policy, &mut **test_envs, episodes)))
    }

    /// The present policy.
    ///
    /// # Errors
    ///
    /// For the reasons of [`Trainer::prepare`].
    pub fn policy(&mut self) -> Result<Policy, TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        Ok(nn::catch_device_failure(&name, &live.device, || live.learner.policy())?)
    }

    /// The learned values of all joint actions at the first step of an episode, the last agent's
    /// action changing fastest; `None` where the algorithm learns no joint action value, or there
    /// are more than 100 000 joint actions.
    ///
    /// # Errors
    ///
    /// For the reasons of [`Trainer::prepare`].
    pub fn joint_values(&mut self) -> Result<Option<Vec<f32>>, TrainError> {
        let seed = self.config.seed;
        let mut env = (self.make_envs)(1, seed, Purpose::Check);
        let spec = env.spec().clone();
        let (agents, n_actions) = (spec.n_agents() as u32, spec.n_actions);
        let Some(n) = n_actions.checked_pow(agents).filter(|&n| n <= 100_000) else {
            return Ok(None);
        };
        let mut first = Rows::new(&spec, 1, 1);
        env.reset(&[true], first.at_mut(0));
        let digit = |joint: usize, agent: u32| {
            (joint / n_actions.pow(agents - 1 - agent) % n_actions) as u16
        };
        let actions: Vec<u16> =
            (0..n).flat_map(|joint| (0..agents).map(move |agent| digit(joint, agent))).collect();
        Ok(self.live()?.learner.joint_values(&first.obs, &first.state, &actions))
    }

    /// The environment's specification.
    ///
    /// # Errors
    ///
    /// For the reasons of [`Trainer::prepare`].
    pub fn spec(&mut self) -> Result<EnvSpec, TrainError> {
        Ok(self.live()?.envs.spec().clone())
    }

    /// The means of all quantities since the last call, by name; then they start anew. Waits for a device
    /// that is still learning.
    ///
    /// # Errors
    ///
    /// When a loss is not finite, or for the reasons of [`Trainer::prepare`].
    pub fn take_means(&mut self) -> Result<BTreeMap<String, f64>, TrainError> {
        self.settle()?;
        Ok(self.live()?.tally.take_means())
    }

    /// Waits for a device that is still learning.
    pub(super) fn settle(&mut self) -> Result<(), TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        nn::catch_device_failure(&name, &live.device, || live.learner.settle(&mut live.tally))?
    }

    /// The number of environments that panicked so far.
    pub fn crashes(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.tally.crashes)
    }
}
