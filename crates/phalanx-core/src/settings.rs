//! Validation of settings: values of the right type that are still invalid.

use std::fmt;

/// A setting whose value is invalid, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    /// The key, such as `lr`.
    pub key: String,
    /// What the value must be, such as "must be positive".
    pub reason: String,
}

impl InvalidSetting {
    /// Adds an entry for `key` to `invalid` where the condition does not hold.
    pub fn check(invalid: &mut Vec<Self>, holds: bool, key: &str, reason: &str) {
        if !holds {
            invalid.push(Self { key: key.to_owned(), reason: reason.to_owned() });
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_conditions_that_fail_are_reported_by_key_and_reason() {
        let mut invalid = Vec::new();
        InvalidSetting::check(&mut invalid, true, "gamma", "must lie in [0, 1]");
        InvalidSetting::check(&mut invalid, false, "lr", "must be positive");
        let shown: Vec<_> = invalid.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["`lr` must be positive"]);
    }
}
