//! How long the updates of a learner take.

use std::time::{Duration, Instant};

use phalanx_core::env::{BatchMut, Crash, EnvError, EnvSpec, VecEnv};

use crate::algorithms::Learner;
use crate::error::TrainError;
use crate::rollout::Tally;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many iterations with updates are measured, after one that is not.
    pub repeats: usize,
    /// No further iteration is begun once measuring has taken so long.
    pub patience: Duration,
    /// No further iteration is begun after so many environment steps.
    pub steps: u64,
}

/// Trains `learner` in `envs` and returns the seconds of an update in each of the iterations measured; none
/// where no update was due.
///
/// The clock runs from the last step of a rollout to the end of the iteration: laying out the batch,
/// bringing it to the device, learning, and reading back the weights to act with. The first iteration
/// that updates is not measured, since kernels are compiled in it.
///
/// # Errors
///
/// When a loss is not finite.
pub fn update_seconds(
    learner: &mut dyn Learner,
    envs: Box<dyn VecEnv>,
    effort: Effort,
) -> Result<Vec<f64>, TrainError> {
    let mut envs = Stopwatch { envs, stepped: Instant::now() };
    let mut tally = Tally::default();
    while tally.updates == 0 {
        if tally.t_env >= effort.steps {
            return Ok(Vec::new());
        }
        learner.train_iteration(&mut envs, &mut tally)?;
    }
    let began = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < effort.repeats && tally.t_env < effort.steps {
        let before = tally.updates;
        learner.train_iteration(&mut envs, &mut tally)?;
        learner.flush(&mut tally)?;
        let updates = tally.updates - before;
        if updates > 0 {
            seconds.push(envs.stepped.elapsed().as_secs_f64() / updates as f64);
        }
        if began.elapsed() > effort.patience {
            break;
        }
    }
    Ok(seconds)
}

/// Environments that note when they last stepped.
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

    fn reset(&mut self, which: &[bool], out: BatchMut<'_>) {
        self.envs.reset(which, out);
        self.stepped = Instant::now();
    }

    fn step(&mut self, actions: &[u16], which: &[bool], out: BatchMut<'_>) {
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
