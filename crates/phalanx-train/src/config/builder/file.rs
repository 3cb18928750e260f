//! Reads configuration files, with sections for single environments.

use std::path::Path;

use phalanx_envs::arguments::{closest_match, shortened};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{ConfigBuilder, TABLES};
use crate::config::error::ConfigError;
use crate::config::origin::Origin;
use crate::config::renamed;

impl ConfigBuilder {
    /// Adds a TOML file. Sections such as `[env."skirmish/8m"]` hold settings for one environment,
    /// which override the rest of the file. The keys `alg` and `env` of a run's `config.toml` have no effect,
    /// because the caller has chosen both; other ones than chosen are reported.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or parsed, or sets an unknown key or a value of
    /// the wrong type.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |cause| match renamed::file(path) {
            Some(new) => ConfigError::Moved { path: path.to_owned(), new },
            None => ConfigError::Unreadable { path: path.to_owned(), cause },
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            message: error.to_string().lines().map(shortened).collect::<Vec<_>>().join("\n"),
        };
        let mut values: Table = toml::from_str(&text).map_err(syntax)?;
        let spans = DeTable::parse(&text).map_err(syntax)?;
        let file = File { path, text: &text };
        let mut spans = spans.into_inner();
        let wrong =
            |key: &str, value: &Value, start: usize, reason: &str| ConfigError::WrongValue {
                key: key.to_owned(),
                value: shortened(&value.to_string()).into_owned(),
                origin: Box::new(file.origin(start, None)),
                reason: reason.to_owned(),
            };
        let start = |key: &str, spans: &DeTable<'_>| {
            spans.get_key_value(key).map_or(0, |(key, _)| key.span().start)
        };
        match values.remove("alg") {
            None => {}
            Some(Value::String(alg)) => self.note_algorithm(path, &alg),
            Some(other) => {
                let reason = "expected the name of an algorithm";
                return Err(wrong("alg", &other, start("alg", &spans), reason));
            }
        }
        spans.remove("alg");
        let env_start = start("env", &spans);
        let (sections, env) = (values.remove("env"), spans.remove("env"));
        self.entries(&file, &values, &spans, None)?;
        let (sections, spans) = match (&sections, env.as_ref().map(|env| env.get_ref())) {
            (Some(Value::Table(sections)), Some(DeValue::Table(spans))) => (sections, spans),
            (Some(Value::String(env)), _) => {
                self.note_environment(path, env);
                return Ok(());
            }
            (Some(other), _) => {
                let reason = "expected the id of an environment, or sections [env.\"ID\"]";
                return Err(wrong("env", other, env_start, reason));
            }
            (None, _) => return Ok(()),
        };
        for (start, name, span) in in_order(spans) {
            let (Value::Table(values), DeValue::Table(spans)) = (&sections[name], span) else {
                let reason = "expected a section with settings for this environment";
                let key = format!("env.\"{}\"", shortened(name));
                return Err(wrong(&key, &sections[name], start, reason));
            };
            self.note_section(path, name);
            if self.env.as_deref() == Some(name) {
                self.entries(&file, values, spans, Some(name))?;
            } else {
                // Sections of other environments are checked, too.
                self.clone().entries(&file, values, spans, Some(name))?;
            }
        }
        Ok(())
    }

    /// Sets the keys of a file or of one of its sections.
    fn entries(
        &mut self,
        file: &File<'_>,
        values: &Table,
        spans: &DeTable<'_>,
        section: Option<&str>,
    ) -> Result<(), ConfigError> {
        for (start, key, value) in in_order(spans) {
            match (&values[key], value) {
                (Value::Table(values), DeValue::Table(spans)) if TABLES.contains(&key) => {
                    for (start, argument, _) in in_order(spans) {
                        let key = format!("{key}.{argument}");
                        let origin = file.origin(start, section);
                        self.set(&key, values[argument].clone(), origin)?;
                    }
                }
                (value, _) => self.set(key, value.clone(), file.origin(start, section))?,
            }
        }
        Ok(())
    }

    /// Adds a notice if the file names an algorithm by a former name, or another algorithm.
    fn note_algorithm(&mut self, path: &Path, name: &str) {
        let current = renamed::algorithm(name).unwrap_or(name);
        if current != name {
            self.note(renamed::notice(name, current));
        }
        let id = self.algorithm.id;
        if current != id {
            self.note(format!("{} holds settings of `{current}`, not of `{id}`", path.display()));
        }
    }

    /// Adds a notice if the file names another environment.
    fn note_environment(&mut self, path: &Path, name: &str) {
        if let Some(env) = self.env.clone().filter(|env| env != name) {
            let name = shortened(name);
            self.note(format!("{} holds settings for `{name}`, not for `{env}`", path.display()));
        }
    }

    /// Adds a notice if a section is for an environment that does not exist.
    fn note_section(&mut self, path: &Path, name: &str) {
        let ours = self.env.as_deref() == Some(name);
        if ours || self.environments.is_empty() || self.environments.iter().any(|id| id == name) {
            return;
        }
        let nearest = closest_match(name, self.environments.iter().map(String::as_str));
        let nearest = nearest.unwrap_or_default().to_owned();
        self.note(format!(
            "{}: the section [env.\"{}\"] is for no known environment; did you mean `{nearest}`?",
            path.display(),
            shortened(name)
        ));
    }
}

/// Returns the entries of a table in the order of the file, each as its byte offset, key and value.
fn in_order<'a>(table: &'a DeTable<'_>) -> Vec<(usize, &'a str, &'a DeValue<'a>)> {
    let entries = table.iter().map(|(key, value)| {
        let name: &str = key.get_ref();
        (key.span().start, name, value.get_ref())
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(start, ..)| *start);
    entries
}

/// A file whose keys are being set.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// Returns the origin of the key at the byte offset `start`.
    fn origin(&self, start: usize, section: Option<&str>) -> Origin {
        Origin::File {
            path: self.path.to_owned(),
            line: self.text[..start].matches('\n').count() + 1,
            section: section.map(str::to_owned),
        }
    }
}
