//! Runs of a stranger: their checkpoints, saved states and logs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use phalanx::cli::Program;
use phalanx::prelude::*;

use super::program;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::edits;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::runs::{self, Files, RUNS};
use crate::reliability::hostile::target::{Answer, Target};

/// The targets `policy`, `run_folder` and `metrics`: the first line of an input names a run and what is done with
/// it, every other line is an [edit](super::super::edits) of a file.
///
/// | word | does |
/// |---|---|
/// | `player` | `Player::load`, and a step |
/// | `eval`, `init` | `phalanx eval RUN`, and `phalanx train … init_from=RUN --dry-run` |
/// | `trace` | `phalanx trace ENV --policy RUN` |
/// | `resume` | `phalanx train --resume RUN t_max=…`, a few iterations |
pub struct Damage {
    name: &'static str,
    share: u64,
    uses: &'static [&'static str],
    names: &'static [&'static str],
    folder: PathBuf,
    program: Program,
    runs: Mutex<BTreeMap<&'static str, Files>>,
}

const POLICY: &[&str] = &[
    "checkpoints/*/policy.json",
    "checkpoints/*/policy.json",
    "checkpoints/*/agent.safetensors",
    "checkpoints/*/networks.safetensors",
    "checkpoints/*/config.toml",
    "checkpoints/*/saved_as.json",
    "checkpoints/*/MANIFEST.json",
    "checkpoints/index.json",
];
const RUN_FOLDER: &[&str] = &[
    "config.toml",
    "run.json",
    "checkpoints/index.json",
    "state/*/agent.safetensors",
    "state/*/envs.bin",
    "state/*/envs.bin",
    "state/*/learner.bin",
    "state/*/learner.bin",
    "state/*/networks.safetensors",
    "state/*/optimizer.bin",
    "state/*/policy.json",
    "state/*/position.json",
    "state/*/replay.bin",
    "state/*/replay.bin",
    "state/*/rollout.bin",
    "state/*/run.json",
    "state/*/tally.bin",
    "state/*/target.safetensors",
    "state/*/test_envs.bin",
    "state/*/MANIFEST.json",
];
const METRICS: &[&str] = &[
    "metrics.jsonl",
    "marl_eval.json",
    "marl_eval.json",
    "tb/*",
    "tb/*",
    "log.txt",
    "state/*/position.json",
];

impl Damage {
    /// Returns the target of checkpoints.
    pub fn policy(runs: &Path) -> Self {
        Self::of(
            "policy",
            22,
            &["player", "player", "player", "eval", "init", "trace"],
            POLICY,
            runs,
        )
    }

    /// Returns the target of runs that are resumed.
    pub fn run_folder(runs: &Path) -> Self {
        Self::of("run_folder", 12, &["resume"], RUN_FOLDER, runs)
    }

    /// Returns the target of logs that are continued.
    pub fn metrics(runs: &Path) -> Self {
        Self::of("metrics", 6, &["resume"], METRICS, runs)
    }

    fn of(
        name: &'static str,
        share: u64,
        uses: &'static [&'static str],
        names: &'static [&'static str],
        runs: &Path,
    ) -> Self {
        let folder = runs.to_owned();
        Self {
            name,
            share,
            uses,
            names,
            folder,
            program: Program::builtin(),
            runs: Mutex::default(),
        }
    }

    /// Returns the files of a run.
    fn files(&self, run: &'static str) -> Files {
        let mut runs = self.runs.lock().expect("no other thread reads runs");
        runs.entry(run).or_insert_with(|| runs::read(&self.folder.join(run))).clone()
    }
}

impl Target for Damage {
    fn name(&self) -> &'static str {
        self.name
    }

    fn share(&self) -> u64 {
        self.share
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        if chance.one_in(10) {
            let input = chance.pick(corpus).clone();
            return nasty::scramble(chance, input);
        }
        let run = chance.pick(RUNS).name;
        let mut text = format!("{run} {}\n", chance.pick(self.uses));
        for _ in 0..*chance.pick(&[1, 1, 1, 2, 3]) {
            text += &line(chance, self.names);
            text.push('\n');
        }
        text.into_bytes()
    }

    fn answer(&self, input: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(input);
        let (head, lines) = text.split_once('\n').unwrap_or((&text, ""));
        let mut head = head.split(' ');
        let run = head.next().and_then(|name| RUNS.iter().find(|run| run.name == name));
        let run = run.unwrap_or(&RUNS[0]);
        let mut files = self.files(run.name);
        let resumes = self.uses.contains(&"resume");
        if !resumes {
            files.retain(|(path, _)| {
                path.starts_with("checkpoints") || path.ends_with("config.toml")
            });
        }
        let env = env_of(&files);
        edits::apply(&mut files, lines);
        runs::write(Path::new("run"), &files);
        let program = |words: &[&str]| program::run(&self.program, words);
        match head.next() {
            _ if resumes => program(&["train", "--resume", "run", run.more, "threads=1"]),
            Some("eval") => program(&["eval", "run", "--episodes", "1"]),
            Some("init") => program(&["train", "vdn", &env, "init_from=run", "--dry-run"]),
            Some("trace") => program(&["trace", &env, "--policy", "run", "--out", "trace.jsonl"]),
            _ => player(),
        }
    }
}

/// Loads the policy of the run and acts once.
fn player() -> Answer {
    let Ok(mut player) = Player::load("run") else { return Answer::Refused };
    player.begin();
    let obs = vec![0.5; player.n_agents() * player.obs_dim()];
    let avail = vec![true; player.n_agents() * player.n_actions()];
    Answer::from(&player.act(&obs, &avail))
}

/// Returns the environment of an undamaged run.
fn env_of(files: &Files) -> String {
    let config = files.iter().find(|(path, _)| path == Path::new("config.toml"));
    let text = config.map(|(_, data)| String::from_utf8_lossy(data)).unwrap_or_default();
    let table: phalanx::toml::Table = text.parse().unwrap_or_default();
    table.get("env").and_then(|env| env.as_str()).unwrap_or("two_step").to_owned()
}

/// Returns one edit of one of the files `names`.
fn line(chance: &mut Chance, names: &[&str]) -> String {
    const HEX: &[&str] = &[
        "ff",
        "00",
        "01",
        "7f",
        "80",
        "ffffffffffffffffff01",
        "ffffffffffffffff7f",
        "ffffffff0f",
        "0000c07f",
        "0000807f",
        "000080ff",
        "ffff7f7f",
        "00000000",
        "ffffffff",
        "01000000",
        "80808001",
    ];
    const SETTINGS: &[&str] = &[
        "lr",
        "gamma",
        "batch_size_run",
        "buffer_size",
        "rnn_hidden_dim",
        "seed",
        "env_args.episode_limit",
        "rollout_steps",
        "encoder",
        "optimizer",
        "rnn",
        "alg",
        "env",
        "log_interval",
        "test_interval",
        "save_model_interval",
        "batch_size",
        "n_step",
        "td_lambda",
        "buffer_mem",
        "epsilon_anneal_time",
    ];
    let name = *chance.pick(names);
    let at = chance.below(1 << 24);
    if names.contains(&"config.toml") && chance.one_in(8) {
        let value = nasty::value(chance);
        // To ask for hours of work, or for much memory, is no breach.
        let large = value.parse::<f64>().is_ok_and(|number| number > 1000.0);
        let value = if large || value.len() > 20 { "1" } else { &value };
        return format!("setting {} {value}", chance.pick(SETTINGS));
    }
    let binary = |chance: &mut Chance| match chance.below(7) {
        0 | 1 => format!("bytes {name} {at} {:02x}", chance.below(256)),
        2 | 3 => format!("bytes {name} {at} {}", chance.pick(HEX)),
        4 => format!("insert {name} {at} {}", chance.pick(HEX)),
        5 => format!("delete {name} {at} {}", 1 + chance.below(12)),
        _ => format!("cut {name} {at}"),
    };
    match chance.below(24) {
        0 => return format!("remove {name}"),
        1 => return format!("text {name} {}", nasty::json(chance)),
        2 => return binary(chance),
        _ => {}
    }
    match name.rsplit('.').next() {
        Some("json") => format!("json {name} #{at} {}", nasty::json(chance)),
        Some("jsonl" | "toml" | "txt") => {
            let value = nasty::value(chance);
            format!("line {name} {at} {value}")
        }
        Some("safetensors") => match chance.below(4) {
            0 => format!(
                "length {name} {}",
                chance.pick(&[
                    "0",
                    "1",
                    "8",
                    "9223372036854775808",
                    "18446744073709551615",
                    "100000000"
                ])
            ),
            1 => binary(chance),
            _ => format!("tensor {name} #{at} {}", nasty::json(chance)),
        },
        _ => binary(chance),
    }
}
