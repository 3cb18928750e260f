//! Arguments of environments, as given in a configuration.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// An argument of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The key under `env_args`.
    pub key: &'static str,
    /// The allowed values, in words.
    pub allowed: &'static str,
}

/// The values of a switch, in words.
pub(crate) const FLAG: &str = "true or false";
/// The values of a number without bounds, in words.
pub(crate) const NUMBER: &str = "a finite number";

/// Creates an argument.
pub(crate) const fn argument(key: &'static str, allowed: &'static str) -> Argument {
    Argument { key, allowed }
}

/// An invalid argument of an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// The environment has no such argument, but has others.
    #[error("there is no argument `{key}`; did you mean `{nearest}` ({allowed})? Known: {known}")]
    Unknown {
        /// The key.
        key: String,
        /// The most similar known key.
        nearest: &'static str,
        /// The allowed values of the most similar key.
        allowed: &'static str,
        /// All known keys.
        known: String,
    },
    /// The environment takes no arguments.
    #[error("there is no argument `{key}`: this environment takes no arguments")]
    NoneTaken {
        /// The key.
        key: String,
    },
    /// A required argument is missing.
    #[error("the argument `{key}` is missing: set it with env_args.{key}=VALUE to {allowed}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The allowed values.
        allowed: &'static str,
    },
    /// The value is invalid.
    #[error("`{key}` cannot be {value}: it must be {allowed}")]
    Wrong {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// The allowed values.
        allowed: &'static str,
    },
    /// The value contradicts another argument.
    #[error("`{key}` cannot be {value}: {reason}")]
    Contradiction {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// The contradiction.
        reason: &'static str,
    },
}

/// Reads `args` into `T`, whose fields are the keys of `known` and all have a default
/// (`#[serde(default)]`).
///
/// # Errors
///
/// Returns an error for the first key that is unknown or has a value of the wrong type.
///
/// # Panics
///
/// Panics if a field of `T` has no default.
pub fn read<T: DeserializeOwned>(args: &Table, known: &[Argument]) -> Result<T, ArgumentError> {
    let mut fitting = Table::new();
    for (key, value) in args {
        let argument = known.iter().find(|argument| argument.key == key);
        let argument = argument.ok_or_else(|| unknown(key, known))?;
        let alone = |value: &Value| Table::from_iter([(key.clone(), value.clone())]);
        let fits = |value: &Value| alone(value).try_into::<T>().is_ok();
        let meanings = [Some(value.clone()), whole_number(value), text(value)];
        let meant = meanings.into_iter().flatten().find(fits);
        fitting.insert(key.clone(), meant.ok_or_else(|| wrong(argument, value))?);
    }
    Ok(fitting.try_into().expect("every field was read on its own and has a default"))
}

/// Returns a float such as 1e6 as an integer.
fn whole_number(value: &Value) -> Option<Value> {
    let number = value.as_float().filter(|number| number.fract() == 0.0 && number.abs() < 1e15)?;
    Some(Value::Integer(number as i64))
}

/// Returns a number or a flag as the text that was written for it: a shell takes the quotes of `difficulty="7"`.
fn text(value: &Value) -> Option<Value> {
    let plain = matches!(value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_));
    plain.then(|| Value::String(value.to_string()))
}

/// Rejects keys that are not in `known`. For an environment without arguments, `known` is empty.
///
/// # Errors
///
/// Returns an error for the first unknown key.
pub fn check_keys(args: &Table, known: &[Argument]) -> Result<(), ArgumentError> {
    let is_known = |key: &&String| known.iter().any(|argument| argument.key == *key);
    match args.keys().find(|key| !is_known(key)) {
        Some(key) => Err(unknown(key, known)),
        None => Ok(()),
    }
}

/// Returns the error for an invalid value of `argument`.
pub(crate) fn wrong(argument: &Argument, value: impl ToString) -> ArgumentError {
    let value = shortened(&value.to_string()).into_owned();
    ArgumentError::Wrong { key: argument.key, value, allowed: argument.allowed }
}

fn unknown(key: &str, known: &[Argument]) -> ArgumentError {
    let keys: Vec<_> = known.iter().map(|argument| argument.key).collect();
    let Some(nearest) = closest_match(key, keys.iter().copied()) else {
        return ArgumentError::NoneTaken { key: shortened(key).into_owned() };
    };
    let allowed = known.iter().find(|argument| argument.key == nearest);
    ArgumentError::Unknown {
        key: shortened(key).into_owned(),
        nearest,
        allowed: allowed.map_or("", |argument| argument.allowed),
        known: keys.join(", "),
    }
}

/// Returns the argument `key`, which must be one of `arguments`.
pub(crate) fn row(arguments: &'static [Argument], key: &str) -> &'static Argument {
    let found = arguments.iter().find(|argument| argument.key == key);
    found.expect("every field has a row, as a test checks")
}

/// The longest text that a message quotes whole, in characters.
const LONGEST_QUOTE: usize = 200;

/// Returns a text that a user wrote as a message quotes it: cut, if it is very long.
pub fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_QUOTE) {
        None => text.into(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()).into(),
    }
}

/// Returns the candidate most similar to `name`; `None` if there are no candidates.
pub fn closest_match<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let end = name.char_indices().nth(LONGEST_QUOTE).map_or(name.len(), |(end, _)| end);
    let name = &name[..end];
    candidates.min_by_key(|candidate| strsim::damerau_levenshtein(name, candidate))
}

/// Promises that every set of arguments keeps.
#[cfg(test)]
pub(crate) mod promises {
    use serde::Serialize;

    use super::{Argument, ArgumentError};

    /// Every field has an argument, and every argument a field.
    pub(crate) fn every_field_is_documented<T: Serialize + Default>(arguments: &[Argument]) {
        let table = toml::Table::try_from(T::default()).expect("plain data");
        let mut fields: Vec<_> = table.keys().map(String::as_str).collect();
        let mut known: Vec<_> = arguments.iter().map(|argument| argument.key).collect();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(fields, known);
    }

    /// Each line `key = value` is rejected with an error that names the key.
    pub(crate) fn values_are_refused_by_name<T>(
        read: impl Fn(&toml::Table) -> Result<T, ArgumentError>,
        lines: &str,
    ) {
        for text in lines.lines().map(str::trim).filter(|text| !text.is_empty()) {
            let error = read(&text.parse().expect("valid TOML")).err().expect(text);
            let key = text.split(' ').next().unwrap_or_default();
            assert!(
                matches!(&error, ArgumentError::Wrong { key: named, .. } if *named == key),
                "{text}: {error}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Two {
        limit: u32,
        scale: f32,
    }

    const KNOWN: [Argument; 2] = [
        Argument { key: "limit", allowed: "a whole number" },
        Argument { key: "scale", allowed: "a number" },
    ];

    fn parse(text: &str) -> Result<Two, ArgumentError> {
        read(&text.parse().expect("valid TOML"), &KNOWN)
    }

    #[test]
    fn missing_keys_keep_their_default_and_integers_are_accepted_as_floats() {
        assert_eq!(parse("scale = 3"), Ok(Two { limit: 0, scale: 3.0 }));
    }

    #[test]
    fn a_number_that_a_shell_made_of_a_text_is_a_text_and_a_whole_float_is_an_integer() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        #[serde(default)]
        struct Named {
            name: String,
            limit: u32,
        }
        let known = [argument("name", "a text"), argument("limit", "a whole number")];
        let parse = |text: &str| read::<Named>(&text.parse().expect("valid TOML"), &known);
        let named = parse("name = 7\nlimit = 1e3").expect("both fit");
        assert_eq!(named, Named { name: "7".to_owned(), limit: 1000 });
        assert!(parse("limit = 1.5").is_err());
    }

    #[test]
    fn a_very_long_text_is_cut_in_messages() {
        assert_eq!(shortened("short"), "short");
        let long = "ä".repeat(10_000);
        assert!(shortened(&long).len() < 500 && shortened(&long).ends_with("… (20000 bytes)"));
        assert_eq!(closest_match(&long, ["a", "b"].into_iter()), Some("a"));
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_closest_match() {
        let error = parse("limti = 3").expect_err("the key is misspelt");
        assert_eq!(
            error.to_string(),
            "there is no argument `limti`; did you mean `limit` (a whole number)? \
             Known: limit, scale"
        );
    }

    #[test]
    fn an_invalid_value_is_reported_with_the_allowed_ones() {
        let error = parse("limit = \"long\"").expect_err("the value is text");
        assert_eq!(error.to_string(), "`limit` cannot be \"long\": it must be a whole number");
    }

    #[test]
    fn an_environment_without_arguments_takes_none() {
        let table: Table = "a = 1".parse().expect("valid TOML");
        let error = read::<Two>(&table, &[]).expect_err("nothing is known");
        assert_eq!(error, ArgumentError::NoneTaken { key: "a".to_owned() });
    }
}
