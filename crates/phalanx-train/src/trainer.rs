//! One algorithm on one environment, step by step or as a whole run.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use phalanx_core::env::{Env, EnvSpec, ParallelEnvs, Rows, VecEnv, pack, unpack};
use phalanx_core::nn::{self, Device};
use phalanx_core::rng::Purpose;
use rayon::{ThreadPool, ThreadPoolBuilder};
use toml::Table;

use crate::checkpoint::policy_file;
use crate::collect::{Policy, Tally};
use crate::config::{ConfigError, RunConfig};
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate};
use crate::fastest_device::{AUTO, fastest_device};
use crate::learn::{Algorithm, Contents, Learner, SavedFile, Setup};
use crate::observer::{Observer, Progress, Report};
use crate::run::{self, Outcome};

/// Makes a batch of environments for a purpose.
type MakeEnvs = Box<dyn Fn(usize, u64, Purpose) -> Box<dyn VecEnv> + Send>;

/// At most this many environments play an evaluation side by side.
const TEST_ENVS: usize = 32;

/// Trains a team.
///
/// ```no_run
/// use phalanx_train::{Trainer, learn::Qmix};
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
    /// When the configuration makes no sense or the device does not exist.
    pub fn prepare(&mut self) -> Result<(), TrainError> {
        if self.live.is_some() {
            return Ok(());
        }
        let mut problems = self.config.problems();
        problems.extend(self.algorithm.problems());
        if !problems.is_empty() {
            return Err(ConfigError::Senseless { problems }.into());
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
        let problems = self.algorithm.problems_in(&spec);
        if !problems.is_empty() {
            return Err(ConfigError::Senseless { problems }.into());
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
        nn::watched(&name, &live.device, iterate)??;
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
        Ok(nn::watched(&name, &live.device, || live.learner.policy())?)
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
    fn settle(&mut self) -> Result<(), TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        nn::watched(&name, &live.device, || live.learner.settle(&mut live.tally))?
    }

    /// The networks and the policy's description, as files of a checkpoint.
    ///
    /// # Errors
    ///
    /// When weights cannot be read, or for the reasons of [`Trainer::prepare`].
    pub fn weights(&mut self) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = self.learned(Contents::Weights)?;
        files.push(policy_file(&self.policy()?));
        Ok(files)
    }

    /// The learner as files.
    fn learned(&mut self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        nn::watched(&name, &live.device, || live.learner.save(contents))?
    }

    /// Everything training depends on, as files: networks, optimizers, experience, environments,
    /// random streams, counters.
    ///
    /// # Errors
    ///
    /// When weights cannot be read, or for the reasons of [`Trainer::prepare`].
    pub fn save(&mut self) -> Result<Vec<SavedFile>, TrainError> {
        self.settle()?;
        let mut files = self.learned(Contents::Everything)?;
        files.push(policy_file(&self.policy()?));
        let live = self.live()?;
        for (name, envs) in [("envs.bin", &live.envs), ("test_envs.bin", &live.test_envs)] {
            let mut bytes = Vec::new();
            envs.save(&mut bytes);
            files.push(SavedFile::new(name, bytes));
        }
        // As bits: decimal text would lose the last ones of a sum.
        let mut tally = Vec::new();
        pack(&live.tally, &mut tally);
        files.push(SavedFile::new("tally.bin", tally));
        Ok(files)
    }

    /// Continues exactly where [`Trainer::save`] of a trainer with the same configuration was
    /// called.
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged or belongs to another configuration.
    pub fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let find = |name: &str| {
            files.iter().find(|file| file.name == name).ok_or_else(|| TrainError::NotARun {
                path: name.into(),
                reason: "the file is missing".to_owned(),
            })
        };
        let tally = unpack("the tally", &find("tally.bin")?.bytes)?;
        let live = self.live()?;
        live.learner.load(files)?;
        live.envs.load(&find("envs.bin")?.bytes)?;
        live.test_envs.load(&find("test_envs.bin")?.bytes)?;
        live.tally = tally;
        Ok(())
    }

    /// Trains to the end and writes a run's folder at `path`.
    ///
    /// # Errors
    ///
    /// When the folder holds a run already, something cannot be written, or training fails.
    pub fn run(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::run(self, path.as_ref(), false)
    }

    /// As [`Trainer::run`], in place of a run that may be there.
    ///
    /// # Errors
    ///
    /// When something cannot be written, or training fails.
    pub fn run_over(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::run(self, path.as_ref(), true)
    }

    /// Goes on with a run that was interrupted, exactly where its last whole state was saved.
    ///
    /// The trainer is to have the run's own configuration, except for `t_max`, `threads`, `device`
    /// and the intervals at which things are saved.
    ///
    /// # Errors
    ///
    /// When there is no such run or no state to go on from, when the configuration is another, or
    /// for the reasons of [`Trainer::run`].
    pub fn resume(self, path: impl AsRef<Path>) -> Result<Outcome, TrainError> {
        run::resume(self, path.as_ref())
    }

    /// Counts time on from there.
    pub(crate) fn count_seconds_from(&mut self, before: f64) -> Result<(), TrainError> {
        let live = self.live()?;
        (live.before, live.started) = (before, Instant::now());
        Ok(())
    }

    /// Adds an observer in the middle of things, and tells it how the device was chosen.
    pub(crate) fn add_observer(
        &mut self,
        mut observer: Box<dyn Observer>,
    ) -> Result<(), TrainError> {
        self.choice.iter().try_for_each(|line| observer.notice(line))?;
        self.observers.push(observer);
        Ok(())
    }

    /// Tells all observers what a user should know before training begins.
    pub(crate) fn notice(&mut self) -> Result<(), TrainError> {
        let Some(message) = self.live()?.learner.notice() else {
            return Ok(());
        };
        self.observers.iter_mut().try_for_each(|observer| observer.notice(&message))
    }

    /// Hands a report to all observers.
    pub(crate) fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        self.observers.iter_mut().try_for_each(|observer| observer.report(report))
    }

    /// The number of environments that panicked so far.
    pub fn crashes(&self) -> u64 {
        self.live.as_ref().map_or(0, |live| live.tally.crashes)
    }
}
