//! The trainer: one algorithm on one environment, step by step or as a whole run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use phalanx_core::env::{Env, EnvSpec, ParallelEnvs, VecEnv};
use phalanx_core::nn::{self, AnyEncoder, Device, Encoder};
use phalanx_core::rng::Purpose;
use rayon::{ThreadPool, ThreadPoolBuilder};
use toml::Table;

use super::observer::{Observer, Report};
use super::transfer::{InitialWeights, load_initial};
use crate::algorithms::{Algorithm, Learner, LearnerContext, LearningRate};
use crate::config::{ConfigError, RunConfig, bounds};
use crate::device::{AUTO, fastest_device};
use crate::encoders::{Encoders, settings_table};
use crate::error::TrainError;
use crate::memory::{self, RunSize};
use crate::rollout::Metrics;

/// Creates a batch of environments for a purpose.
type MakeEnvs = Box<dyn Fn(usize, u64, Purpose) -> Box<dyn VecEnv> + Send>;

/// Returns whether a report ends the run.
pub(super) type StopRule = Box<dyn FnMut(&Report) -> bool + Send>;

/// The factor of the learning rate as a function of the progress.
pub(super) type LrFactor = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// The maximum number of environments of an evaluation.
pub(crate) const TEST_ENVS: usize = 32;

/// Trains a team of agents.
///
/// ```no_run
/// use phalanx_train::{Trainer, algorithms::Qmix};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let env = phalanx_envs::registry::factory("skirmish/3m", &Default::default())?;
/// let summary = Trainer::new(Qmix::default(), env).seed(1).t_max(500_000).run("results/3m")?;
/// println!("{}", summary.last.return_mean());
/// # Ok(())
/// # }
/// ```
///
/// [`Trainer::run`] trains, evaluates, logs and saves; [`Trainer::iterate`] and [`Trainer::evaluate`]
/// leave the loop to the caller.
pub struct Trainer {
    /// The settings of the run.
    pub config: RunConfig,
    algorithm: Box<dyn Algorithm>,
    encoders: Encoders,
    pub(super) make_envs: MakeEnvs,
    pub(super) observers: Vec<Box<dyn Observer>>,
    /// Messages about the choice of the device, if it was `auto`.
    pub(super) device_messages: Vec<String>,
    stop: Arc<AtomicBool>,
    pub(super) stop_rules: Vec<StopRule>,
    /// The factor of the learning rate under the schedule `custom`.
    pub(super) lr_factor: Option<LrFactor>,
    pub(super) session: Option<Session>,
}

/// The state of training after [`Trainer::prepare`].
pub(super) struct Session {
    pub(super) learner: Box<dyn Learner>,
    pub(super) device: Device,
    pub(super) envs: Box<dyn VecEnv>,
    pub(super) test_envs: Box<dyn VecEnv>,
    pub(super) pool: ThreadPool,
    pub(super) metrics: Metrics,
    /// The episodes and crashes when crashes were last compared with episodes.
    pub(super) counted: (u64, u64),
    pub(super) learning_rate: LearningRate,
    /// Whether the networks have their first weights, from another run or a saved state.
    pub(super) initialised: bool,
    /// The weights from another run, if the networks began with them.
    pub(super) initial: Option<InitialWeights>,
    pub(super) started: Instant,
    /// The seconds of training before `started`, if the run was resumed.
    pub(super) earlier_seconds: f64,
}

impl Trainer {
    /// Creates a trainer of `algorithm` on copies of the environment that `factory` creates, with the
    /// default settings of a run ([`RunConfig::of`]).
    pub fn new<E: Env + 'static>(
        algorithm: impl Algorithm + 'static,
        factory: impl Fn() -> E + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::from_parts(RunConfig::of(&algorithm), Box::new(algorithm), factory)
    }

    /// Creates a trainer with a configuration and an algorithm chosen at run time.
    pub fn from_parts<E: Env + 'static>(
        config: RunConfig,
        algorithm: Box<dyn Algorithm>,
        factory: impl Fn() -> E + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::with_envs(config, algorithm, move |n, seed, purpose| {
            Box::new(ParallelEnvs::new(n, seed, purpose, factory.clone()))
        })
    }

    /// Creates a trainer on batched environments. `make` receives the number of environments, the seed
    /// and the purpose of their random streams.
    pub fn with_envs(
        config: RunConfig,
        algorithm: Box<dyn Algorithm>,
        make: impl Fn(usize, u64, Purpose) -> Box<dyn VecEnv> + Send + 'static,
    ) -> Self {
        Self {
            config,
            algorithm,
            encoders: Encoders::builtin(),
            make_envs: Box::new(make),
            observers: Vec::new(),
            device_messages: Vec::new(),
            stop: Arc::default(),
            stop_rules: Vec::new(),
            lr_factor: None,
            session: None,
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

    /// Sets the device on which networks learn: `cpu`, `ndarray`, `wgpu`, or `auto` for the fastest.
    #[must_use]
    pub fn device(mut self, name: &str) -> Self {
        name.clone_into(&mut self.config.device);
        self
    }

    /// Sets the encoder of observations, with which every agent's network begins.
    ///
    /// # Panics
    ///
    /// Panics if another encoder has the same name.
    #[must_use]
    pub fn encoder<E: Encoder>(mut self, encoder: E) -> Self {
        self.encoders = self.encoders.with::<E>();
        self.config.encoder = E::ID.to_owned();
        self.config.encoder_args = settings_table(&AnyEncoder::new(encoder));
        self
    }

    /// Sets the encoders that the configuration may name, those of the library by default.
    #[must_use]
    pub fn encoders(self, encoders: Encoders) -> Self {
        Self { encoders, ..self }
    }

    /// Adds an observer.
    #[must_use]
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Sets a flag that interrupts a run. Once it is true, the run finishes its current iteration, saves its
    /// state and ends with [`TrainError::Stopped`]; it can be resumed exactly.
    #[must_use]
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = flag;
        self
    }

    /// Returns whether a stop was requested.
    pub(super) fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns the flag that requests a stop.
    pub(super) fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Returns the encoders that the configuration may name.
    pub(super) fn encoders_by_name(&self) -> &Encoders {
        &self.encoders
    }

    /// Returns the whole configuration as one table.
    pub fn table(&self) -> Table {
        let mut table = Table::try_from(self.config.clone())
            .expect("a configuration is plain numbers, texts and a table");
        table.extend(self.algorithm.table());
        table
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> &dyn Algorithm {
        &*self.algorithm
    }

    /// Checks the configuration, and creates networks and environments. The other methods call it when
    /// needed.
    ///
    /// The device `auto` is replaced by the fastest device, which is measured with updates of a separate
    /// learner. The run is the same as with that device's name in the configuration.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration is invalid or the device does not exist.
    pub fn prepare(&mut self) -> Result<(), TrainError> {
        if self.session.is_some() {
            return Ok(());
        }
        let encoder = self.encoders.read(&self.config.encoder, &self.config.encoder_args)?;
        let mut invalid = bounds::invalid(&self.table());
        if invalid.is_empty() {
            invalid = self.config.validate();
            invalid.extend(self.algorithm.validate());
            invalid.extend(self.invalid_schedule());
        }
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid }.into());
        }
        let learning_rate = self.schedule();
        for t_env in [0, self.config.t_max] {
            learning_rate.factor_at(t_env)?;
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
        let teams = spec.agents.iter().map(|agent| agent.team).max().map_or(1, |last| last + 1);
        if teams > 1 {
            return Err(TrainError::SeveralTeams { env: spec.id, teams });
        }
        let mut invalid = self.algorithm.validate_for(&spec);
        if let Some(encoder) = &encoder {
            invalid.extend(self.algorithm.validate_encoder(encoder, &spec));
            // All settings are written into the run's folder, defaults, too.
            self.config.encoder_args = settings_table(encoder);
        }
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid }.into());
        }
        let (table, env_bytes) = (self.table(), bytes_of_one(&*test_envs));
        memory::check(&RunSize { table: &table, spec: &spec, env_bytes })?;
        if self.config.device == AUTO {
            self.choose_device(&spec, encoder.as_ref(), &pool)?;
        }
        let device = nn::device(&self.config.device)?;
        let setup = LearnerContext {
            encoder,
            learning_rate: learning_rate.clone(),
            ..LearnerContext::new(spec, seed, device.clone())
        };
        let learner = nn::catch_device_failure(&self.config.device, &device, || {
            self.algorithm.learner(&setup)
        })?;
        let envs = (self.make_envs)(learner.n_envs(), seed, Purpose::Environment);
        self.session = Some(Session {
            learner,
            device,
            envs,
            test_envs,
            pool,
            metrics: Metrics::default(),
            counted: (0, 0),
            learning_rate,
            initialised: self.config.init_from.is_empty(),
            initial: None,
            started: Instant::now(),
            earlier_seconds: 0.0,
        });
        Ok(())
    }

    /// Returns a warning if the run may need more memory than this machine has.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trainer::prepare`].
    pub fn memory_warning(&mut self) -> Result<Option<String>, TrainError> {
        let env_bytes = bytes_of_one(&*self.prepared()?.test_envs);
        let (spec, table) = (self.spec()?, self.table());
        Ok(memory::warning(&RunSize { table: &table, spec: &spec, env_bytes }))
    }

    /// Replaces `auto` by the fastest device, and reports the measurements to the observers.
    fn choose_device(
        &mut self,
        spec: &EnvSpec,
        encoder: Option<&AnyEncoder>,
        pool: &ThreadPool,
    ) -> Result<(), TrainError> {
        let (seed, t_max) = (self.config.seed, self.config.t_max);
        let make = |n| (self.make_envs)(n, seed, Purpose::Check);
        let fastest = fastest_device(&*self.algorithm, spec, encoder, seed, t_max, pool, make)?;
        for observer in &mut self.observers {
            fastest.messages.iter().try_for_each(|line| observer.info(line))?;
        }
        (self.config.device, self.device_messages) = (fastest.name, fastest.messages);
        Ok(())
    }

    /// Returns the session, whose networks may not have their first weights yet.
    pub(super) fn prepared(&mut self) -> Result<&mut Session, TrainError> {
        self.prepare()?;
        Ok(self.session.as_mut().expect("`prepare` creates it"))
    }

    /// Returns the session, after its networks have got their first weights.
    pub(super) fn session(&mut self) -> Result<&mut Session, TrainError> {
        let (run, device) = (self.config.init_from.clone(), self.config.device.clone());
        let session = self.prepared()?;
        if !session.initialised {
            let (learner, spec) = (&mut *session.learner, session.envs.spec());
            let load = || load_initial(learner, spec, Path::new(&run));
            session.initial = Some(nn::catch_device_failure(&device, &session.device, load)??);
            session.initialised = true;
        }
        Ok(session)
    }
}

/// Returns the bytes of the saved state of one of `envs`.
fn bytes_of_one(envs: &dyn VecEnv) -> usize {
    let mut state = Vec::new();
    envs.save(&mut state);
    state.len() / envs.n_envs().max(1)
}
