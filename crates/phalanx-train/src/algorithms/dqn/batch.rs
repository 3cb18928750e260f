//! A minibatch of transitions, and its targets.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::Device;

use super::settings::DqnLoss;
use super::transitions::Transition;
use crate::algorithms::q_learning::MASKED_LOGIT;
use crate::algorithms::transfer::upload;
use crate::rollout::InputLayout;

/// Transitions on the networks' device, without gradients. A row is an agent of a transition.
pub(super) struct TransitionTensors {
    /// The inputs before the step, `[1, row, dim]`.
    pub(super) input: Tensor<3>,
    /// The inputs after the step, `[1, row, dim]`; zero after a termination.
    pub(super) next_input: Tensor<3>,
    /// The actions taken, `[1, row, 1]`.
    pub(super) actions: Tensor<3, Int>,
    /// The rewards, `[1, row, 1]`.
    rewards: Tensor<3>,
    /// The discount factor of the value after the step, `[1, row, 1]`; zero after a termination.
    discounts: Tensor<3>,
    /// Zero, or [`MASKED_LOGIT`] for an unavailable action, `[1, row, n_actions]`.
    mask_bias: Tensor<3>,
}

impl TransitionTensors {
    /// Uploads transitions in one transfer.
    pub(super) fn new(
        transitions: &[&Transition],
        inputs: InputLayout,
        gamma: f32,
        device: &Device,
    ) -> Self {
        let rows = transitions.len() * inputs.n_agents;
        let (dim, n_actions) = (inputs.dim(), inputs.n_actions);
        let mut input = Vec::with_capacity(rows * dim);
        let mut next_input = Vec::with_capacity(rows * dim);
        let mut mask_bias = Vec::with_capacity(rows * n_actions);
        let (mut rewards, mut discounts) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut actions = Vec::with_capacity(rows);
        for transition in transitions {
            input.extend_from_slice(&transition.now.input);
            actions.extend(transition.actions.iter().map(|&action| i32::from(action)));
            rewards.extend_from_slice(&transition.rewards);
            match &transition.next {
                Some(next) => {
                    next_input.extend_from_slice(&next.input);
                    let bias = |&open: &bool| if open { 0.0 } else { MASKED_LOGIT };
                    mask_bias.extend(next.avail.iter().map(bias));
                    discounts.extend(std::iter::repeat_n(gamma, inputs.n_agents));
                }
                None => {
                    next_input.resize(input.len(), 0.0);
                    mask_bias.resize(input.len() / dim * n_actions, 0.0);
                    discounts.resize(rewards.len(), 0.0);
                }
            }
        }
        let floats = [input, next_input, rewards, discounts, mask_bias];
        let (floats, [actions]) = upload(floats, [actions], device);
        let [input, next_input, rewards, discounts, mask_bias] = floats;
        Self {
            input: input.reshape([1, rows, dim]),
            next_input: next_input.reshape([1, rows, dim]),
            actions: actions.reshape([1, rows, 1]),
            rewards: rewards.reshape([1, rows, 1]),
            discounts: discounts.reshape([1, rows, 1]),
            mask_bias: mask_bias.reshape([1, rows, n_actions]),
        }
    }

    /// Computes the targets, `[1, row, 1]`, from the target network's values after the step, `Q'`,
    /// and the online network's, `Q`, `[1, row, n_actions]`. Over the available actions `a`:
    ///
    /// ```text
    /// y = r + gamma max_a Q'(s', a)
    /// y = r + gamma Q'(s', argmax_a Q(s', a))     double Q-learning: if `online` is given
    /// y = r                                       after a termination
    /// ```
    pub(super) fn targets(&self, target: Tensor<3>, online: Option<Tensor<3>>) -> Tensor<3> {
        let best = match online {
            None => (target + self.mask_bias.clone()).max_dim(2),
            Some(online) => target.gather(2, (online + self.mask_bias.clone()).argmax(2)),
        };
        self.rewards.clone() + self.discounts.clone() * best
    }
}

/// Computes the sum of the losses of TD errors, `[1]`.
pub(super) fn summed_loss(error: Tensor<3>, loss: DqnLoss) -> Tensor<1> {
    match loss {
        DqnLoss::Squared => error.square().sum() * 0.5,
        DqnLoss::Huber => {
            let size = error.abs();
            let quadratic = size.clone().clamp_max(1.0);
            (quadratic.clone().square() * 0.5 + size - quadratic).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use phalanx_core::nn::device;

    use super::super::transitions::View;
    use super::*;
    use crate::algorithms::transfer::{tensor, to_vec};

    fn cpu() -> Device {
        device("cpu").expect("the CPU is always available")
    }

    fn view(numbers: [f32; 2], avail: [bool; 6]) -> Arc<View> {
        Arc::new(View { input: numbers.into(), avail: avail.into() })
    }

    /// Two transitions of two agents with one number as input and three actions. The second one
    /// terminates its episode.
    fn batch() -> TransitionTensors {
        let first = Transition {
            now: view([1.0, 2.0], [true; 6]),
            next: Some(view([3.0, 4.0], [true, true, false, false, true, true])),
            actions: [2, 0].into(),
            rewards: [10.0, 20.0].into(),
        };
        let second = Transition {
            now: view([5.0, 6.0], [true; 6]),
            next: None,
            actions: [1, 1].into(),
            rewards: [30.0, 40.0].into(),
        };
        let inputs = InputLayout {
            obs_dim: 1,
            n_actions: 3,
            n_agents: 2,
            last_action: false,
            agent_id: false,
            frames: 1,
        };
        TransitionTensors::new(&[&first, &second], inputs, 0.5, &cpu())
    }

    fn values(values: [f32; 12]) -> Tensor<3> {
        tensor(values.to_vec(), [1, 4, 3], &cpu())
    }

    #[test]
    fn a_row_is_an_agent_of_a_transition() {
        let batch = batch();
        assert_eq!(to_vec(batch.input.clone()), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(to_vec(batch.next_input.clone()), [3.0, 4.0, 0.0, 0.0]);
        assert_eq!(to_vec(batch.actions.float()), [2.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn targets_bootstrap_from_the_best_available_action_and_not_after_a_termination() {
        let target = [1.0, 2.0, 9.0, 9.0, 3.0, 4.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0];
        let targets = batch().targets(values(target), None);
        // 10 + 0.5 * max(1, 2) and 20 + 0.5 * max(3, 4); the nines are masked.
        assert_eq!(to_vec(targets), [11.0, 22.0, 30.0, 40.0]);
    }

    #[test]
    fn double_q_learning_evaluates_the_action_that_the_online_network_selects() {
        let target = [1.0, 2.0, 9.0, 9.0, 3.0, 4.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0];
        let online = [6.0, 5.0, 8.0, 8.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let targets = batch().targets(values(target), Some(values(online)));
        // The online network's best available actions are 0 and 1.
        assert_eq!(to_vec(targets), [10.5, 21.5, 30.0, 40.0]);
    }

    #[test]
    fn the_huber_loss_is_quadratic_up_to_one_and_linear_beyond() {
        let error = || tensor(vec![0.5, -0.5, 3.0, -2.0], [1, 4, 1], &cpu());
        assert_eq!(to_vec(summed_loss(error(), DqnLoss::Squared)), [0.125 * 2.0 + 4.5 + 2.0]);
        assert_eq!(to_vec(summed_loss(error(), DqnLoss::Huber)), [0.125 * 2.0 + 2.5 + 1.5]);
    }
}
