//! What a run trains: the contents of its `config.toml`.

use toml::Table;

use super::folder::CONFIG;
use crate::config::{RunConfig, renamed};

/// The description of a run: the contents of `config.toml` and `run.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// The algorithm.
    pub alg: String,
    /// The environment.
    pub env: String,
    /// The whole configuration, without the keys `alg` and `env`.
    pub config: Table,
}

impl RunInfo {
    /// Returns the contents of `config.toml`.
    pub(super) fn to_toml(&self) -> String {
        let mut table = Table::new();
        table.insert("alg".to_owned(), self.alg.clone().into());
        table.insert("env".to_owned(), self.env.clone().into());
        table.extend(self.config.clone());
        table.to_string()
    }

    /// Reads the contents of `config.toml`. The error is the reason.
    pub(super) fn from_toml(text: &str) -> Result<Self, String> {
        // The message alone: a damaged line may hold anything.
        let mut config: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
            format!("{CONFIG}, line {line}: {}", error.message())
        })?;
        let mut take = |key: &str| match config.remove(key) {
            Some(toml::Value::String(text)) => Ok(text),
            _ => Err(format!("{CONFIG} has no key `{key}`")),
        };
        let (alg, env) = (take("alg")?, take("env")?);
        // The run may be older than a name.
        let alg = renamed::algorithm(&alg).map(str::to_owned).unwrap_or(alg);
        let current = |key: String| renamed::key(&key).map(str::to_owned).unwrap_or(key);
        let config = config.into_iter().map(|(key, value)| (current(key), value)).collect();
        Ok(Self { alg, env, config })
    }

    /// Returns the first key whose value differs in `other`. A missing key has its value in `defaults`; keys that may
    /// change when a run is resumed are left out. An entry of a table is named `env_args.map`.
    pub fn difference(&self, other: &Self, defaults: &Table) -> Option<String> {
        if self.alg != other.alg {
            return Some("alg".to_owned());
        }
        if self.env != other.env {
            return Some("env".to_owned());
        }
        let value =
            |info: &'_ Self, key: &str| info.config.get(key).or_else(|| defaults.get(key)).cloned();
        let known = self.config.keys().filter(|key| defaults.contains_key(*key));
        let keys = other.config.keys().chain(known);
        let fixed = |key: &&String| !RunConfig::CHANGEABLE_ON_RESUME.contains(&key.as_str());
        let key = keys.filter(fixed).find(|key| value(self, key) != value(other, key))?;
        // Of a table, the entry that differs.
        let tables = (value(self, key), value(other, key));
        let (Some(toml::Value::Table(ours)), Some(toml::Value::Table(theirs))) = tables else {
            return Some(key.clone());
        };
        let entry = ours.keys().chain(theirs.keys()).find(|it| ours.get(*it) != theirs.get(*it));
        Some(entry.map_or_else(|| key.clone(), |entry| format!("{key}.{entry}")))
    }
}
