//! Short runs of the program, for harnesses that interrupt and damage them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::outcome::Outcome;

/// The algorithms of [`cases`].
pub const ALGORITHMS: [&str; 6] = ["qmix", "concaveq", "ippo", "mappo", "happo", "pqn_vdn"];
/// The environments of [`cases`].
pub const ENVIRONMENTS: [&str; 4] =
    ["predator_prey", "skirmish/3m", "smax/3m", "football/academy_empty_goal"];

/// Intervals so short that a run of some hundred steps evaluates, logs and saves several times.
const INTERVALS: [&str; 5] = [
    "test_interval=100",
    "log_interval=50",
    "save_state_interval=40",
    "save_model_interval=200",
    "test_nepisode=2",
];

/// A short run: an algorithm, an environment and settings.
#[derive(Clone, Debug)]
pub struct Case {
    /// The algorithm.
    pub alg: &'static str,
    /// The environment.
    pub env: &'static str,
    /// Assignments `key=value`.
    pub settings: Vec<String>,
}

/// Returns all pairs of six algorithms and four environments.
pub fn cases() -> Vec<Case> {
    let pairs = |env| ALGORITHMS.map(|alg| Case::new(alg, env));
    ENVIRONMENTS.into_iter().flat_map(pairs).collect()
}

impl Case {
    /// Returns a run of about 400 steps that saves its state ten times and takes about 100 milliseconds.
    pub fn new(alg: &'static str, env: &'static str) -> Self {
        let sizes: &[&str] = match alg {
            "qmix" | "concaveq" | "vdn" | "iql" | "qplex" => {
                &["batch_size=4", "buffer_size=16", "batch_size_run=2", "rnn_hidden_dim=8"]
            }
            "dqn" => &["batch_size=8", "buffer_size=64", "batch_size_run=2"],
            "ippo" | "mappo" | "happo" => {
                &["batch_size_run=4", "rollout_steps=8", "data_chunk_length=0", "rnn_hidden_dim=8"]
            }
            _ => &["batch_size_run=4", "rollout_steps=8", "rnn_hidden_dim=8"],
        };
        let short: &[&str] = match env {
            "predator_prey" => &["env_args.episode_limit=25"],
            _ => &[],
        };
        let all = INTERVALS.iter().chain(sizes).chain(short).chain(&["threads=1", "t_max=400"]);
        Self { alg, env, settings: all.map(|&setting| setting.to_owned()).collect() }
    }

    /// Returns the algorithm and the environment.
    pub fn name(&self) -> String {
        format!("{} on {}", self.alg, self.env)
    }

    /// Returns the folder of the run below `results`.
    pub fn folder(&self, results: &Path) -> PathBuf {
        results.join(self.alg).join(self.env).join("seed_1")
    }

    /// Returns the command that begins the run, or begins it anew.
    pub fn train(&self, program: &Path, results: &Path) -> Command {
        let mut command = quiet(program);
        command.args(["train", self.alg, self.env]).args(&self.settings).arg("--overwrite");
        command.arg(format!("results_dir={}", results.display()));
        command
    }

    /// Runs it without interruption and returns what it leaves and how long it takes.
    ///
    /// # Errors
    ///
    /// Returns an error if the run fails.
    pub fn undisturbed(&self, program: &Path, results: &Path) -> io::Result<(Outcome, Duration)> {
        let began = Instant::now();
        let output = self.train(program, results).output()?;
        succeeded(&self.name(), &output)?;
        Ok((Outcome::read(&self.folder(results))?, began.elapsed()))
    }

    /// Returns what a user would do next with the run.
    pub fn next(&self, results: &Path) -> Next {
        let run = self.folder(results);
        let saved = newest_state(&run);
        let description = fs::read(run.join("run.json")).unwrap_or_default();
        let description: Value = serde_json::from_slice(&description).unwrap_or_default();
        match saved {
            _ if description.get("ended").is_some() => Next::Finished,
            Some(step) => Next::Resume { step },
            None => Next::Begin,
        }
    }
}

/// What to do with a run that was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing was saved: begin.
    Begin,
    /// Resume it from its saved state.
    Resume {
        /// The environment steps of the newest state.
        step: u64,
    },
    /// It has finished.
    Finished,
}

/// Returns the command that resumes a run.
pub fn resume(program: &Path, run: &Path) -> Command {
    let mut command = quiet(program);
    command.args(["train", "--resume"]).arg(run);
    command
}

/// Returns the command that plays two episodes with a run's policy and prints the result.
pub fn eval(program: &Path, run: &Path) -> Command {
    let mut command = quiet(program);
    command.args(["eval", "--episodes", "2", "--json"]).arg(run);
    command
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns an error with the last line of the messages unless a process ended well.
///
/// # Errors
///
/// Returns an error that names `what`.
pub fn succeeded(what: &str, output: &Output) -> io::Result<()> {
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "{what}: {}: {}",
            output.status,
            last_line(&output.stderr)
        ))),
    }
}

/// Returns the last line of some messages.
pub fn last_line(messages: &[u8]) -> String {
    let text = String::from_utf8_lossy(messages);
    text.lines().rfind(|line| !line.is_empty()).unwrap_or("(no message)").to_owned()
}

/// Returns the environment steps of the newest saved state of a run.
pub fn newest_state(run: &Path) -> Option<u64> {
    let entries = fs::read_dir(run.join("state")).ok()?;
    let step = |entry: io::Result<fs::DirEntry>| -> Option<u64> {
        entry.ok()?.file_name().to_str()?.strip_prefix("step_")?.parse().ok()
    };
    entries.filter_map(step).max()
}
