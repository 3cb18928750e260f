//! One algorithm on one environment, step by step or as a whole run.

mod running;
mod saving;
mod stepping;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use phalanx_core::env::{Env, EnvSpec, ParallelEnvs, VecEnv};
use phalanx_core::nn::{self, Device};
use phalanx_core::rng::Purpose;
use rayon::{ThreadPool, ThreadPoolBuilder};
use toml::Table;

use crate::algorithms::{Algorithm, Learner, Setup};
use crate::config::{ConfigError, RunConfig};
use crate::error::TrainError;
use crate::fastest_device::{AUTO, fastest_device};
use crate::observer::Observer;
use crate::rollout::Tally;

/// Makes a batch of environments for a purpose.
type MakeEnvs = Box<dyn Fn(usize, u64, Purpose) -> Box<dyn VecEnv> + Send>;

/// At most this many environments play an evaluation side by side.
const TEST_ENVS: usize = 32;

/// Trains a team.
///
/// ```no_run
/// use phalanx_train::{Trainer, algorithms::Qmix};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let env = phalanx_envs::registry::factory("skirmish/3m", &Default::default())?;
/// let outcome = Trainer::new(Qmix::default(), env).seed(1).t_max(500_000).run("results/3m")?;
/// println!("{}", outcome.last.return_mean());
/// # Ok(())
/// # }
/// ```
///
/// [`Trainer::run`] does everything; [`Trainer::iterate`] and [`Trainer::evaluate`] leave the loop
/// to the caller.
pub struct Trainer {
    /// The settings of the run.
    pub config: RunConfig,
    algorithm: Box<dyn Algorithm>,
    make_envs: MakeEnvs,
    observers: Vec<Box<dyn Observer>>,
    /// How the device was chosen, where that was left to the trainer.
    choice: Vec<String>,
    stop: Arc<AtomicBool>,
    live: Option<Live>,
}

/// What exists once training has begun.
struct Live {
    learner: Box<dyn Learner>,
    device: Device,
    envs: Box<dyn VecEnv>,
    test_envs: Box<dyn VecEnv>,
    pool: ThreadPool,
    tally: Tally,
    started: Instant,
    /// The seconds of training before that, where the run was interrupted.
    before: f64,
}

impl Trainer {
    /// Trains with `algorithm` on copies of the environment that `factory` makes.
    pub fn new<E: Env + 'static>(
        algorithm: impl Algorithm + 'static,
        factory: impl Fn() -> E + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::from_parts(RunConfig::default(), Box::new(algorithm), factory)
    }

    /// Trains with everything chosen at run time, as the program does.
    pub fn from_parts<E: Env + 'static>(
        config: RunConfig,
        algorithm: Box<dyn Algorithm>,
        factory: impl Fn() -> E + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::with_envs(config, algorithm, move |n, seed, purpose| {
            Box::new(ParallelEnvs::new(n, seed, purpose, factory.clone()))
        })
    }

    /// Trains in environments that are batched by nature: `make` gets their number, the seed and
    /// the purpose their random streams are for.
    pub fn with_envs(
        config: RunConfig,
        algorithm: Box<dyn Algorithm>,
        make: impl Fn(usize, u64, Purpose) -> Box<dyn VecEnv> + Send + 'static,
    ) -> Self {
        Self {
            config,
            algorithm,
            make_envs: Box::new(make),
            observers: Vec::new(),
            choice: Vec::new(),
            stop: Arc::default(),
            live: None,
        }
    }

    /// Sets the seed of every random stream.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Sets the number of environment steps.
    #[must_use]
    pub fn t_max(mut self, steps: u64) -> Self {
        self.config.t_max = steps;
        self
    }

    /// Sets where networks learn: `cpu`, `ndarray`, `wgpu`, or `auto` for the fastest of them.
    #[must_use]
    pub fn device(mut self, name: &str) -> Self {
        name.clone_into(&mut self.config.device);
        self
    }

    /// Adds somebody who watches.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Lets a whole run be stopped from elsewhere: once `flag` is raised, the iteration under way is finished,
    /// the state is saved, and the run ends with [`TrainError::Stopped`], to be resumed exactly.
    #[must_use]
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = flag;
        self
    }

    /// Whether somebody wants the run to stop.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The whole configuration as one table.
    pub fn table(&self) -> Table {
        let mut table = Table::try_from(self.config.clone())
            .expect("a configuration is plain numbers, texts and a table");
        table.extend(self.algorithm.table());
        table
    }

    /// The algorithm.
    pub fn algorithm(&self) -> &dyn Algorithm {
        &*self.algorithm
    }

    /// Checks everything, builds networks and environments. The other methods do it when needed.
    ///
    /// The device `auto` is replaced by the fastest, which is found by updates of a learner that is
    /// thrown away: what is learned is what is learned with that device's name in the configuration.
    ///
    /// # Errors
    ///
    /// When the configuration is invalid or the device does not exist.
    pub fn prepare(&mut self) -> Result<(), TrainError> {
        if self.live.is_some() {
            return Ok(());
        }
        let mut invalid = self.config.validate();
        invalid.extend(self.algorithm.validate());
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid }.into());
        }
        let threads = self.config.threads;
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| TrainError::Threads { threads, reason: error.to_string() })?;
        let seed = self.config.seed;
        let n_test = self.config.test_nepisode.min(TEST_ENVS);
        let test_envs = (self.make_envs)(n_test, seed, Purpose::TestEnvironment);
        let spec = test_envs.spec().clone();
        let invalid = self.algorithm.validate_for(&spec);
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid }.into());
        }
        if self.config.device == AUTO {
            self.choose_device(&spec, &pool)?;
        }
        let device = nn::device(&self.config.device)?;
        let setup = Setup { spec, seed, device: device.clone() };
        let learner = nn::watched(&self.config.device, &device, || self.algorithm.learner(&setup))?;
        let envs = (self.make_envs)(learner.n_envs(), seed, Purpose::Environment);
        self.live = Some(Live {
            learner,
            device,
            envs,
            test_envs,
            pool,
            tally: Tally::default(),
            started: Instant::now(),
            before: 0.0,
        });
        Ok(())
    }

    /// Puts the fastest device in place of `auto`, and tells the observers why.
    fn choose_device(&mut self, spec: &EnvSpec, pool: &ThreadPool) -> Result<(), TrainError> {
        let (seed, t_max) = (self.config.seed, self.config.t_max);
        let make = |n| (self.make_envs)(n, seed, Purpose::Check);
        let fastest = fastest_device(&*self.algorithm, spec, seed, t_max, pool, make)?;
        for observer in &mut self.observers {
            fastest.lines.iter().try_for_each(|line| observer.notice(line))?;
        }
        (self.config.device, self.choice) = (fastest.name, fastest.lines);
        Ok(())
    }

    fn live(&mut self) -> Result<&mut Live, TrainError> {
        self.prepare()?;
        Ok(self.live.as_mut().expect("it was just prepared"))
    }
}
