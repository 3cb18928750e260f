//! A complete configuration with the origin of every value.

use std::fmt::Write;

use serde_json::json;
use toml::Value;

use super::origin::Origin;

/// A value and its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedSetting {
    /// The key; for a setting of the encoder or an argument of the environment, without the prefix
    /// `encoder_args.` or `env_args.`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

/// A complete configuration with the origin of every value.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedConfig {
    /// The algorithm.
    pub alg: String,
    /// The keys that every run has.
    pub run: Vec<ResolvedSetting>,
    /// The keys of the algorithm.
    pub algorithm: Vec<ResolvedSetting>,
    /// The settings of the encoder, if there is one.
    pub encoder_args: Vec<ResolvedSetting>,
    /// The arguments of the environment that were set.
    pub env_args: Vec<ResolvedSetting>,
}

/// The largest width up to which `key = value` is padded to align comments.
const WIDEST: usize = 48;

impl ResolvedConfig {
    /// Returns a configuration file that states the origin of each value in a comment.
    pub fn to_toml(&self) -> String {
        let mut groups = vec![
            ("# Run".to_owned(), &self.run),
            (format!("# Algorithm: {}", self.alg), &self.algorithm),
        ];
        if !self.encoder_args.is_empty() {
            groups.push(("[encoder_args]".to_owned(), &self.encoder_args));
        }
        groups.push(("[env_args]".to_owned(), &self.env_args));
        let groups = groups.into_iter().map(|(title, settings)| {
            let lines = settings.iter().map(|setting| {
                (format!("{} = {}", setting.key, toml(&setting.value)), setting.origin.label())
            });
            (title, lines.collect::<Vec<_>>())
        });
        let groups: Vec<_> = groups.collect();
        let lines = groups.iter().flat_map(|(_, lines)| lines);
        let lengths = lines.map(|(line, _)| line.chars().count());
        let width = lengths.filter(|length| *length <= WIDEST).max().unwrap_or(0);
        let mut text = String::new();
        for (title, lines) in &groups {
            let gap = if text.is_empty() { "" } else { "\n" };
            writeln!(text, "{gap}{title}").expect("writing to a string cannot fail");
            for (line, origin) in lines {
                writeln!(text, "{line:<width$}  # {origin}")
                    .expect("writing to a string cannot fail");
            }
        }
        text
    }

    /// Returns a JSON object with an entry `{"value": …, "origin": …}` for each key. Keys of settings of
    /// the encoder have the prefix `encoder_args.`, those of environment arguments `env_args.`.
    pub fn to_json(&self) -> serde_json::Value {
        let plain = self.run.iter().chain(&self.algorithm).map(|it| (it.key.clone(), it));
        let encoder = self.encoder_args.iter().map(|it| (format!("encoder_args.{}", it.key), it));
        let arguments = self.env_args.iter().map(|it| (format!("env_args.{}", it.key), it));
        plain
            .chain(encoder)
            .chain(arguments)
            .map(|(key, it)| (key, json!({ "value": it.value, "origin": it.origin.label() })))
            .collect()
    }
}

/// Returns a value as TOML, with small numbers in scientific notation.
fn toml(value: &Value) -> String {
    match value {
        Value::Float(number) if (f64::MIN_POSITIVE..1e-4).contains(&number.abs()) => {
            format!("{number:e}")
        }
        value => value.to_string(),
    }
}
