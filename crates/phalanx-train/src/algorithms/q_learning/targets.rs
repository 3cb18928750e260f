//! Targets of the learned values: rewards plus discounted bootstrap values.

use burn::tensor::Tensor;

use super::super::transfer::{tensor, to_vec};
use super::batch::{EpisodeTensors, steps_per_column};
use super::linear_targets::targets;
use super::settings::QLearningSettings;
use super::td_loss::{TdLoss, filled_mean};

/// The targets of a batch, `[times * episode, column]`. The only column is the team's value;
/// without a mixer, every agent has a column. Targets at the last time and in padding are unused.
pub struct Targets {
    /// The targets `G`.
    pub values: Tensor<2>,
}

impl Targets {
    /// Computes TD(lambda), n-step or Q(lambda) targets, depending on the settings.
    ///
    /// `bootstrap` holds the bootstrap values, `[times * episode, column]`. `q_taken` holds the
    /// target networks' values of the actions taken, which only Q(lambda) uses. As in PyMARL2, it
    /// adds `bootstrap - q_taken` to each reward, so that exploratory actions do not lower the
    /// return.
    ///
    /// On a device other than the CPU, nothing is downloaded.
    pub fn new(
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        bootstrap: Tensor<2>,
        q_taken: Option<Tensor<2>>,
    ) -> Self {
        let values = match &batch.linear_targets {
            Some(linear) => linear.targets(bootstrap, q_taken),
            None => on_the_cpu(learning, batch, bootstrap, q_taken),
        };
        Self { values }
    }

    /// Returns the mean target, `[1]`.
    pub fn mean(&self, batch: &EpisodeTensors) -> Tensor<1> {
        filled_mean(self.values.clone(), batch)
    }

    /// Computes the loss between the learned values, `[times * episode, column]`, and these
    /// targets.
    pub fn td_loss(
        &self,
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        values: Tensor<2>,
    ) -> TdLoss {
        TdLoss::new(learning, batch, values, &self.values, None)
    }

    /// Computes the same loss as [`Targets::td_loss`] with a weight for every value, in the shape
    /// of `values` and without gradients.
    pub fn weighted_td_loss(
        &self,
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        values: Tensor<2>,
        weight: Tensor<2>,
    ) -> TdLoss {
        TdLoss::new(learning, batch, values, &self.values, Some(weight))
    }

    /// Returns one where `values` are below their targets, and `w` elsewhere.
    pub fn optimistic_weights(&self, values: Tensor<2>, w: f32) -> Tensor<2> {
        let below = values.lower(self.values.clone()).float();
        below.mul_scalar(1.0 - w).add_scalar(w)
    }
}

/// Computes the targets backwards in time on the host, for the CPU, where downloads are free.
fn on_the_cpu(
    learning: &QLearningSettings,
    batch: &EpisodeTensors,
    bootstrap: Tensor<2>,
    q_taken: Option<Tensor<2>>,
) -> Tensor<2> {
    let ([rows, columns], device) = (bootstrap.dims(), bootstrap.device());
    let bootstrap = to_vec(bootstrap);
    let mut steps = steps_per_column(learning, &batch.steps, &batch.agent_reward);
    if steps.len() == batch.steps.len() {
        steps = steps.into_iter().flat_map(|step| std::iter::repeat_n(step, columns)).collect();
    }
    if let Some(q_taken) = q_taken.map(to_vec) {
        for (step, (best, taken)) in steps.iter_mut().zip(bootstrap.iter().zip(q_taken)) {
            step.reward += best - taken;
        }
    }
    let mut values = targets(learning, &steps, &bootstrap, batch.episodes * columns);
    values.resize(rows * columns, 0.0);
    tensor(values, [rows, columns], &device)
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::StepStatus;
    use phalanx_core::nn::device;
    use phalanx_core::rng::{Purpose, Rng};

    use phalanx_core::rl::EpisodeStep;

    use super::super::linear_targets::{LinearTargetBuffers, LinearTargets};
    use super::*;
    use crate::replay::EpisodeBatch;
    use crate::rollout::InputLayout;

    /// Returns two steps of two episodes of two agents; the second episode has one step.
    fn batch() -> EpisodeTensors {
        with(&learning())
    }

    fn with(learning: &QLearningSettings) -> EpisodeTensors {
        let step = |reward, terminated, filled| EpisodeStep {
            reward,
            status: if terminated { StepStatus::Terminated } else { StepStatus::Running },
            filled,
        };
        let inputs = InputLayout {
            obs_dim: 1,
            n_actions: 2,
            n_agents: 2,
            last_action: false,
            agent_id: false,
            frames: 1,
        };
        let batch = EpisodeBatch {
            time: 2,
            episodes: 2,
            input: vec![0.0; 3 * 2 * 2],
            state: vec![0.0; 3 * 2],
            avail: vec![true; 3 * 2 * 2 * 2],
            actions: vec![0; 3 * 2 * 2],
            steps: vec![
                step(1.0, false, true),
                step(2.0, false, true),
                step(4.0, true, true),
                step(0.0, false, false),
            ],
            agent_reward: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
            indices: vec![0, 1],
            weights: vec![1.0, 0.5],
        };
        EpisodeTensors::new(
            batch,
            inputs,
            learning,
            1,
            Rng::stream(0, Purpose::Check, 0),
            &device("cpu").expect("the CPU is always available"),
        )
    }

    fn learning() -> QLearningSettings {
        QLearningSettings { gamma: 0.5, td_lambda: 0.0, ..QLearningSettings::default() }
    }

    fn cpu() -> phalanx_core::nn::Device {
        device("cpu").expect("the CPU is always available")
    }

    /// Returns the targets for these bootstrap values, `[6, column]`.
    fn targets_of(learning: &QLearningSettings, greedy: &[f32], taken: Option<&[f32]>) -> Targets {
        let of = |values: &[f32]| tensor(values.to_vec(), [6, values.len() / 6], &cpu());
        Targets::new(learning, &with(learning), of(greedy), taken.map(of))
    }

    fn numbers(targets: &Targets) -> Vec<f32> {
        to_vec(targets.values.clone())
    }

    fn error(
        targets: &Targets,
        learning: &QLearningSettings,
        values: &[f32],
        columns: usize,
    ) -> TdLoss {
        let values = tensor(values.to_vec(), [6, columns], &cpu().autodiff());
        targets.td_loss(learning, &batch(), values)
    }

    #[test]
    fn a_team_has_one_target_per_step_and_padding_has_none() {
        let targets = targets_of(&learning(), &[0.0, 0.0, 8.0, 6.0, 9.0, 9.0], None);
        assert_eq!(numbers(&targets), [1.0 + 0.5 * 8.0, 2.0 + 0.5 * 6.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!(to_vec(batch().filled), [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_error_is_weighted_by_episode_and_divided_by_the_number_of_real_steps() {
        let learning = QLearningSettings { prioritised_replay: true, ..learning() };
        let targets = targets_of(&learning, &[0.0; 6], None);
        let error = error(&targets, &learning, &[2.0, 4.0, 1.0, 7.0, 7.0, 7.0], 1);
        let loss: f32 = error.loss.into_scalar();
        // 0.5 * (1 + 0.5 * 4 + 9) / 3; the mean errors are (1 + 3) / 2 and 2.
        assert!((loss - 2.0).abs() < 1e-6, "{loss}");
        assert_eq!(error.td_errors.map(to_vec), Some(vec![2.0, 2.0]));
        assert!((to_vec(error.q_taken_mean)[0] - 7.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn agents_learn_from_the_reward_of_the_team_or_from_their_own() {
        let greedy = [0.0; 12];
        let team = targets_of(&learning(), &greedy, None);
        assert_eq!(numbers(&team)[..6], [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]);
        let own = QLearningSettings { common_reward: false, ..learning() };
        let own = targets_of(&own, &greedy, None);
        assert_eq!(numbers(&own)[..6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    }

    #[test]
    fn q_lambda_adds_the_cost_of_exploration_to_rewards() {
        let learning = QLearningSettings { q_lambda: true, td_lambda: 1.0, ..learning() };
        let (greedy, taken) = ([3.0, 3.0, 5.0, 5.0, 0.0, 0.0], [2.0, 3.0, 1.0, 1.0, 0.0, 0.0]);
        let targets = targets_of(&learning, &greedy, Some(&taken));
        // The second step of the first episode: 4 + (5 - 1); the first: 1 + (3 - 2) + 0.5 * 8.
        assert_eq!(numbers(&targets)[..3], [6.0, 2.0 + 0.5 * 5.0, 8.0]);
    }

    #[test]
    fn n_step_targets_are_used_if_configured() {
        let learning = QLearningSettings { n_step: 2, ..learning() };
        let targets = targets_of(&learning, &[0.0, 0.0, 8.0, 6.0, 9.0, 9.0], None);
        assert_eq!(numbers(&targets)[..3], [1.0 + 0.5 * 4.0, 2.0 + 0.5 * 6.0, 4.0]);
    }

    /// Returns a batch of episodes of at most `time` steps, some of them truncated, with a map for
    /// a device.
    fn mapped(
        learning: &QLearningSettings,
        rng: &mut Rng,
        (time, episodes, agents): (usize, usize, usize),
    ) {
        let lengths: Vec<usize> = (0..episodes).map(|_| 1 + rng.below(time)).collect();
        let truncated: Vec<bool> = (0..episodes).map(|_| rng.below(2) == 0).collect();
        let mut number = || rng.range(-1.0, 1.0);
        let steps: Vec<EpisodeStep> = (0..time * episodes)
            .map(|at| {
                let (t, episode) = (at / episodes, at % episodes);
                let (filled, last) = (t < lengths[episode], t + 1 == lengths[episode]);
                let status = match (last, truncated[episode]) {
                    (false, _) => StepStatus::Running,
                    (true, false) => StepStatus::Terminated,
                    (true, true) => StepStatus::Truncated,
                };
                EpisodeStep { reward: number(), status, filled }
            })
            .collect();
        let agent_reward: Vec<f32> = (0..time * episodes * agents).map(|_| number()).collect();
        let columns = if learning.common_reward { 1 } else { agents };
        let n = (time + 1) * episodes * columns;
        let (greedy, taken): (Vec<f32>, Vec<f32>) = (0..n).map(|_| (number(), number())).unzip();
        let of = |values: Vec<f32>| -> Tensor<2> {
            let rows = (time + 1) * episodes;
            let columns = values.len() / rows;
            tensor(values, [rows, columns], &cpu())
        };
        let mut batch = batch();
        (batch.times, batch.episodes) = (time + 1, episodes);
        (batch.steps, batch.agent_reward) = (steps, agent_reward);
        let steps = steps_per_column(learning, &batch.steps, &batch.agent_reward);
        let map = LinearTargetBuffers::new(learning, &batch.steps, episodes, &steps);
        let flat = |values: Vec<f32>| {
            let n = values.len();
            tensor(values, [n], &cpu())
        };
        let map = LinearTargets::new(
            flat(map.rewarded),
            flat(map.bootstrapped),
            flat(map.raised),
            (time + 1, episodes),
        );
        let taken = learning.q_lambda.then(|| of(taken));
        let (greedy, valid) = (of(greedy), |at: usize| batch.steps.get(at / columns));
        let ours = to_vec(map.targets(greedy.clone(), taken.clone()));
        let expected = to_vec(on_the_cpu(learning, &batch, greedy, taken));
        assert_eq!(ours.len(), expected.len());
        for (at, (ours, expected)) in ours.iter().zip(expected).enumerate() {
            if valid(at).is_some_and(|step| step.filled) {
                assert!((ours - expected).abs() < 1e-5, "{learning:?}: {ours} is not {expected}");
            }
        }
    }

    #[test]
    fn the_map_for_devices_gives_the_targets_of_the_recursion() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        for (td_lambda, n_step) in [(0.0, 1), (0.6, 1), (1.0, 1), (0.0, 3)] {
            for (q_lambda, common_reward) in [(false, true), (true, true), (true, false)] {
                let learning =
                    QLearningSettings { td_lambda, n_step, q_lambda, common_reward, ..learning() };
                for size in [(1, 1, 2), (5, 3, 2), (12, 4, 3)] {
                    mapped(&learning, &mut rng, size);
                }
            }
        }
    }
}
