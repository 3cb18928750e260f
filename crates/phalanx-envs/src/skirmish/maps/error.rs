//! Errors in maps, with their location.

use std::ops::Range;
use std::path::PathBuf;

use crate::arguments::closest_match;

/// The reason why a map cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// There is no built-in map of this name.
    #[error("there is no map `{name}`; did you mean `{closest}`?")]
    UnknownMap {
        /// The requested name.
        name: String,
        /// The most similar name.
        closest: &'static str,
    },
    /// The file cannot be read.
    #[error("cannot read the map {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The file is malformed.
    #[error("{origin}, line {line}: {reason}")]
    Invalid {
        /// The file, or another name of the text.
        origin: String,
        /// The line, counted from one.
        line: usize,
        /// The key and the problem.
        reason: String,
    },
}

/// The text of a map, to locate errors.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) origin: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Returns an error at `span`.
    pub(super) fn error(&self, span: Range<usize>, reason: impl Into<String>) -> MapError {
        self.error_in_line(self.line(span.start), reason)
    }

    pub(super) fn error_in_line(&self, line: usize, reason: impl Into<String>) -> MapError {
        MapError::Invalid { origin: self.origin.to_owned(), line, reason: reason.into() }
    }

    /// Returns the line of a position, counted from one.
    pub(super) fn line(&self, position: usize) -> usize {
        self.text[..position.min(self.text.len())].matches('\n').count() + 1
    }

    /// Returns the error for an invalid value of a key.
    pub(super) fn wrong<T: std::fmt::Debug>(
        &self,
        key: &str,
        value: &toml::Spanned<T>,
        allowed: &str,
    ) -> MapError {
        let reason = format!("`{key}` cannot be {:?}: it must be {allowed}", value.get_ref());
        self.error(value.span(), reason)
    }

    /// Returns the error for a name that is not in `known`.
    pub(super) fn unknown(
        &self,
        what: &str,
        name: &toml::Spanned<String>,
        known: impl Iterator<Item = &'static str>,
    ) -> MapError {
        let closest = closest_match(name.get_ref(), known).unwrap_or_default();
        let reason = format!("there is no {what} `{}`; did you mean `{closest}`?", name.get_ref());
        self.error(name.span(), reason)
    }

    /// Returns the error for a text that is not valid TOML, or has an unknown key or a value of the
    /// wrong type.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> MapError {
        let message = error.message();
        let mut names = message.split('`').skip(1).step_by(2);
        let reason = match names.next() {
            Some(key) if message.starts_with("unknown field") => {
                let known: Vec<_> = names.collect();
                let closest = closest_match(key, known.iter().copied()).unwrap_or_default();
                let known = known.join(", ");
                format!("there is no key `{key}`; did you mean `{closest}`? Known: {known}")
            }
            _ => message.to_owned(),
        };
        self.error(error.span().unwrap_or(0..0), reason)
    }
}
