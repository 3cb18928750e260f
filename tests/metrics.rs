//! The metrics of runs, to compare runs with each other.

use std::fs;
use std::path::Path;

use phalanx::train::run::log::TIME_FIELDS;
use serde_json::Value;

/// Returns the lines of `metrics.jsonl` in the folder of a run, without the fields that depend on the
/// clock.
///
/// # Panics
///
/// Panics if the file is missing or a line is no JSON object.
pub fn metrics_without_times(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("the run wrote metrics");
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("every line is complete JSON");
        for field in TIME_FIELDS {
            line.as_object_mut().expect("every line is an object").remove(field);
        }
        line
    };
    text.lines().map(line).collect()
}
