//! Saved states as bytes.

use serde::{Serialize, de::DeserializeOwned};

/// An error of an environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvError {
    /// The bytes passed to `load` were not written by the matching `save`.
    #[error("the saved state of {what} cannot be read: {reason}")]
    BadState {
        /// The thing to be restored.
        what: String,
        /// What is wrong with the bytes.
        reason: String,
    },
}

/// Appends `value` to `out` in a compact binary form (postcard).
///
/// # Panics
///
/// Panics if the type has no binary form, such as a map of unknown length.
pub fn pack<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let bytes = postcard::to_stdvec(value).expect("plain data always has a binary form");
    out.extend_from_slice(&bytes);
}

/// Reads a value written by [`pack`]; `what` names it in the error.
///
/// # Errors
///
/// Returns an error if the bytes are damaged, too short or too long.
pub fn unpack<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, EnvError> {
    let bad = |reason: String| EnvError::BadState { what: what.to_owned(), reason };
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|error| bad(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(bad(format!("{} bytes too many", rest.len()))) }
}
