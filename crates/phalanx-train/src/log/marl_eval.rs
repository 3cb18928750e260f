//! `marl_eval.json`, the format of the evaluation tools of Gorsane et al. (2022).

use serde_json::{Map, Value, json};

use crate::evaluate::Evaluation;

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
    /// No evaluations yet. The environment's identifier is split at its first slash into
    /// environment and task.
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

    /// Adds an evaluation after `t_env` environment steps and `seconds` of training.
    pub fn add(&mut self, t_env: u64, seconds: f64, evaluation: &Evaluation) {
        let mut step = json!({
            "step_count": t_env,
            // The tools expect time to begin at zero.
            "elapsed_time": if self.steps.is_empty() { 0.0 } else { seconds },
            "mean_episode_return": [evaluation.return_mean()],
            "return": evaluation.returns,
        });
        if let Some(won) = evaluation.battle_won_mean() {
            step["win_rate"] = json!([100.0 * won]);
        }
        self.steps.insert(format!("step_{}", self.steps.len()), step);
    }

    /// The whole document.
    pub fn json(&self) -> Value {
        let seed = format!("seed_{}", self.seed);
        json!({ &self.environment: { &self.task: { &self.algorithm: { seed: self.steps } } } })
    }
}
