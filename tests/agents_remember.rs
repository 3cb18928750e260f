//! Recurrent agents solve a task that requires a hidden state: they must act on a sign that they see
//! only in the first step. A policy loaded from disk keeps the same hidden state as the saved one.

use phalanx::nn::RnnKind;
use phalanx::prelude::*;
use phalanx::train::algorithms::Algorithm;
use phalanx::train::rollout::TeamRunner;
use phalanx::train::run::checkpoint::load_policy;

/// Steps of an episode.
const LENGTH: usize = 6;

/// Environment steps within which each algorithm has learned the task.
const VDN_STEPS: u64 = 12_000;
const IPPO_STEPS: u64 = 60_000;

/// Two agents each see one of two signs in the first step and only the time afterwards. In the last
/// step, each agent whose action matches its sign earns a half.
struct Recall {
    spec: EnvSpec,
    signs: [usize; 2],
    time: usize,
}

impl Recall {
    fn make() -> Self {
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 2 + LENGTH,
            state_dim: LENGTH,
            episode_limit: LENGTH,
            ..EnvSpec::new("recall", 2)
        };
        Self { spec, signs: [0; 2], time: 0 }
    }

    fn write(&self, out: StepBuffers<'_>) {
        out.obs.fill(0.0);
        out.state.fill(0.0);
        if self.time < LENGTH {
            out.state[self.time] = 1.0;
        }
        for (obs, sign) in out.obs.chunks_exact_mut(2 + LENGTH).zip(self.signs) {
            if self.time == 0 {
                obs[sign] = 1.0;
            }
            if self.time < LENGTH {
                obs[2 + self.time] = 1.0;
            }
        }
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for Recall {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.signs = [rng.below(2), rng.below(2)];
        self.time = 0;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.time += 1;
        self.write(out);
        if self.time < LENGTH {
            return StepResult { reward: 0.0, status: StepStatus::Running };
        }
        let right = self.signs.iter().zip(actions).filter(|(sign, did)| **sign == **did as usize);
        StepResult { reward: 0.5 * right.count() as f32, status: StepStatus::Terminated }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend([self.signs[0], self.signs[1], self.time].map(|x| x as u8));
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let [first, second, time] = bytes.try_into().expect("the saved bytes");
        (self.signs, self.time) = ([usize::from(first), usize::from(second)], usize::from(time));
        Ok(())
    }
}

/// Returns the mean return of greedy episodes after `t_max` steps.
fn learned(algorithm: impl Algorithm + 'static, t_max: u64) -> f64 {
    let mut trainer = Trainer::new(algorithm, Recall::make).seed(1);
    trainer.config.test_nepisode = 64;
    while trainer.iterate().expect("losses are finite").t_env < t_max {}
    trainer.evaluate().expect("it was trained").return_mean()
}

fn vdn(use_rnn: bool, rnn: RnnKind) -> Vdn {
    let learning = QLearningSettings {
        use_rnn,
        rnn,
        rnn_hidden_dim: 32,
        batch_size: 64,
        lr: 0.003,
        epsilon_anneal_time: 5000,
        obs_last_action: false,
        ..QLearningSettings::default()
    };
    Vdn::new(learning)
}

fn ippo(use_rnn: bool, rnn: RnnKind) -> Ippo {
    let learning = PolicyGradient {
        use_rnn,
        rnn,
        rnn_hidden_dim: 32,
        batch_size_run: 16,
        rollout_steps: 60,
        lr: 0.003,
        obs_last_action: false,
        ..PolicyGradient::default()
    };
    Ippo { learning }
}

#[test]
fn recurrent_agents_learn_a_task_that_feed_forward_agents_cannot() {
    let feed_forward = learned(vdn(false, RnnKind::Gru), VDN_STEPS);
    assert!(feed_forward < 0.7, "without a hidden state agents can only guess: {feed_forward}");
    for unit in [RnnKind::Gru, RnnKind::Lstm] {
        assert_eq!(learned(vdn(true, unit), VDN_STEPS), 1.0, "VDN with {unit:?}");
        assert_eq!(learned(ippo(true, unit), IPPO_STEPS), 1.0, "IPPO with {unit:?}");
    }
}

#[test]
fn a_loaded_policy_keeps_the_same_hidden_state_as_the_saved_one() {
    for unit in [RnnKind::Gru, RnnKind::Lstm] {
        let mut trainer = Trainer::new(ippo(true, unit), Recall::make).seed(2);
        trainer.iterate().expect("losses are finite");
        let policy = trainer.policy().expect("it was trained");
        let loaded = load_policy(&trainer.save().expect("the trainer can be saved"))
            .expect("the policy is complete");
        assert_eq!(loaded.recurrent, Some(unit));
        let [ours, theirs] = [policy, loaded].map(|policy| {
            let memory = unit.carry_dim(32);
            assert_eq!(policy.actor.carry_dim(), memory);
            let mut team = TeamRunner::new(policy.inputs, memory, 1);
            team.reset(0);
            let steps = (0..LENGTH).map(|t| {
                let mut obs = vec![0.0; 2 * (2 + LENGTH)];
                obs[t] = 1.0;
                team.forward(&policy.actor, &obs).to_vec()
            });
            steps.collect::<Vec<_>>()
        });
        assert_eq!(ours, theirs, "{unit:?}");
    }
}
