//! ConcaveQ.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    ConcaveConfig, Convex, FirstLayer, JointActionSearch, SearchMethod, UnrestrictedConfig,
};
use serde::{Deserialize, Serialize};
use toml::Table;

use super::concave_loss::ConcaveLoss;
use super::learner::ReplayLearner;
use super::settings::{QLearning, unit};
use crate::algorithms::{Algorithm, Learner, Setup, settings};
use crate::config::Problem;

/// The joint action value is concave in the utilities; the best joint action is found by iterative
/// selection while learning, and local policies learn to play it (Li et al. 2024, AAAI 38, arXiv
/// 2312.15555).
///
/// Where the paper is silent or contradicts itself, the defaults are what works, and the paper's
/// words are options: `first_layer = "absolute"`, `policy_loss = "literal"`. Ablations are options
/// too: `search = "greedy"` selects without iteration, `estimator = "concave"` takes targets from
/// the mixer itself, `acting = "utilities"` plays without policies, `w = 1` learns without weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConcaveQ {
    /// The settings of value learning.
    #[serde(flatten)]
    pub learning: QLearning,
    /// The width of the mixing network.
    pub mixing_embed_dim: usize,
    /// The width of the hypernetworks.
    pub hypernet_embed: usize,
    /// The number of layers of the hypernetworks, 1 or 2.
    pub hypernet_layers: usize,
    /// The number of utilities of an action.
    pub utility_dim: usize,
    /// The convex function in the mixing network: `relu`, `leaky_relu`, `softplus` or `elu`.
    pub activation: ConvexName,
    /// The weights of the first layer: `signed`, or `absolute`.
    pub first_layer: FirstLayerName,
    /// The weight, at most one, of joint actions that the mixer values above their target.
    pub w: f64,
    /// Where targets come from: the `unrestricted` estimator, or the `concave` mixer itself.
    pub estimator: Estimator,
    /// The width of the unrestricted estimator.
    pub central_mixing_embed_dim: usize,
    /// How the best joint action is looked for: `iterative`, `single_deviation`, `exhaustive` or
    /// `greedy`.
    pub search: SearchName,
    /// The number of joint actions from which an iterative search starts.
    pub search_starts: usize,
    /// The most times that it goes through all agents.
    pub search_sweeps: usize,
    /// Whether pairs of agents change together where no agent alone can gain.
    pub search_pairwise: bool,
    /// Who plays: the local `policies`, or the `utilities`.
    pub acting: Acting,
    /// What policies learn by: `safe`, or `literal`.
    pub policy_loss: PolicyLoss,
    /// The weight of the values of single deviations in the safe loss.
    pub policy_advantage_coef: f64,
    /// The weight of the selected actions' log-probability in the safe loss.
    pub policy_distil_coef: f64,
    /// The weight of the policies' entropy.
    pub entropy_coef: f64,
}

/// A convex, non-decreasing function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvexName {
    /// `max(x, 0)`.
    Relu,
    /// `max(x, 0.01 x)`.
    LeakyRelu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x` above zero, `exp(x) - 1` below.
    Elu,
}

/// The sign of the first layer's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstLayerName {
    /// Any.
    Signed,
    /// Non-negative, as the paper's text has it: the joint action value then never rises with any
    /// utility.
    Absolute,
}

/// Where targets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// An unrestricted estimator with utilities of its own.
    Unrestricted,
    /// The concave mixer.
    Concave,
}

/// How the best joint action is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchName {
    /// Agents change one after the other, until none can gain.
    Iterative,
    /// The best of all joint actions that differ from the policies' in one agent.
    SingleDeviation,
    /// All joint actions; for small teams.
    Exhaustive,
    /// Each agent's largest utility, without a search.
    Greedy,
}

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acting {
    /// The local policies.
    Policies,
    /// The action with the largest utility.
    Utilities,
}

/// What policies learn by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyLoss {
    /// The values of single deviations from the selected joint action, and the selected actions.
    Safe,
    /// The mixer's value of the expected utilities with the entropy inside, as in equation (10).
    Literal,
}

impl Default for ConcaveQ {
    fn default() -> Self {
        let mixer = ConcaveConfig::default();
        Self {
            learning: QLearning::default(),
            mixing_embed_dim: mixer.embed_dim,
            hypernet_embed: mixer.hypernet_embed,
            hypernet_layers: mixer.hypernet_layers,
            utility_dim: mixer.utility_dim,
            activation: ConvexName::Relu,
            first_layer: FirstLayerName::Signed,
            w: 0.5,
            estimator: Estimator::Unrestricted,
            central_mixing_embed_dim: UnrestrictedConfig::default().embed_dim,
            search: SearchName::Iterative,
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
    fn mixer(&self) -> ConcaveConfig {
        ConcaveConfig {
            embed_dim: self.mixing_embed_dim,
            hypernet_embed: self.hypernet_embed,
            hypernet_layers: self.hypernet_layers,
            utility_dim: self.utility_dim,
            activation: match self.activation {
                ConvexName::Relu => Convex::Relu,
                ConvexName::LeakyRelu => Convex::LeakyRelu,
                ConvexName::Softplus => Convex::Softplus,
                ConvexName::Elu => Convex::Elu,
            },
            first_layer: match self.first_layer {
                FirstLayerName::Signed => FirstLayer::Signed,
                FirstLayerName::Absolute => FirstLayer::Absolute,
            },
        }
    }

    fn selection(&self) -> JointActionSearch {
        JointActionSearch {
            method: match self.search {
                SearchName::Iterative => SearchMethod::Iterative,
                SearchName::SingleDeviation => SearchMethod::SingleDeviation,
                SearchName::Exhaustive => SearchMethod::Exhaustive,
                SearchName::Greedy => SearchMethod::Greedy,
            },
            sweeps: self.search_sweeps,
            starts: self.search_starts,
            pairwise: self.search_pairwise,
            deviations: self.acting == Acting::Policies && self.policy_loss == PolicyLoss::Safe,
        }
    }
}

impl Algorithm for ConcaveQ {
    fn id(&self) -> &'static str {
        "concaveq"
    }

    fn table(&self) -> Table {
        settings(self)
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = self.learning.problems();
        let mut check = |holds, key, reason| Problem::unless(&mut problems, holds, key, reason);
        check(self.mixing_embed_dim > 0, "mixing_embed_dim", "must be at least 1");
        check(self.hypernet_embed > 0, "hypernet_embed", "must be at least 1");
        check(matches!(self.hypernet_layers, 1 | 2), "hypernet_layers", "must be 1 or 2");
        check(self.utility_dim > 0, "utility_dim", "must be at least 1");
        check(unit(self.w) && self.w > 0.0, "w", "must lie in (0, 1]");
        let central = self.central_mixing_embed_dim > 0;
        check(central, "central_mixing_embed_dim", "must be at least 1");
        check(self.search_starts > 0, "search_starts", "must be at least 1");
        check(self.search_sweeps > 0, "search_sweeps", "must be at least 1");
        let scalar = self.utility_dim == 1;
        check(
            scalar || self.acting == Acting::Policies,
            "acting",
            "must be \"policies\" where an action has several utilities",
        );
        check(
            scalar || self.policy_loss == PolicyLoss::Safe,
            "policy_loss",
            "must be \"safe\" where an action has several utilities",
        );
        check(self.policy_advantage_coef >= 0.0, "policy_advantage_coef", "must not be negative");
        check(self.policy_distil_coef >= 0.0, "policy_distil_coef", "must not be negative");
        check(self.entropy_coef >= 0.0, "entropy_coef", "must not be negative");
        problems
    }

    fn problems_in(&self, spec: &EnvSpec) -> Vec<Problem> {
        let mut problems = self.learning.problems_in(spec, true);
        let joint = (spec.n_actions as f64).powi(spec.n_agents() as i32);
        Problem::unless(
            &mut problems,
            self.search != SearchName::Exhaustive || joint <= 1e5,
            "search",
            "cannot be \"exhaustive\": there are more than 100 000 joint actions here",
        );
        problems
    }

    fn learner(&self, setup: &Setup) -> Box<dyn Learner> {
        let loss = ConcaveLoss {
            settings: self.clone(),
            mixer: self.mixer(),
            central: UnrestrictedConfig { embed_dim: self.central_mixing_embed_dim },
            selection: self.selection(),
        };
        Box::new(ReplayLearner::new(loss, &self.learning, setup))
    }
}
