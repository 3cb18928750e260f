//! `marl_eval.json`, the format of the evaluation tools by Gorsane et al. (2022).

use serde_json::{Map, Value, json};

use crate::config::renamed;
use crate::run::evaluate::Evaluation;

/// The evaluations of one run, nested as `environment / task / algorithm / seed / step`.
#[derive(Clone, Debug)]
pub struct MarlEval {
    environment: String,
    task: String,
    algorithm: String,
    seed: u64,
    steps: Map<String, Value>,
}

impl MarlEval {
    /// Creates an empty document. The environment's id is split at its first slash into environment and
    /// task.
    pub fn new(algorithm: &str, env: &str, seed: u64) -> Self {
        let (environment, task) = env.split_once('/').unwrap_or((env, env));
        Self {
            environment: environment.to_owned(),
            task: task.to_owned(),
            algorithm: algorithm.to_owned(),
            seed,
            steps: Map::new(),
        }
    }

    /// Restores the evaluations within the first `t_env` environment steps from `document`, written by
    /// [`MarlEval::json`] of the same run.
    pub fn restore(&mut self, document: &Value, t_env: u64) {
        let seed = format!("seed_{}", self.seed);
        // The run may have begun under a former name of the algorithm.
        let is_ours = |name: &str| renamed::algorithm(name).unwrap_or(name) == self.algorithm;
        let algorithms = document[&self.environment][&self.task].as_object().into_iter().flatten();
        let ours = algorithms.filter(|(name, _)| is_ours(name));
        let within = |step: &&Value| step["step_count"].as_u64().is_some_and(|at| at <= t_env);
        let steps = ours.filter_map(|(_, seeds)| seeds[&seed].as_object()).flat_map(Map::values);
        let mut steps: Vec<Value> = steps.filter(within).cloned().collect();
        // The names are sorted as text, with step_10 before step_2.
        steps.sort_by_key(|step| step["step_count"].as_u64());
        let named = steps.into_iter().enumerate();
        self.steps = named.map(|(i, step)| (format!("step_{i}"), step)).collect();
    }

    /// Adds an evaluation after `t_env` environment steps and `seconds` of training.
    pub fn add(&mut self, t_env: u64, seconds: f64, evaluation: &Evaluation) {
        let mut step = json!({
            "step_count": t_env,
            // The tools expect time to start at zero.
            "elapsed_time": if self.steps.is_empty() { 0.0 } else { seconds },
            "mean_episode_return": [evaluation.return_mean()],
            "return": evaluation.returns,
        });
        if let Some(won) = evaluation.battle_won_mean() {
            step["win_rate"] = json!([100.0 * won]);
        }
        self.steps.insert(format!("step_{}", self.steps.len()), step);
    }

    /// Returns the document.
    pub fn json(&self) -> Value {
        let seed = format!("seed_{}", self.seed);
        json!({ &self.environment: { &self.task: { &self.algorithm: { seed: self.steps } } } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_under_a_former_algorithm_name_are_kept() {
        let evaluations = json!({ "step_0": { "step_count": 0 }, "step_1": { "step_count": 10 } });
        let of =
            |alg: &str| json!({ "two_step": { "two_step": { alg: { "seed_1": evaluations } } } });
        let mut marl_eval = MarlEval::new("unrestricted", "two_step", 1);
        marl_eval.restore(&of("mlp"), 10);
        assert_eq!(marl_eval.json(), of("unrestricted"));
    }
}
