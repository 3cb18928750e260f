//! Bootstrapping: the next joint action and its value.

use burn::tensor::{Int, Tensor};

use super::batch::EpisodeTensors;

/// Estimate of the value of the next joint action.
///
/// To add a rule, add a variant here and a key in `settings.rs` and `configs/q_learning.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapRule {
    /// The target networks select each agent's action and evaluate the joint action (DQN).
    Target,
    /// The online networks select and the target networks evaluate (van Hasselt et al. 2016, Double
    /// DQN, arXiv 1509.06461).
    DoubleQ,
    /// The smaller of the online and target utilities selects each agent's action, and the smaller
    /// of the two joint action values is the estimate (MINTO, arXiv 2510.02590):
    ///
    /// ```text
    /// u_i* = argmax_a min(Q_i^-(a), Q_i(a))      y = r + gamma min(Q_tot^-(u*), Q_tot(u*))
    /// ```
    Minto,
}

impl BootstrapRule {
    /// Returns the available actions that targets bootstrap from, `[times, episode * agent, 1]`,
    /// given the utilities of the `online` and the `target` networks,
    /// `[times, episode * agent, n_actions]`, without gradients.
    pub fn joint_action(
        self,
        batch: &EpisodeTensors,
        online: Tensor<3>,
        target: Tensor<3>,
    ) -> Tensor<3, Int> {
        batch.argmax_available(match self {
            Self::Target => target,
            Self::DoubleQ => online,
            Self::Minto => online.min_pair(target),
        })
    }

    /// Computes the bootstrap value of a joint action, `[row, column]`, from its values under the
    /// target and the online networks, both without gradients.
    pub fn value(
        self,
        joint_action: Tensor<3, Int>,
        target_value: impl Fn(Tensor<3, Int>) -> Tensor<2>,
        online_value: impl Fn(Tensor<3, Int>) -> Tensor<2>,
    ) -> Tensor<2> {
        match self {
            Self::Target | Self::DoubleQ => target_value(joint_action),
            Self::Minto => target_value(joint_action.clone()).min_pair(online_value(joint_action)),
        }
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::nn::device;
    use phalanx_core::rng::{Purpose, Rng};

    use super::super::QLearningSettings;
    use super::*;
    use crate::replay::EpisodeBatch;
    use crate::rollout::InputLayout;

    /// Returns the last step of an episode of two agents with three actions; the second agent's
    /// last action is unavailable.
    fn batch() -> EpisodeTensors {
        let inputs = InputLayout {
            obs_dim: 1,
            n_actions: 3,
            n_agents: 2,
            last_action: false,
            agent_id: false,
            frames: 1,
        };
        let batch = EpisodeBatch {
            time: 0,
            episodes: 1,
            input: vec![0.0; 2],
            state: vec![0.0],
            avail: vec![true, true, true, true, true, false],
            actions: vec![0; 2],
            steps: Vec::new(),
            agent_reward: Vec::new(),
            indices: vec![0],
            weights: vec![1.0],
        };
        let rng = Rng::stream(0, Purpose::Check, 0);
        let cpu = device("cpu").expect("the CPU is always available");
        EpisodeTensors::new(batch, inputs, &QLearningSettings::default(), 1, rng, &cpu)
    }

    /// Returns the joint action and its value under a rule if VDN mixes these utilities.
    fn bootstrap(rule: BootstrapRule) -> (Vec<i32>, f32) {
        let batch = batch();
        let tensor = |values: [f32; 6]| -> Tensor<3> {
            Tensor::<1>::from_floats(values, &batch.state.device()).reshape([1, 2, 3])
        };
        let online = tensor([1.0, 5.0, 2.0, 0.5, 1.0, 9.0]);
        let target = tensor([3.0, 1.5, 2.5, 2.0, -1.0, 9.0]);
        let best = rule.joint_action(&batch, online.clone(), target.clone());
        let actions = best.clone().into_data().try_into_vec::<i32>().expect("32-bit integers");
        let sum = |utilities: Tensor<3>| {
            let batch = batch.clone();
            move |actions| batch.gather(utilities.clone(), actions).sum_dim(1)
        };
        let value = rule.value(best, sum(target), sum(online));
        (actions, value.into_scalar())
    }

    #[test]
    fn the_target_networks_select_and_evaluate() {
        assert_eq!(bootstrap(BootstrapRule::Target), (vec![0, 0], 3.0 + 2.0));
    }

    #[test]
    fn double_q_learning_evaluates_what_the_online_networks_select() {
        assert_eq!(bootstrap(BootstrapRule::DoubleQ), (vec![1, 1], 1.5 - 1.0));
    }

    #[test]
    fn minto_selects_by_the_smaller_utility_and_takes_the_smaller_value() {
        // The smaller utilities are 1, 1.5, 2 and 0.5, -1; the joint action values there are 4.5
        // and 2.5.
        assert_eq!(bootstrap(BootstrapRule::Minto), (vec![2, 0], 2.0 + 0.5));
    }
}
