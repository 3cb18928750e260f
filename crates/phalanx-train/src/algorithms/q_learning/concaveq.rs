//! ConcaveQ.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{ConcaveMixer, JointActionSearch, Mixer, SearchMethod};
use phalanx_core::settings::{Check, InvalidSetting, fields};
use serde::{Deserialize, Serialize};

use super::central_critic::CentralCritic;
use super::settings::QLearningSettings;

/// ConcaveQ: the joint action value is concave in the utilities. Training searches iteratively for
/// the best joint action, and local policies learn to choose it (Li et al. 2024, AAAI 38, arXiv
/// 2312.15555). For the loss, see its [`ValueFactorisation`](super::ValueFactorisation)
/// implementation in `concave_loss.rs`.
///
/// Where the paper is incomplete or contradicts itself, the defaults are the variants that learn,
/// and the literal versions are options: `first_layer = "absolute"`, `policy_loss = "literal"`.
/// Further options are ablations: `search = "greedy"` selects without iteration, `estimator =
/// "concave"` takes targets from the mixer itself, `acting = "utilities"` acts without policies, `w
/// = 1` disables the weighting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConcaveQ {
    /// The settings of Q-learning.
    #[serde(flatten)]
    pub learning: QLearningSettings,
    /// The mixing network.
    #[serde(flatten)]
    pub mixer: ConcaveMixer,
    /// The weight, at most one, of joint actions that the mixer overestimates.
    pub w: f64,
    /// The source of targets: the `unrestricted` estimator, or the `concave` mixer itself.
    pub estimator: Estimator,
    /// The width of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
    /// The method that searches for the best joint action: `iterative`, `single_deviation`,
    /// `exhaustive` or `greedy`.
    pub search: SearchMethod,
    /// The number of joint actions from which an iterative search starts.
    pub search_starts: usize,
    /// The largest number of passes over all agents.
    pub search_sweeps: usize,
    /// Whether the search also changes the actions of two agents at once if no single change
    /// improves the value.
    pub search_pairwise: bool,
    /// The acting networks: the local `policies`, or the `utilities`.
    pub acting: Acting,
    /// The loss of the policies: `safe` or `literal`.
    pub policy_loss: PolicyLoss,
    /// The weight of the values of single-agent deviations in the safe loss.
    pub policy_advantage_coef: f64,
    /// The weight of the selected actions' log-probability in the safe loss.
    pub policy_distil_coef: f64,
    /// The weight of the policies' entropy.
    pub entropy_coef: f64,
}

/// The source of targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// An unrestricted estimator with separate utilities.
    Unrestricted,
    /// The concave mixer.
    Concave,
}

/// The networks that choose actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acting {
    /// The local policies.
    Policies,
    /// The action with the largest utility.
    Utilities,
}

/// The loss of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyLoss {
    /// Uses the values of single-agent deviations from the selected joint action, and the
    /// log-probability of the selected actions.
    Safe,
    /// Uses the mixer's value of the expected utilities, with the entropy inside, as in equation
    /// (10).
    Literal,
}

impl Default for ConcaveQ {
    fn default() -> Self {
        Self {
            learning: QLearningSettings::default(),
            mixer: ConcaveMixer::default(),
            w: 0.5,
            estimator: Estimator::Unrestricted,
            central_mixing_embed_dim: 256,
            search: SearchMethod::Iterative,
            search_starts: 4,
            search_sweeps: 8,
            search_pairwise: false,
            acting: Acting::Policies,
            policy_loss: PolicyLoss::Safe,
            policy_advantage_coef: 1.0,
            policy_distil_coef: 1.0,
            entropy_coef: 0.01,
        }
    }
}

impl ConcaveQ {
    /// Returns the search for the best joint action.
    pub(super) fn selection(&self) -> JointActionSearch {
        JointActionSearch {
            method: self.search,
            sweeps: self.search_sweeps,
            starts: self.search_starts,
            pairwise: self.search_pairwise,
            deviations: self.acting == Acting::Policies && self.policy_loss == PolicyLoss::Safe,
        }
    }

    /// Returns the invalid settings, except for those of Q-learning.
    pub(super) fn invalid(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.all(self.mixer.validate());
        check.all(CentralCritic::validate(&self.learning, self.central_mixing_embed_dim));
        check.positive_share(fields!(self: w));
        check.at_least_one(fields!(self: search_starts, search_sweeps));
        check.not_negative(fields!(self: policy_advantage_coef, policy_distil_coef, entropy_coef));
        let scalar = self.mixer.utility_dim == 1;
        check.that(
            scalar || self.acting == Acting::Policies,
            "acting",
            "must be \"policies\" if utility_dim is above 1",
        );
        check.that(
            scalar || self.policy_loss == PolicyLoss::Safe,
            "policy_loss",
            "must be \"safe\" if utility_dim is above 1",
        );
        check.finish()
    }

    /// Returns the settings that are invalid for an environment.
    pub(super) fn invalid_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        let joint_actions = (spec.n_actions as f64).powi(spec.n_agents() as i32);
        check.that(
            self.search != SearchMethod::Exhaustive || joint_actions <= 1e5,
            "search",
            "cannot be \"exhaustive\": this environment has more than 100 000 joint actions",
        );
        check.finish()
    }
}
