//! The panic of an environment is caught, reported and counted. The environment is reset and the run
//! continues.

use phalanx::env::{ParallelEnvs, StepRows, VecEnv};
use phalanx::prelude::*;
use phalanx::rng::Purpose;

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
        Ok(())
    }
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
