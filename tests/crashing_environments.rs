//! The panic of an environment is caught, reported and counted. The environment is reset and the run
//! continues. A broken contract ends the run with an error that names its place.

use phalanx::env::{ParallelEnvs, StepRows, VecEnv};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use phalanx::train::TrainError;
use phalanx::train::algorithms::Dqn;
use phalanx::train::run::evaluate::Evaluation;

/// An episode of ten steps that panics at random.
struct Fragile {
    spec: EnvSpec,
    t: u16,
}

impl Fragile {
    fn new() -> Self {
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 2,
            state_dim: 1,
            episode_limit: 10,
            ..EnvSpec::new("fragile", 2)
        };
        Self { spec, t: 0 }
    }

    fn observe(&self, out: StepBuffers<'_>) {
        out.obs.fill(f32::from(self.t) / 10.0);
        out.state.fill(f32::from(self.t) / 10.0);
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for Fragile {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }
    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.t = 0;
        self.observe(out);
    }
    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        assert!(rng.below(40) > 0, "the wheel came off at t = {}", self.t);
        self.observe(out);
        let end = if self.t == 10 { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward: f32::from(actions[0]), status: end }
    }
    fn save(&self, out: &mut Vec<u8>) {
        phalanx::env::pack(&self.t, out);
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.t = phalanx::env::unpack("fragile", bytes)?;
        assert!(self.t <= 10, "there is no step {}", self.t);
        Ok(())
    }
}

#[test]
fn a_saved_state_on_which_an_environment_panics_is_an_error() {
    let envs = |t: u16| {
        ParallelEnvs::new(1, 3, Purpose::Environment, move || Fragile { t, ..Fragile::new() })
    };
    let saved = |t: u16| {
        let mut bytes = Vec::new();
        envs(t).save(&mut bytes);
        bytes
    };
    assert!(envs(0).load(&saved(10)).is_ok());
    let error = envs(0).load(&saved(11)).expect_err("there are ten steps").to_string();
    assert!(error.contains("fragile") && error.contains("there is no step 11"), "{error}");
}

#[test]
fn a_crash_is_reported_and_the_other_environments_continue() {
    let n = 6;
    let mut envs = ParallelEnvs::new(n, 3, Purpose::Environment, Fragile::new);
    let spec = envs.spec().clone();
    let mut rows = StepRows::new(&spec, n, 1);
    let mut which = vec![true; n];
    envs.reset(&which, rows.at_mut(0));
    let mut crashed = Vec::new();
    for _ in 0..200 {
        envs.step(&vec![1; n * 2], &vec![true; n], rows.at_mut(0));
        for crash in envs.take_crashes() {
            assert_eq!(rows.status[crash.env], StepStatus::Crashed);
            assert!(crash.message.contains("the wheel came off"), "{}", crash.message);
            crashed.push(crash.env);
        }
        for (which, end) in which.iter_mut().zip(&rows.status) {
            *which = end.is_over();
        }
        envs.reset(&which, rows.at_mut(0));
    }
    // 1200 steps, of which one in forty panics: 30 crashes, with a standard deviation of 5.4.
    assert!((10..50).contains(&crashed.len()), "{} crashes", crashed.len());
    crashed.sort_unstable();
    crashed.dedup();
    assert_eq!(crashed, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn learners_survive_crashes_and_count_them() {
    let learning = QLearningSettings {
        batch_size: 8,
        epsilon_anneal_time: 500,
        ..QLearningSettings::default()
    };
    let ippo = Ippo {
        learning: PolicyGradient {
            batch_size_run: 8,
            rollout_steps: 16,
            epochs: 2,
            ..PolicyGradient::default()
        },
    };
    let trainers =
        [Trainer::new(Vdn::new(learning), Fragile::new), Trainer::new(ippo, Fragile::new)];
    for mut trainer in trainers {
        while trainer.iterate().expect("losses are finite").t_env < 3000 {}
        assert!(trainer.crashes() > 10, "{} crashes", trainer.crashes());
        let lengths = trainer.take_means().expect("losses are finite")["ep_length_mean"];
        assert_eq!(lengths, 10.0, "only complete episodes are counted");
    }
}

/// What an environment does wrong after its first few episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    ResetPanics,
    NoAction,
    NanReward,
    NanState,
    Endless,
}

/// An episode of ten steps that turns bad after 30 of them.
struct Faulty {
    inner: Fragile,
    fault: Fault,
    episodes: u16,
}

impl Faulty {
    fn observe(&self, mut out: StepBuffers<'_>) {
        let bad = self.episodes > 30;
        if bad && self.fault == Fault::NoAction {
            out.agent(1).avail.fill(false);
        }
        if bad && self.fault == Fault::NanState {
            out.state[0] = f32::NAN;
        }
    }
}

impl Env for Faulty {
    fn spec(&self) -> &EnvSpec {
        &self.inner.spec
    }
    fn reset(&mut self, _: &mut Rng, mut out: StepBuffers<'_>) {
        self.inner.t = 0;
        self.episodes += 1;
        out.clear();
        assert!(self.fault != Fault::ResetPanics, "no map");
        self.observe(out);
    }
    fn step(&mut self, _: &[u16], _: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
        self.inner.t += 1;
        out.clear();
        let bad = self.episodes > 30;
        self.observe(out);
        let reward = if bad && self.fault == Fault::NanReward { f32::NAN } else { 1.0 };
        let over = self.inner.t >= 10 && !(bad && self.fault == Fault::Endless);
        let status = if over { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward, status }
    }
    fn save(&self, out: &mut Vec<u8>) {
        phalanx::env::pack(&(self.inner.t, self.episodes), out);
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (self.inner.t, self.episodes) = phalanx::env::unpack("faulty", bytes)?;
        Ok(())
    }
}

/// Returns the error with which training ends, of a learner from episodes, from rollouts and from transitions.
fn errors(fault: Fault) -> Vec<String> {
    let make = move || Faulty { inner: Fragile::new(), fault, episodes: 0 };
    let learning = QLearningSettings { batch_size: 4, ..QLearningSettings::default() };
    let ippo = Ippo {
        learning: PolicyGradient {
            batch_size_run: 2,
            rollout_steps: 16,
            epochs: 1,
            ..PolicyGradient::default()
        },
    };
    let trainers = [
        Trainer::new(Vdn::new(learning), make),
        Trainer::new(ippo, make),
        Trainer::new(Dqn::default(), make),
    ];
    let mut errors = Vec::new();
    for mut trainer in trainers {
        let mut iterations = 0;
        let error = loop {
            iterations += 1;
            assert!(iterations < 10_000, "{fault:?}: the fault is not seen");
            if let Err(error) = trainer.iterate() {
                break error;
            }
        };
        assert!(matches!(error, TrainError::Environment(_)), "{fault:?}: {error}");
        errors.push(error.to_string());
    }
    errors
}

#[test]
fn a_broken_contract_ends_training_with_an_error_that_names_the_place() {
    for (fault, expected) in [
        (Fault::ResetPanics, &["fragile", "no map"][..]),
        (Fault::NoAction, &["fragile", "agent 1 has no available action", "step 0"]),
        (Fault::NanReward, &["fragile", "the reward is NaN", "step 1)"]),
        (Fault::NanState, &["fragile", "entry 0 of the state is NaN", "step 0"]),
        (Fault::Endless, &["fragile", "did not end within its limit of 10 steps"]),
    ] {
        for error in errors(fault) {
            assert!(expected.iter().all(|part| error.contains(part)), "{fault:?}: {error}");
        }
    }
}

#[test]
fn an_evaluation_in_which_every_episode_crashed_is_never_the_best() {
    let crashed = Evaluation { crashes: 3, ..Evaluation::default() };
    let lost = Evaluation {
        episodes: 1,
        means: [("test_return_mean".to_owned(), -1e9)].into(),
        returns: vec![-1e9],
        crashes: 2,
    };
    assert!(lost.score() > crashed.score());
    let make = || Faulty { inner: Fragile::new(), fault: Fault::Endless, episodes: 100 };
    let error = Trainer::new(Vdn::default(), make).evaluate().expect_err("it never ends");
    assert!(error.to_string().contains("limit of 10 steps"), "{error}");
}
