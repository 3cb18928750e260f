//! The keys and values of configurations, and what the program does with them.

use std::collections::BTreeMap;

use phalanx::cli::Program;
use phalanx::toml::{Table, Value};
use phalanx::train::config::ConfigBuilder;

use super::play::play;
use super::program;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::Answer;

/// All keys of the program, with words that are values of some of them.
pub(super) struct Settings {
    pub(super) program: Program,
    /// The keys of each algorithm, and those of every run.
    keys: BTreeMap<String, Vec<String>>,
    /// The texts that are the value of a key somewhere, by key.
    texts: BTreeMap<String, Vec<String>>,
    algs: Vec<String>,
    envs: Vec<String>,
}

/// How far an input goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The configuration, and an environment that is played for a few steps.
    Configuration,
    /// `--dry-run`, which also makes the networks.
    DryRun,
    /// The first steps of training.
    Train,
}

/// Words that are values of keys, but of no default.
const TEXTS: &[(&str, &str)] = &[
    ("optimizer", "rmsprop"),
    ("optimizer", "adam"),
    ("rnn", "lstm"),
    ("rnn", "rnn"),
    ("rnn", "gru"),
    ("parameter_sharing", "none"),
    ("buffer_precision", "f16"),
    ("qmix_pos_func", "softplus"),
    ("qmix_pos_func", "quadratic"),
    ("target_update", "updates"),
    ("target_update", "soft"),
    ("overlap_rollouts", "always"),
    ("overlap_rollouts", "never"),
    ("lr_schedule", "linear"),
    ("lr_schedule", "cosine"),
    ("lr_schedule", "custom"),
    ("activation", "tanh"),
    ("activation", "relu"),
    ("graph", "nearest"),
    ("graph", "radius"),
    ("readout", "mean"),
    ("readout", "max"),
];
/// Keys that may ask for hours of work, and the largest value of them that is tried.
const WORK: &[(&str, u64)] = &[
    ("t_max", 2000),
    ("test_nepisode", 4),
    ("epochs", 8),
    ("updates_per_rollout", 4),
    ("batch_size", 1000),
    ("rollout_steps", 200),
    ("batch_size_run", 64),
    ("num_mini_batch", 64),
    ("threads", 8),
    ("train_interval", 64),
    ("n_step", 64),
    ("step_mul", 64),
    ("obs_frames", 8),
    ("burn_in", 64),
    ("search_iterations", 8),
    ("iterations", 8),
    ("rnn_hidden_dim", 256),
    ("hidden_dim", 256),
    ("layers", 4),
    ("width", 128),
];

impl Settings {
    pub(super) fn new() -> Self {
        let program = Program::builtin();
        let mut keys = BTreeMap::new();
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut add = |key: &str, text: &str| {
            texts.entry(key.to_owned()).or_default().push(text.to_owned());
        };
        for entry in program.algorithms.iter() {
            let table = entry.all_defaults();
            texts_of(&table).for_each(|(key, text)| add(key, text));
            keys.insert(entry.id.to_owned(), table.keys().cloned().collect());
        }
        let mut encoder_keys = Vec::new();
        for entry in program.encoders.iter() {
            let table = entry.defaults();
            texts_of(&table).for_each(|(key, text)| add(key, text));
            encoder_keys.extend(table.keys().map(|key| format!("encoder_args.{key}")));
            add("encoder", entry.id);
        }
        encoder_keys.sort();
        encoder_keys.dedup();
        keys.insert(String::new(), encoder_keys);
        for (key, text) in TEXTS {
            add(key, text);
        }
        let algs = program.algorithms.iter().map(|entry| entry.id.to_owned()).collect();
        let mut envs = Vec::new();
        for entry in program.environments.iter() {
            envs.push(entry.id.clone());
            for argument in entry.arguments {
                // The allowed words are quoted.
                let words = argument.allowed.split('"').skip(1).step_by(2);
                words.for_each(|word| add(argument.key, word));
            }
        }
        Self { program, keys, texts, algs, envs }
    }

    /// Returns an algorithm and an environment; the cheap ones more often.
    pub(super) fn names(&self, chance: &mut Chance) -> (&str, &str) {
        const CHEAP: &[&str] =
            &["two_step", "predator_prey", "matrix/custom", "k_step", "skirmish/3m", "smax/3m"];
        let env = match chance.one_in(2) {
            true => chance.pick(CHEAP),
            false => chance.pick(&self.envs).as_str(),
        };
        (chance.pick(&self.algs[..]).as_str(), env)
    }

    /// Returns a key of the run, the algorithm, the environment or an encoder, or none of them.
    pub(super) fn key(&self, chance: &mut Chance, alg: &str, env: &str) -> String {
        let arguments = self.program.environments.get(env).map_or(&[][..], |entry| entry.arguments);
        match chance.below(20) {
            0 => (*chance.pick(&[
                "",
                "a",
                "env",
                "alg",
                "env_args",
                "encoder_args",
                "env_args.",
                "a.b",
                "\u{202e}",
            ]))
            .to_owned(),
            1..=3 => chance.pick(&self.keys[""]).clone(),
            4..=11 if !arguments.is_empty() => format!("env_args.{}", chance.pick(arguments).key),
            _ => self.keys.get(alg).map_or_else(String::new, |keys| chance.pick(keys).clone()),
        }
    }

    /// Returns a value for a key, right or wrong.
    pub(super) fn value(&self, chance: &mut Chance, key: &str) -> String {
        let texts = self.texts.get(key.rsplit('.').next().unwrap_or(key));
        match texts.filter(|_| !chance.one_in(3)) {
            Some(texts) => format!("\"{}\"", chance.pick(texts)),
            None => nasty::value(chance),
        }
    }

    /// Returns how far an input shall go.
    pub(super) fn depth(chance: &mut Chance) -> Depth {
        match chance.below(128) {
            0 => Depth::Train,
            1..=3 => Depth::DryRun,
            _ => Depth::Configuration,
        }
    }

    /// Does what `phalanx train ALG ENV SETTINGS` does, as far as `depth`.
    pub(super) fn answer(&self, alg: &str, env: &str, settings: &[&str], depth: Depth) -> Answer {
        let configured = self.configured(alg, env, settings);
        let Some(config) = configured else { return Answer::Refused };
        if depth == Depth::Configuration {
            return Answer::Accepted;
        }
        let mut words = vec!["train", alg, env];
        words.extend(settings);
        if depth == Depth::DryRun || asks_for_hours(&config) {
            words.push("--dry-run");
        } else {
            words.extend(["t_max=1", "test_nepisode=1", "results_dir=out", "--overwrite"]);
            words.extend(["save_state_interval=1", "--json"]);
        }
        program::run(&self.program, &words)
    }

    /// Returns the configuration, if it is valid and its environment, which is played a little, can be made.
    fn configured(&self, alg: &str, env: &str, settings: &[&str]) -> Option<Table> {
        let Program { algorithms, encoders, environments } = &self.program;
        let arguments = environments.get(env).map_or(&[][..], |entry| entry.arguments);
        let mut builder = ConfigBuilder::new(algorithms.get(alg).ok()?)
            .encoders(encoders.clone())
            .for_env(env)
            .environments(environments.iter().map(|entry| entry.id.as_str()))
            .env_arguments(arguments.iter().map(|argument| argument.key));
        for setting in settings {
            builder.setting(setting).map_err(|error| error.to_string()).ok()?;
        }
        let resolved = builder.resolved();
        let _ = (resolved.to_toml(), resolved.to_json());
        let (config, algorithm) = builder.finish().map_err(|error| error.to_string()).ok()?;
        let factory =
            environments.factory(env, &config.env_args).map_err(|error| error.to_string()).ok()?;
        play(&mut *factory(), 3);
        let mut table = Table::try_from(config).expect("a configuration is plain data");
        table.extend(algorithm.table());
        Some(table)
    }
}

/// Returns the texts of a table with their keys.
fn texts_of(table: &Table) -> impl Iterator<Item = (&str, &str)> {
    table.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// Returns whether training with a configuration, valid as it may be, takes longer than an input may.
fn asks_for_hours(config: &Table) -> bool {
    let of = |table: &Table| {
        WORK.iter().any(|(key, most)| {
            let number = table.get(*key).and_then(Value::as_integer);
            *key != "t_max" && number.is_some_and(|number| number as u64 > *most)
        })
    };
    let tables =
        ["env_args", "encoder_args"].iter().filter_map(|name| config.get(*name)?.as_table());
    of(config)
        || tables.into_iter().any(of)
        || config.get("device").and_then(Value::as_str) == Some("auto")
}
