//! Validation of settings beyond their types.

use std::fmt;

/// A setting whose value is invalid, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSetting {
    /// The key, such as `lr`.
    pub key: String,
    /// The reason, which follows the key in a message: "must be positive".
    pub reason: String,
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.key, self.reason)
    }
}

/// Pairs fields of settings with their names, for the methods of [`Check`](crate::settings::Check):
/// `fields!(self: gamma, td_lambda)` is `&[("gamma", self.gamma), ("td_lambda", self.td_lambda)]`.
#[macro_export]
macro_rules! fields {
    ($settings:ident: $($field:ident),+ $(,)?) => {
        &[$((stringify!($field), $settings.$field)),+]
    };
}

#[doc(inline)]
pub use crate::fields;

/// Collects invalid settings.
///
/// ```
/// use phalanx_core::settings::{Check, fields};
///
/// struct Settings {
///     lr: f64,
///     gamma: f64,
///     td_lambda: f64,
/// }
///
/// let settings = Settings { lr: -0.1, gamma: 0.99, td_lambda: 0.6 };
/// let mut check = Check::default();
/// check.unit_interval(fields!(settings: gamma, td_lambda));
/// check.that(settings.lr > 0.0, "lr", "must be positive");
/// assert_eq!(check.finish()[0].to_string(), "`lr` must be positive");
/// ```
#[derive(Debug, Default)]
pub struct Check {
    invalid: Vec<InvalidSetting>,
}

impl Check {
    /// Reports `key` unless `holds` is true.
    pub fn that(&mut self, holds: bool, key: &str, reason: &str) {
        if !holds {
            self.invalid.push(InvalidSetting { key: key.to_owned(), reason: reason.to_owned() });
        }
    }

    /// Reports the keys whose value is zero.
    pub fn at_least_one<T: Copy + Default + PartialEq>(&mut self, settings: &[(&str, T)]) {
        let zero = T::default();
        settings.iter().for_each(|&(key, n)| self.that(n != zero, key, "must be at least 1"));
    }

    /// Reports the keys whose value is not positive.
    pub fn positive(&mut self, settings: &[(&str, f64)]) {
        settings.iter().for_each(|&(key, value)| self.that(value > 0.0, key, "must be positive"));
    }

    /// Reports the keys whose value is negative.
    pub fn not_negative(&mut self, settings: &[(&str, f64)]) {
        let reason = "must not be negative";
        settings.iter().for_each(|&(key, value)| self.that(value >= 0.0, key, reason));
    }

    /// Reports the keys whose value is outside of `[0, 1]`.
    pub fn unit_interval(&mut self, settings: &[(&str, f64)]) {
        let inside = |value: f64| (0.0..=1.0).contains(&value);
        settings.iter().for_each(|&(key, value)| {
            self.that(inside(value), key, "must lie in [0, 1]");
        });
    }

    /// Reports the keys whose value is outside of `(0, 1]`.
    pub fn positive_share(&mut self, settings: &[(&str, f64)]) {
        let inside = |value: f64| value > 0.0 && value <= 1.0;
        settings.iter().for_each(|&(key, value)| {
            self.that(inside(value), key, "must lie in (0, 1]");
        });
    }

    /// Adds settings that were reported elsewhere, by a mixer for example.
    pub fn all(&mut self, invalid: Vec<InvalidSetting>) {
        self.invalid.extend(invalid);
    }

    /// Returns all reported settings.
    pub fn finish(self) -> Vec<InvalidSetting> {
        self.invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_on_the_wrong_side_of_a_bound_are_reported_and_those_on_it_are_not() {
        let mut check = Check::default();
        check.that(true, "holds", "never");
        check.at_least_one(&[("none", 0_u64), ("one", 1)]);
        check.positive(&[("zero", 0.0), ("small", 1e-30), ("endless", f64::INFINITY)]);
        check.not_negative(&[("negative", -1e-30), ("zero", 0.0)]);
        check.unit_interval(&[("zero", 0.0), ("one", 1.0), ("above", 1.1), ("nan", f64::NAN)]);
        check.positive_share(&[("no share", 0.0), ("all", 1.0)]);
        let keys: Vec<_> = check.finish().into_iter().map(|setting| setting.key).collect();
        assert_eq!(keys, ["none", "zero", "negative", "above", "nan", "no share"]);
    }
}
