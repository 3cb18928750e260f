//! Layers of configuration: defaults, files, assignments.

use std::path::Path;

use phalanx_envs::arguments::closest_match;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::error::{ConfigError, Place};
use super::run_config::RunConfig;
use crate::algorithms::{Algorithm, AlgorithmEntry};

/// The table under construction. Every key is checked when it is set, so that an error can name
/// the place.
#[derive(Clone, Debug)]
pub struct Layers {
    algorithm: &'static AlgorithmEntry,
    env: Option<String>,
    table: Table,
}

impl Layers {
    /// The defaults of a run with this algorithm.
    pub fn defaults(algorithm: &'static AlgorithmEntry) -> Self {
        let mut table = Table::try_from(RunConfig::default())
            .expect("the default configuration is plain numbers, texts and a table");
        table.extend(algorithm.defaults());
        Self { algorithm, env: None, table }
    }

    /// The same for this environment: of the sections `[env."skirmish/8m"]` in the files to come,
    /// its own is heeded.
    pub fn for_env(self, env: &str) -> Self {
        Self { env: Some(env.to_owned()), ..self }
    }

    /// Lays a TOML file on top. Sections `[env."skirmish/8m"]` hold settings for single
    /// environments, which are stronger than the rest of the file. It may be the `config.toml` of a
    /// run, whose keys `alg` and `env` are passed over.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or parsed, or sets an unknown key or a value of a wrong type.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let values: Table = toml::from_str(&text).map_err(syntax)?;
        let spans = DeTable::parse(&text).map_err(syntax)?;
        let place = |start: usize| {
            let line = text[..start].matches('\n').count() + 1;
            Place::File { path: path.to_owned(), line }
        };
        let mut sections = Vec::new();
        for (key, spanned) in spans.get_ref().iter() {
            let place = place(key.span().start);
            let name: &str = key.get_ref();
            match &values[name] {
                Value::Table(inner) if name == "env" => {
                    let DeValue::Table(spans) = spanned.get_ref() else { continue };
                    sections.extend(spans.iter().map(|(env, section)| (inner, env, section)));
                }
                // A run's own config.toml names both; here the command line does.
                _ if matches!(name, "alg" | "env") => {}
                Value::Table(inner) if name == "env_args" => {
                    for (argument, value) in inner {
                        self.set(&format!("env_args.{argument}"), value.clone(), &place)?;
                    }
                }
                value => self.set(name, value.clone(), &place)?,
            }
        }
        for (values, env, section) in sections {
            let name: &str = env.get_ref();
            let (Value::Table(values), DeValue::Table(keys)) = (&values[name], section.get_ref())
            else {
                return Err(ConfigError::WrongValue {
                    key: format!("env.\"{name}\""),
                    value: values[name].to_string(),
                    place: place(env.span().start),
                    reason: "expected a section with settings for this environment".to_owned(),
                });
            };
            // Sections of other environments are checked all the same.
            let mut other = self.clone();
            let own = self.env.as_deref() == Some(name);
            let layers = if own { &mut *self } else { &mut other };
            for (key, _) in keys.iter() {
                let place = place(key.span().start);
                let key: &str = key.get_ref();
                layers.set(key, values[key].clone(), &place)?;
            }
        }
        Ok(())
    }

    /// Lays one assignment `key=value` on top ([`parse_assignment`]).
    ///
    /// # Errors
    ///
    /// When there is no equals sign, the key is unknown or the value has the wrong type.
    pub fn assignment(&mut self, text: &str) -> Result<(), ConfigError> {
        let (key, value) = parse_assignment(text)?;
        self.set(key, value, &Place::Assignment(text.to_owned()))
    }

    /// The finished configuration of run and algorithm.
    ///
    /// # Errors
    ///
    /// When values make no sense; the error names all of them.
    pub fn finish(self) -> Result<(RunConfig, Box<dyn Algorithm>), ConfigError> {
        let algorithm =
            self.algorithm.read(&self.table).expect("every value was checked when it was set");
        let run: RunConfig =
            self.table.try_into().expect("every value was checked when it was set");
        let mut problems = run.problems();
        problems.extend(algorithm.problems());
        if problems.is_empty() {
            Ok((run, algorithm))
        } else {
            Err(ConfigError::Senseless { problems })
        }
    }

    fn set(&mut self, key: &str, value: Value, place: &Place) -> Result<(), ConfigError> {
        let mut changed = self.table.clone();
        if let Some(argument) = key.strip_prefix("env_args.") {
            let arguments = changed.get_mut("env_args").and_then(Value::as_table_mut);
            arguments
                .expect("`env_args` is a table in the defaults and its type is checked below")
                .insert(argument.to_owned(), value);
            self.table = changed;
            return Ok(());
        }
        if !changed.contains_key(key) {
            let nearest = closest_match(key, self.table.keys().map(String::as_str));
            return Err(ConfigError::UnknownKey {
                key: key.to_owned(),
                place: place.clone(),
                nearest: nearest.expect("every run has keys").to_owned(),
            });
        }
        changed.insert(key.to_owned(), value.clone());
        let run = changed.clone().try_into::<RunConfig>().map(|_| ());
        let algorithm = self.algorithm.read(&changed).map(|_| ());
        run.and(algorithm).map_err(|error| ConfigError::WrongValue {
            key: key.to_owned(),
            value: value.to_string(),
            place: place.clone(),
            reason: error.message().to_owned(),
        })?;
        self.table = changed;
        Ok(())
    }
}

/// Key and value of an assignment `key=value`. The right side is read as a TOML value, and as a
/// text where it is none.
///
/// # Errors
///
/// When there is no equals sign.
pub fn parse_assignment(text: &str) -> Result<(&str, Value), ConfigError> {
    let Some((key, value)) = text.split_once('=') else {
        return Err(ConfigError::NotAnAssignment { text: text.to_owned() });
    };
    let value = value.trim();
    let parsed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    Ok((key.trim(), parsed.unwrap_or_else(|| Value::String(value.to_owned()))))
}
