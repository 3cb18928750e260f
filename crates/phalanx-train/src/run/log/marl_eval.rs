//! `marl_eval.json`, the format of the evaluation tools by Gorsane et al. (2022).

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::renamed;
use crate::run::RunInfo;
use crate::run::evaluate::Evaluation;

/// An evaluation and its place in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedEvaluation {
    /// The environment steps before it.
    pub t_env: u64,
    /// The seconds of training before it.
    pub seconds: f64,
    /// The evaluation.
    pub evaluation: Evaluation,
}

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

    /// Creates the document of a run with its evaluations so far.
    pub(super) fn of(info: &RunInfo, seed: u64, evaluations: &[TimedEvaluation]) -> Self {
        let mut document = Self::new(&info.alg, &info.env, seed);
        for TimedEvaluation { t_env, seconds, evaluation } in evaluations {
            document.add(*t_env, *seconds, evaluation);
        }
        document
    }

    /// Returns whether `text` holds the evaluations of this document, perhaps with later ones.
    pub(super) fn is_beginning_of(&self, text: &[u8]) -> bool {
        let steps = |text: &[u8]| -> Option<Value> {
            let document: Value = serde_json::from_slice(text).ok()?;
            let seeds = &document[&self.environment][&self.task][&self.algorithm];
            Some(seeds[&format!("seed_{}", self.seed)].clone())
        };
        // Both are parsed, because decimal numbers may lose their last bits.
        let (ours, theirs) = (steps(self.json().as_bytes()), steps(text));
        let numbers = 0..self.steps.len();
        ours.zip(theirs).is_some_and(|(ours, theirs)| {
            numbers.map(|i| format!("step_{i}")).all(|step| ours[&step] == theirs[&step])
        })
    }

    /// Returns the evaluations of this run within its first `t_env` environment steps, as `document` has them, or if
    /// the one after `t_env` is `pending`, those before. States of earlier versions held no evaluations.
    pub(super) fn read(&self, document: &Value, t_env: u64, pending: bool) -> Vec<TimedEvaluation> {
        let seed = format!("seed_{}", self.seed);
        // The run may have begun under a former name of the algorithm.
        let is_ours = |name: &str| renamed::algorithm(name).unwrap_or(name) == self.algorithm;
        let algorithms = document[&self.environment][&self.task].as_object().into_iter().flatten();
        let ours = algorithms.filter(|(name, _)| is_ours(name));
        let steps = ours.filter_map(|(_, seeds)| seeds[&seed].as_object()).flat_map(Map::values);
        let mut evaluations: Vec<TimedEvaluation> = steps.filter_map(evaluation_of).collect();
        evaluations.retain(|it| it.t_env < t_env || (it.t_env == t_env && !pending));
        evaluations.sort_by_key(|it| it.t_env);
        evaluations
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

/// Reads a step of a document.
fn evaluation_of(step: &Value) -> Option<TimedEvaluation> {
    let numbers = |key: &str| -> Vec<f64> {
        step[key].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let returns = numbers("return");
    let mean = |key: &str| numbers(key).first().copied();
    let means = [
        ("test_return_mean", mean("mean_episode_return")),
        ("test_battle_won_mean", mean("win_rate").map(|percent| percent / 100.0)),
    ];
    let means = means.into_iter().filter_map(|(name, mean)| Some((name.to_owned(), mean?)));
    Some(TimedEvaluation {
        t_env: step["step_count"].as_u64()?,
        seconds: step["elapsed_time"].as_f64()?,
        evaluation: Evaluation {
            episodes: returns.len(),
            means: means.collect(),
            returns,
            crashes: 0,
        },
    })
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

    fn evaluation(mean: f64) -> Evaluation {
        Evaluation {
            episodes: 2,
            means: [("test_return_mean".to_owned(), mean)].into(),
            returns: vec![mean - 0.5, mean + 0.5],
            crashes: 0,
        }
    }

    fn evaluations(n: u64) -> Vec<TimedEvaluation> {
        let at = |i: u64| TimedEvaluation {
            t_env: 100 * i,
            seconds: i as f64,
            evaluation: evaluation(i as f64 / 3.0),
        };
        (0..n).map(at).collect()
    }

    fn run(alg: &str) -> RunInfo {
        RunInfo { alg: alg.to_owned(), env: "two_step".to_owned(), config: Default::default() }
    }

    #[test]
    fn evaluations_under_a_former_algorithm_name_are_kept() {
        let written = MarlEval::of(&run("mlp"), 1, &evaluations(13)).json();
        let document: Value = serde_json::from_str(&written).expect("JSON");
        let ours = MarlEval::new("unrestricted", "two_step", 1);
        let read = ours.read(&document, 1100, false);
        assert_eq!(read.iter().map(|it| it.t_env).max(), Some(1100));
        let again = MarlEval::of(&run("unrestricted"), 1, &read);
        let expected = MarlEval::of(&run("unrestricted"), 1, &evaluations(12));
        assert!(again.is_beginning_of(expected.json().as_bytes()));
        // A pending one is played again.
        assert_eq!(ours.read(&document, 1100, true).len(), 11);
    }

    #[test]
    fn every_changed_digit_of_an_evaluation_is_noticed_and_later_ones_do_not_matter() {
        let ours = MarlEval::of(&run("vdn"), 1, &evaluations(3));
        let longer = MarlEval::of(&run("vdn"), 1, &evaluations(5)).json();
        let longer = longer.as_bytes();
        assert!(ours.is_beginning_of(longer));
        let fourth = longer.windows(6).position(|part| part == b"step_3").expect("it is there");
        for (place, byte) in longer.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
            let mut changed = longer.to_vec();
            changed[place] = if *byte == b'9' { b'8' } else { byte + 1 };
            // The last of seventeen digits may not change the number.
            let same = serde_json::from_slice::<Value>(&changed).ok()
                == serde_json::from_slice::<Value>(longer).ok();
            let noticed = !ours.is_beginning_of(&changed);
            assert_eq!(noticed, place < fourth && !same, "byte {place}");
        }
        for damaged in [&b""[..], &longer[..longer.len() / 2], b"{}", b"[1]"] {
            assert!(!ours.is_beginning_of(damaged));
        }
    }

    #[test]
    fn the_steps_are_in_the_order_of_time_and_the_absolute_metrics_come_last() {
        let mut marl_eval = MarlEval::of(&run("vdn"), 1, &evaluations(13));
        marl_eval.set_absolute(&evaluation(1.5));
        let text = marl_eval.json();
        let place = |name: &str| text.find(&format!("\"{name}\"")).expect(name);
        let mut places: Vec<usize> = (0..13).map(|i| place(&format!("step_{i}"))).collect();
        places.push(place("absolute_metrics"));
        assert!(places.is_sorted(), "{text}");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let all = &document["two_step"]["two_step"]["vdn"]["seed_1"];
        assert_eq!(all["step_12"]["step_count"], 1200);
        // Every metric is in every step and among the absolute ones.
        let names = |step: &Value| {
            step.as_object().expect("metrics").keys().cloned().collect::<Vec<String>>()
        };
        assert_eq!(names(&all["step_3"]), names(&all["absolute_metrics"]));
        // A resumed run has no absolute metrics yet.
        let read = marl_eval.read(&document, 1100, false);
        assert_eq!(read.len(), 12);
        assert!(!MarlEval::of(&run("vdn"), 1, &read).json().contains("absolute_metrics"));
    }
}
