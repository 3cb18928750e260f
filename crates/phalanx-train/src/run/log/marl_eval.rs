//! `marl_eval.json`, the format of the evaluation tools by Gorsane et al. (2022).

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use crate::config::renamed;
use crate::run::evaluate::Evaluation;

/// The evaluations of one run, nested as `environment / task / algorithm / seed / step`. The tools read the steps in the
/// order of the file, which is therefore that of time.
#[derive(Clone, Debug)]
pub struct MarlEval {
    environment: String,
    task: String,
    algorithm: String,
    seed: u64,
    steps: Vec<Value>,
    /// The metrics of the best policy of a finished run.
    absolute: Option<Value>,
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
            steps: Vec::new(),
            absolute: None,
        }
    }

    /// Restores the evaluations within the first `t_env` environment steps from `document`, written by
    /// [`MarlEval::json`] of the same run, or if the one after `t_env` is `pending`, those before. The absolute metrics belong to the end of a run and are left out.
    pub fn restore(&mut self, document: &Value, t_env: u64, pending: bool) {
        let seed = format!("seed_{}", self.seed);
        // The run may have begun under a former name of the algorithm.
        let is_ours = |name: &str| renamed::algorithm(name).unwrap_or(name) == self.algorithm;
        let algorithms = document[&self.environment][&self.task].as_object().into_iter().flatten();
        let ours = algorithms.filter(|(name, _)| is_ours(name));
        let within = |step: &&Value| {
            let at = step["step_count"].as_u64();
            at.is_some_and(|at| at < t_env || (at == t_env && !pending))
        };
        let steps = ours.filter_map(|(_, seeds)| seeds[&seed].as_object()).flat_map(Map::values);
        self.steps = steps.filter(within).cloned().collect();
        self.steps.sort_by_key(|step| step["step_count"].as_u64());
    }

    /// Adds an evaluation after `t_env` environment steps and `seconds` of training.
    pub fn add(&mut self, t_env: u64, seconds: f64, evaluation: &Evaluation) {
        let mut step = metrics(evaluation);
        step["step_count"] = t_env.into();
        // The tools expect time to start at zero.
        step["elapsed_time"] = if self.steps.is_empty() { 0.0.into() } else { json!(seconds) };
        self.steps.push(step);
    }

    /// Sets the absolute metrics: those of the best policy over ten times the episodes of an evaluation.
    pub fn set_absolute(&mut self, evaluation: &Evaluation) {
        let mut absolute = metrics(evaluation);
        // The tools want the same names in every step.
        let last = self.steps.last();
        absolute["step_count"] = last.map_or(0.into(), |step| step["step_count"].clone());
        absolute["elapsed_time"] = last.map_or(0.0.into(), |step| step["elapsed_time"].clone());
        self.absolute = Some(absolute);
    }

    /// Returns the document, with the steps in the order of time.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and names are plain")
    }
}

/// Returns the metrics of an evaluation.
fn metrics(evaluation: &Evaluation) -> Value {
    let mut step = json!({
        "mean_episode_return": [evaluation.return_mean()],
        "return": evaluation.returns,
    });
    if let Some(won) = evaluation.battle_won_mean() {
        step["win_rate"] = json!([100.0 * won]);
    }
    step
}

impl Serialize for MarlEval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |name: &str, inner| Nested { name: name.to_owned(), inner };
        let seed = one(&format!("seed_{}", self.seed), Inner::Steps(self));
        let algorithm = one(&self.algorithm, Inner::Nested(&seed));
        let task = one(&self.task, Inner::Nested(&algorithm));
        one(&self.environment, Inner::Nested(&task)).serialize(serializer)
    }
}

/// An object with one entry.
struct Nested<'a> {
    name: String,
    inner: Inner<'a>,
}

enum Inner<'a> {
    Nested(&'a Nested<'a>),
    Steps(&'a MarlEval),
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(&self.name, &self.inner)])
    }
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nested(nested) => nested.serialize(serializer),
            Self::Steps(of) => {
                let mut map = serializer.serialize_map(None)?;
                for (number, step) in of.steps.iter().enumerate() {
                    map.serialize_entry(&format!("step_{number}"), step)?;
                }
                if let Some(absolute) = &of.absolute {
                    map.serialize_entry("absolute_metrics", absolute)?;
                }
                map.end()
            }
        }
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
        marl_eval.restore(&of("mlp"), 10, false);
        assert_eq!(marl_eval.json(), of("unrestricted").to_string());
    }

    #[test]
    fn the_steps_are_in_the_order_of_time_and_the_absolute_metrics_come_last() {
        let evaluation = Evaluation {
            episodes: 2,
            means: [("test_return_mean".to_owned(), 1.5)].into(),
            returns: vec![1.0, 2.0],
            crashes: 0,
        };
        let mut marl_eval = MarlEval::new("vdn", "two_step", 1);
        (0..13).for_each(|i| marl_eval.add(100 * i, i as f64, &evaluation));
        marl_eval.set_absolute(&evaluation);
        let check = |text: &str, steps: usize, absolute: bool| {
            let place = |name: &str| text.find(&format!("\"{name}\"")).expect(name);
            let mut places: Vec<usize> = (0..steps).map(|i| place(&format!("step_{i}"))).collect();
            if absolute {
                places.push(place("absolute_metrics"));
            }
            assert!(places.is_sorted(), "{text}");
            assert_eq!(text.contains("absolute_metrics"), absolute);
        };
        check(&marl_eval.json(), 13, true);
        let document: Value = serde_json::from_str(&marl_eval.json()).expect("JSON");
        let all = &document["two_step"]["two_step"]["vdn"]["seed_1"];
        assert_eq!(all["step_12"]["step_count"], 1200);
        // Every metric is in every step and among the absolute ones.
        let names = |step: &Value| {
            step.as_object().expect("metrics").keys().cloned().collect::<Vec<String>>()
        };
        assert_eq!(names(&all["step_3"]), names(&all["absolute_metrics"]));
        // A resumed run has no absolute metrics yet.
        marl_eval = MarlEval::new("vdn", "two_step", 1);
        marl_eval.restore(&document, 1100, false);
        check(&marl_eval.json(), 12, false);
        marl_eval.restore(&document, 1100, true);
        check(&marl_eval.json(), 11, false);
    }
}
