//! Builds a configuration from defaults, files and assignments.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use phalanx_core::nn::AnyEncoder;
use phalanx_envs::arguments::{closest_match, shortened};
use toml::{Table, Value};

use super::bounds;
use super::error::ConfigError;
use super::origin::Origin;
use super::renamed;
use super::resolved::{ResolvedConfig, ResolvedSetting};
use super::run_config::RunConfig;
use crate::algorithms::{Algorithm, AlgorithmEntry};
use crate::encoders::{Encoders, settings_table};

/// The key of the table that holds the arguments of the environment.
const ENV_ARGS: &str = "env_args";
/// The key of the table that holds the settings of the encoder, which are checked when all are known.
const ENCODER_ARGS: &str = "encoder_args";
/// The tables.
const TABLES: [&str; 2] = [ENV_ARGS, ENCODER_ARGS];

/// A configuration under construction. Every key is checked when it is set, so that errors name its
/// location.
#[derive(Clone, Debug)]
pub struct ConfigBuilder {
    algorithm: AlgorithmEntry,
    encoders: Encoders,
    env: Option<String>,
    arguments: Vec<String>,
    /// The ids of all known environments, if the caller knows them.
    environments: Vec<String>,
    table: Table,
    /// The origins of values that are not the default, by key; keys of environment arguments and of
    /// settings of the encoder have the prefix `env_args.` or `encoder_args.`.
    origins: BTreeMap<String, Origin>,
    notices: Vec<String>,
}

impl ConfigBuilder {
    /// Starts from the defaults of a run with this algorithm.
    pub fn new(algorithm: AlgorithmEntry) -> Self {
        let table = algorithm.all_defaults();
        Self {
            algorithm,
            encoders: Encoders::builtin(),
            env: None,
            arguments: Vec::new(),
            environments: Vec::new(),
            table,
            origins: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// Sets the encoders that `encoder` may name, by default those of the library.
    pub fn encoders(self, encoders: Encoders) -> Self {
        Self { encoders, ..self }
    }

    /// Selects the environment. Files added later then apply their section `[env."ENV"]` for it;
    /// sections of other environments are checked but have no effect.
    pub fn for_env(self, env: &str) -> Self {
        Self { env: Some(env.to_owned()), ..self }
    }

    /// Sets the names of the environment's arguments, so that an assignment may write `key=value`
    /// instead of `env_args.key=value`, unless the run or the algorithm has a key of that name.
    pub fn env_arguments<T: Into<String>>(self, keys: impl IntoIterator<Item = T>) -> Self {
        Self { arguments: keys.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the ids of all known environments, so that a section for another one is reported.
    pub fn environments<T: Into<String>>(self, ids: impl IntoIterator<Item = T>) -> Self {
        Self { environments: ids.into_iter().map(Into::into).collect(), ..self }
    }

    /// Adds an argument of the command line: the path of a configuration file (`*.toml`) or an
    /// assignment.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ConfigBuilder::file`] and [`ConfigBuilder::assignment`].
    pub fn setting(&mut self, text: &str) -> Result<(), ConfigError> {
        if text.ends_with(".toml") && !text.contains('=') {
            self.file(Path::new(text))
        } else {
            self.assignment(text)
        }
    }

    /// Adds an assignment `key=value` (see [`parse_assignment`]).
    ///
    /// # Errors
    ///
    /// Returns an error if there is no equals sign, the key is unknown or the value has the wrong
    /// type.
    pub fn assignment(&mut self, text: &str) -> Result<(), ConfigError> {
        let (key, mut value) = parse_assignment(text)?;
        let origin = Origin::Assignment(text.to_owned());
        // A shell takes the quotes: results_dir=2026 is a text.
        let known = self.table.get(renamed::key(key).unwrap_or(key));
        if known.is_some_and(Value::is_str) && !value.is_str() {
            let text = text.split_once('=').map_or("", |(_, text)| text);
            value = Value::String(text.trim().to_owned());
        }
        if !self.table.contains_key(key) && self.arguments.iter().any(|known| known == key) {
            return self.set(&format!("{ENV_ARGS}.{key}"), value, origin);
        }
        self.set(key, value, origin)
    }

    /// Returns messages for the user about former names ([`renamed`]) and about files with settings
    /// of another algorithm.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns every value with its origin.
    pub fn resolved(&self) -> ResolvedConfig {
        let (run_keys, algorithm_keys) = (run_defaults(), self.algorithm.defaults());
        let setting = |prefix: &str, key: &str, value: &Value| ResolvedSetting {
            key: key.to_owned(),
            value: value.clone(),
            origin: self.origins.get(&format!("{prefix}{key}")).cloned().unwrap_or(Origin::Default),
        };
        let of = |keys: &Table| {
            let known = keys.keys().filter(|key| !TABLES.contains(&key.as_str()));
            known.map(|key| setting("", key, &self.table[key])).collect()
        };
        let arguments = self.table[ENV_ARGS].as_table().into_iter().flatten();
        // What is wrong with them is an error of `finish`.
        let encoder = self.encoder().ok().flatten();
        let encoder_args = encoder.as_ref().map(settings_table).unwrap_or_default();
        ResolvedConfig {
            alg: self.algorithm.id.to_owned(),
            run: of(&run_keys),
            algorithm: of(&algorithm_keys),
            encoder_args: encoder_args
                .iter()
                .map(|(key, value)| setting("encoder_args.", key, value))
                .collect(),
            env_args: arguments.map(|(key, value)| setting("env_args.", key, value)).collect(),
        }
    }

    /// Returns the configuration of the run, and the algorithm with its settings.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::InvalidSettings`], which lists all invalid values.
    pub fn finish(self) -> Result<(RunConfig, Box<dyn Algorithm>), ConfigError> {
        let encoder = self.encoder()?;
        let algorithm =
            self.algorithm.read(&self.table).expect("every value was checked when it was set");
        let mut invalid = bounds::invalid(&self.table);
        if !invalid.is_empty() {
            return Err(ConfigError::InvalidSettings { invalid });
        }
        let mut run: RunConfig =
            self.table.try_into().expect("every value was checked when it was set");
        invalid.extend(run.validate());
        invalid.extend(algorithm.validate());
        if let Some(encoder) = &encoder {
            invalid.extend(encoder.validate());
            run.encoder_args = settings_table(encoder);
        }
        if invalid.is_empty() {
            Ok((run, algorithm))
        } else {
            Err(ConfigError::InvalidSettings { invalid })
        }
    }

    /// Returns the encoder, if there is one.
    fn encoder(&self) -> Result<Option<AnyEncoder>, ConfigError> {
        let name = self.table["encoder"].as_str().expect("it was checked when it was set");
        let args = self.table[ENCODER_ARGS].as_table().expect("it is a table and stays one");
        let origin = |key: &str| self.origins[&format!("{ENCODER_ARGS}.{key}")].clone();
        self.encoders.typed(name, args, origin)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        if let Some(new) = renamed::key(key) {
            self.note(renamed::notice(key, new));
            return self.set(new, value, origin);
        }
        if let (true, Value::Table(entries)) = (TABLES.contains(&key), &value) {
            for (entry, value) in entries {
                self.set(&format!("{key}.{entry}"), value.clone(), origin.clone())?;
            }
            return Ok(());
        }
        let in_table = key.split_once('.').filter(|(table, _)| TABLES.contains(table));
        if let Some((table, entry)) = in_table {
            let entries = self.table.get_mut(table).and_then(Value::as_table_mut);
            entries
                .expect("it is a table in the defaults and stays one")
                .insert(entry.to_owned(), value);
        } else if let Some(old) = self.table.get(key).cloned() {
            let value = match whole_number(&old, value) {
                // Read as a text, a date would stay a date in the table.
                Value::Datetime(date) if old.is_str() => Value::String(date.to_string()),
                value => value,
            };
            self.table.insert(key.to_owned(), value.clone());
            let run = self.table.clone().try_into::<RunConfig>().map(|_| ());
            let algorithm = self.algorithm.read(&self.table).map(|_| ());
            let read = run.and(algorithm).map_err(|error| ConfigError::WrongValue {
                key: key.to_owned(),
                value: shortened(&value.to_string()).into_owned(),
                origin: Box::new(origin.clone()),
                reason: plain(error.message()),
            });
            let read = read.and_then(|()| match (key, value.as_str()) {
                ("encoder", Some(name)) => self.encoders.get(name).map(|_| ()),
                _ => Ok(()),
            });
            if read.is_err() {
                self.table.insert(key.to_owned(), old);
                return read;
            }
        } else {
            return Err(self.unknown(key, origin));
        }
        self.origins.insert(key.to_owned(), origin);
        Ok(())
    }

    /// Returns the error of an unknown key, with the closest key of the run, the algorithm and the
    /// environment.
    fn unknown(&self, key: &str, origin: Origin) -> ConfigError {
        let keys = self.table.keys().chain(&self.arguments).map(String::as_str);
        let nearest = closest_match(key, keys).expect("every run has keys");
        let prefix = if self.table.contains_key(nearest) { "" } else { "env_args." };
        ConfigError::UnknownKey {
            key: shortened(key).into_owned(),
            alg: self.algorithm.id.to_owned(),
            origin: Box::new(origin),
            nearest: format!("{prefix}{nearest}"),
        }
    }

    fn note(&mut self, notice: String) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// Returns a float such as 1e6 as an integer where the key had one before.
fn whole_number(old: &Value, value: Value) -> Value {
    /// Up to here, a float is the number that was written.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Float(number)
            if old.is_integer() && number.fract() == 0.0 && number.abs() <= EXACT =>
        {
            Value::Integer(number as i64)
        }
        value => value,
    }
}

/// Returns the reason why a value has the wrong type in words that do not presume Rust.
fn plain(message: &str) -> String {
    let Some((_, expected)) = message.rsplit_once("expected ") else {
        return shortened(message).into_owned();
    };
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" | "bool" => "true or false",
        "a string" => "a text",
        "a map" => "a table",
        other => other,
    };
    format!("expected {words}")
}

/// Returns the keys of every run and their defaults.
pub(crate) fn run_defaults() -> Table {
    Table::try_from(RunConfig::default())
        .expect("the default configuration is plain numbers, texts and a table")
}

/// Returns key and value of an assignment `key=value`. The value is parsed as TOML, and is a string
/// if it is not valid TOML.
///
/// # Errors
///
/// Returns [`ConfigError::NotAnAssignment`] if there is no equals sign.
pub fn parse_assignment(text: &str) -> Result<(&str, Value), ConfigError> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(ConfigError::NotAnAssignment { text: shortened(text).into_owned() });
    };
    let value = value.trim();
    let parsed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    Ok((key.trim(), parsed.unwrap_or_else(|| Value::String(value.to_owned()))))
}
