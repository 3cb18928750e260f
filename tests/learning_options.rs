//! Each option of Q-learning has its documented effect.

use phalanx::envs::registry::factory;
use phalanx::nn::OptimizerKind;
use phalanx::nn::Sharing;
use phalanx::prelude::*;
use phalanx::train::TrainError;
use phalanx::train::algorithms::TargetUpdate;
use phalanx::train::config::ByteSize;
use toml::Table;

/// Settings for one-step games: joint actions are drawn uniformly.
fn one_step() -> QLearningSettings {
    QLearningSettings {
        batch_size: 32,
        epsilon_finish: 1.0,
        lr: 0.005,
        use_rnn: false,
        rnn_hidden_dim: 32,
        ..QLearningSettings::default()
    }
}

/// Returns the greedy return in a game with these payoffs after 4000 steps.
fn greedy_return(payoff: &str, learning: QLearningSettings) -> f64 {
    let args: Table = format!("payoff = {payoff}").parse().expect("valid TOML");
    let env = factory("matrix/custom", &args).expect("the environment is registered");
    let mut trainer = Trainer::new(Vdn::new(learning), env).seed(3);
    trainer.config.test_nepisode = 1;
    trainer.config.threads = 1;
    while trainer.iterate().expect("losses are finite").t_env < 4000 {}
    trainer.evaluate().expect("evaluation succeeds").return_mean()
}

/// Returns the error with which the trainer rejects its settings.
fn refusal(trainer: Trainer) -> String {
    let mut trainer = trainer;
    trainer.prepare().err().map_or_else(String::new, |error: TrainError| error.to_string())
}

#[test]
fn agents_without_an_id_choose_different_actions_only_with_separate_networks() {
    // The optimum is action 0 for agent 0 and action 1 for agent 1; equal actions pay 1.
    let payoff = "[[1.0, 2.0], [0.0, 1.0]]";
    let learning = QLearningSettings { obs_agent_id: false, ..one_step() };
    assert_eq!(greedy_return(payoff, learning.clone()), 1.0);
    let own = QLearningSettings { parameter_sharing: Sharing::None, ..learning };
    assert_eq!(greedy_return(payoff, own), 2.0);
}

#[test]
fn every_update_rule_and_target_rule_learns_a_monotonic_game() {
    let base = one_step();
    let variants = [
        base.clone(),
        QLearningSettings { optimizer: OptimizerKind::RmsProp, optim_eps: 1e-5, ..base.clone() },
        QLearningSettings {
            target_update: TargetUpdate::Updates,
            target_update_interval: 10,
            ..base.clone()
        },
        QLearningSettings { target_update: TargetUpdate::Soft, ..base.clone() },
        QLearningSettings { prioritised_replay: true, ..base.clone() },
        QLearningSettings { standardise_rewards: true, ..base.clone() },
        QLearningSettings { parameter_sharing: Sharing::None, ..base.clone() },
        QLearningSettings { parameter_sharing: Sharing::Group, ..base.clone() },
        QLearningSettings { batch_steps: 1, ..base.clone() },
        QLearningSettings { td_lambda: 0.0, n_step: 3, ..base.clone() },
        QLearningSettings { q_lambda: true, ..base },
    ];
    for learning in variants {
        // Payoffs that are a sum of utilities.
        let best = greedy_return("[[0.0, 1.0], [1.0, 2.0]]", learning.clone());
        assert_eq!(best, 2.0, "{learning:?}");
    }
}

#[test]
fn a_sum_of_utilities_learns_the_least_squares_fit_of_a_table() {
    // The fit of qtran is -6.22 in the corner, -4.89 next to it, -3.56 elsewhere.
    let env = factory("matrix/qtran", &Default::default()).expect("the environment is registered");
    let learning = QLearningSettings { batch_size: 256, lr: 0.002, ..one_step() };
    let mut trainer = Trainer::new(Vdn::new(learning), env).seed(1);
    trainer.config.threads = 1;
    while trainer.iterate().expect("losses are finite").t_env < 16_000 {}
    let values =
        trainer.joint_q_values().expect("the learner was trained").expect("there is a joint value");
    let (corner, side, rest) = (-6.22, -4.89, -3.56);
    let fit = [corner, side, side, side, rest, rest, side, rest, rest];
    for (value, fit) in values.iter().zip(fit) {
        assert!((value - fit).abs() < 0.6, "{values:?}");
    }
}

#[test]
fn agent_rewards_need_an_environment_that_provides_them_and_no_mixer() {
    let learning = QLearningSettings { common_reward: false, ..QLearningSettings::default() };
    let shared =
        factory("predator_prey", &Default::default()).expect("the environment is registered");
    let args: Table = "individual_rewards = true".parse().expect("valid TOML");
    let own = factory("predator_prey", &args).expect("the environment is registered");
    let iql = |env| Trainer::new(Iql::new(learning.clone()), env);
    let error = refusal(iql(shared.clone()));
    assert!(error.contains("`common_reward` must be true: this environment"), "{error}");
    let mixed = Trainer::new(Vdn::new(learning.clone()), own.clone());
    let error = refusal(mixed);
    assert!(error.contains("`common_reward` must be true for this algorithm"), "{error}");
    assert_eq!(refusal(iql(own)), "");
}

#[test]
fn agents_learn_from_agent_rewards() {
    /// Two agents; agent 0 is rewarded for action 0, agent 1 for action 1; the team reward is zero.
    struct Selfish(EnvSpec);

    impl Selfish {
        fn write(out: StepBuffers<'_>, own: [f32; 2]) {
            out.obs.fill(1.0);
            out.state.fill(1.0);
            out.avail.fill(true);
            out.alive.fill(true);
            out.agent_rewards.copy_from_slice(&own);
        }
    }

    impl Env for Selfish {
        fn spec(&self) -> &EnvSpec {
            &self.0
        }
        fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
            Self::write(out, [0.0; 2]);
        }
        fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
            let own = [actions[0] == 0, actions[1] == 1].map(|paid| f32::from(u8::from(paid)));
            Self::write(out, own);
            StepResult { reward: 0.0, status: StepStatus::Terminated }
        }
        fn save(&self, _: &mut Vec<u8>) {}
        fn load(&mut self, _: &[u8]) -> Result<(), EnvError> {
            Ok(())
        }
    }

    let make = || Selfish(EnvSpec { n_actions: 2, agent_rewards: true, ..EnvSpec::new("own", 2) });
    let learning = QLearningSettings { common_reward: false, ..one_step() };
    let mut trainer = Trainer::new(Iql::new(learning), make).seed(2);
    while trainer.iterate().expect("losses are finite").t_env < 4000 {}
    let policy = trainer.policy().expect("the learner was trained");
    let mut team =
        phalanx::train::rollout::TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
    team.reset(0);
    let q = team.forward(&policy.actor, &[1.0, 1.0]).to_vec();
    assert!(q[0] > q[1] && q[3] > q[2], "{q:?}");
}

#[test]
fn a_replay_buffer_too_small_for_an_episode_is_rejected_with_the_key_to_change() {
    let learning = QLearningSettings { buffer_mem: ByteSize(1000), ..QLearningSettings::default() };
    let env = factory("predator_prey", &Default::default()).expect("the environment is registered");
    let mut trainer = Trainer::new(Vdn::new(learning), env);
    let error = trainer.iterate().expect_err("an episode needs more memory").to_string();
    assert!(error.contains("buffer_mem"), "{error}");
}
