//! Measures the time of a learner's updates.

use std::time::{Duration, Instant};

use phalanx_core::env::{BatchBuffers, Crash, EnvError, EnvSpec, VecEnv};

use crate::algorithms::Learner;
use crate::error::TrainError;
use crate::rollout::Metrics;

/// Limits of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchBudget {
    /// The number of iterations to measure, after a first one that is not measured.
    pub repeats: usize,
    /// No further iteration is started after this time.
    pub max_time: Duration,
    /// No further iteration is started after this number of environment steps.
    pub max_steps: u64,
}

/// Trains `learner` in `envs` and returns the seconds per update of each measured iteration; empty
/// if no update was due.
///
/// The time runs from the last step of a rollout to the end of the iteration. It includes building
/// and uploading the batch, the update, and downloading the actors' weights. The first iteration
/// with an update is not measured, because kernels are compiled in it.
///
/// # Errors
///
/// Returns an error if a loss is not finite.
pub fn update_seconds(
    learner: &mut dyn Learner,
    envs: Box<dyn VecEnv>,
    budget: BenchBudget,
) -> Result<Vec<f64>, TrainError> {
    let mut envs = Stopwatch { envs, stepped: Instant::now() };
    let mut metrics = Metrics::default();
    while metrics.updates == 0 {
        if metrics.t_env >= budget.max_steps {
            return Ok(Vec::new());
        }
        learner.train_iteration(&mut envs, &mut metrics)?;
    }
    let began = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < budget.repeats && metrics.t_env < budget.max_steps {
        let before = metrics.updates;
        learner.train_iteration(&mut envs, &mut metrics)?;
        learner.flush(&mut metrics)?;
        let updates = metrics.updates - before;
        if updates > 0 {
            seconds.push(envs.stepped.elapsed().as_secs_f64() / updates as f64);
        }
        if began.elapsed() > budget.max_time {
            break;
        }
    }
    Ok(seconds)
}

/// Environments that record the time of their last step.
struct Stopwatch {
    envs: Box<dyn VecEnv>,
    stepped: Instant,
}

impl VecEnv for Stopwatch {
    fn spec(&self) -> &EnvSpec {
        self.envs.spec()
    }

    fn n_envs(&self) -> usize {
        self.envs.n_envs()
    }

    fn reset(&mut self, which: &[bool], out: BatchBuffers<'_>) {
        self.envs.reset(which, out);
        self.stepped = Instant::now();
    }

    fn step(&mut self, actions: &[u16], which: &[bool], out: BatchBuffers<'_>) {
        self.envs.step(actions, which, out);
        self.stepped = Instant::now();
    }

    fn take_crashes(&mut self) -> Vec<Crash> {
        self.envs.take_crashes()
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.envs.save(out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.envs.load(bytes)
    }
}
