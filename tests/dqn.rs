//! DQN learns from single transitions: it finds distant rewards, bootstraps after a time limit but not
//! after a termination, and several agents learn independently, from the team's rewards or their own.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::{DqnLoss, TargetUpdate};

/// A corridor of seven cells. The agent starts in the middle and walks left or right; a reward of 0.2
/// waits at the left end and one of 1 at the right end, and both end the episode.
struct Corridor {
    spec: EnvSpec,
    cell: usize,
}

const CELLS: usize = 7;

impl Corridor {
    fn make() -> Self {
        let spec = EnvSpec {
            n_actions: 3,
            obs_dim: CELLS,
            episode_limit: 10_000,
            ..EnvSpec::new("corridor", 1)
        };
        Self { spec, cell: 0 }
    }

    fn write(&self, mut out: StepBuffers<'_>) {
        out.clear();
        out.obs[self.cell] = 1.0;
        // The third action does not exist here.
        out.avail[2] = false;
    }
}

impl Env for Corridor {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.cell = CELLS / 2;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        assert!(actions[0] < 2, "masked actions are never taken");
        self.cell = if actions[0] == 0 { self.cell - 1 } else { self.cell + 1 };
        self.write(out);
        let (reward, status) = match self.cell {
            0 => (0.2, StepStatus::Terminated),
            cell if cell == CELLS - 1 => (1.0, StepStatus::Terminated),
            _ => (0.0, StepStatus::Running),
        };
        StepResult { reward, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.cell, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.cell = unpack("the cell", bytes)?;
        Ok(())
    }
}

/// Two agents with one step of time and nothing to see: agent `i` earns a reward of its own for action
/// `i`. Every episode lasts two steps and is cut off there.
struct OwnRewards {
    spec: EnvSpec,
    t: usize,
}

impl OwnRewards {
    fn make(timeout_is_terminal: bool) -> Self {
        let spec = EnvSpec {
            n_actions: 2,
            episode_limit: 2,
            agent_rewards: true,
            timeout_is_terminal,
            ..EnvSpec::new("own rewards", 2)
        };
        Self { spec, t: 0 }
    }
}

impl Env for OwnRewards {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, mut out: StepBuffers<'_>) {
        self.t = 0;
        out.clear();
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        out.clear();
        for (agent, &action) in actions.iter().enumerate() {
            out.agent_rewards[agent] = f32::from(u8::from(usize::from(action) == agent));
        }
        let over = self.t == self.spec.episode_limit;
        let status = if over { StepStatus::Truncated } else { StepStatus::Running };
        StepResult { reward: 1.0, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.t, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.t = unpack("the step", bytes)?;
        Ok(())
    }
}

fn small() -> DqnSettings {
    DqnSettings {
        learning_starts: 100,
        buffer_size: 2000,
        lr: 0.002,
        grad_norm_clip: 10.0,
        target_update_interval: 50,
        epsilon_finish: 0.2,
        epsilon_anneal_time: 2000,
        hidden_dim: 32,
        ..DqnSettings::default()
    }
}

fn train(trainer: &mut Trainer, t_env: u64) {
    while trainer.iterate().expect("losses are finite").t_env < t_env {}
}

#[test]
fn dqn_walks_to_the_larger_reward_at_the_far_end_of_a_corridor() {
    let double = DqnSettings { double_q: true, ..small() };
    let huber = DqnSettings { td_loss: DqnLoss::Huber, ..small() };
    let soft = DqnSettings { target_update: TargetUpdate::Soft, ..small() };
    for learning in [small(), double, huber, soft] {
        for seed in 1..=3 {
            let dqn = Dqn { learning: learning.clone() };
            let mut trainer = Trainer::new(dqn, Corridor::make).seed(seed);
            trainer.config.test_nepisode = 1;
            train(&mut trainer, 4000);
            let evaluation = trainer.evaluate().expect("it was trained");
            assert_eq!(evaluation.return_mean(), 1.0, "seed {seed}: {learning:?}");
            // The shortest way.
            assert_eq!(evaluation.means["test_ep_length_mean"], 3.0, "seed {seed}");
        }
    }
}

#[test]
fn independent_agents_settle_for_7_in_the_two_step_game() {
    let game = factory("two_step", &Default::default()).expect("the game is registered");
    for seed in 1..=5 {
        let learning = DqnSettings { epsilon_finish: 1.0, ..small() };
        let mut trainer = Trainer::new(Dqn { learning }, game.clone()).seed(seed);
        trainer.config.test_nepisode = 1;
        train(&mut trainer, 6000);
        assert_eq!(trainer.evaluate().expect("it was trained").return_mean(), 7.0, "seed {seed}");
    }
}

/// Returns the mean value of the actions taken after training, and the greedy actions.
fn values(learning: DqnSettings, timeout_is_terminal: bool) -> (f64, Vec<u16>) {
    let make = move || OwnRewards::make(timeout_is_terminal);
    let learning = DqnSettings { gamma: 0.5, epsilon_finish: 1.0, ..learning };
    let mut trainer = Trainer::new(Dqn { learning }, make).seed(1);
    train(&mut trainer, 3000);
    trainer.take_means().expect("losses are finite");
    train(&mut trainer, 4000);
    let q = trainer.take_means().expect("losses are finite")["q_taken_mean"];
    let mut player = Player::new(trainer.policy().expect("it was trained"));
    player.begin();
    (q, player.act(&[0.0; 2], &[true; 4]).expect("the arguments are valid").to_vec())
}

#[test]
fn a_time_limit_is_bootstrapped_unless_it_is_terminal() {
    // A reward of 1 in every step: 1 + 1/2 + 1/4 + … = 2.
    let (q, _) = values(small(), false);
    assert!((q - 2.0).abs() < 0.05, "{q}");
    // The agents cannot tell the steps apart, so v = 1/2 (1 + v / 2) + 1/2, which is 4/3.
    let (q, _) = values(small(), true);
    assert!((q - 4.0 / 3.0).abs() < 0.05, "{q}");
}

#[test]
fn agents_learn_from_rewards_of_their_own() {
    let (_, actions) = values(DqnSettings { common_reward: false, ..small() }, false);
    assert_eq!(actions, [0, 1]);
}

#[test]
fn own_rewards_need_an_environment_that_has_them() {
    let learning = DqnSettings { common_reward: false, ..small() };
    let error = Trainer::new(Dqn { learning }, Corridor::make).prepare();
    let error = error.expect_err("the corridor has a team's reward only").to_string();
    assert!(error.contains("`common_reward` must be true"), "{error}");
}
