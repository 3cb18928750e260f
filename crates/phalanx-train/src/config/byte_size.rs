//! A number of bytes, as written in a configuration.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A number of bytes, written as an integer or as a string with a unit, such as `"512 MiB"` or
/// `"1.5GB"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, f64); 9] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

impl ByteSize {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit) = UNITS
            .iter()
            .find_map(|(unit, size)| text.strip_suffix(unit).map(|number| (number, *size)))
            .unwrap_or((text, 1.0));
        let number: f64 = number.trim().parse().ok()?;
        // TOML has signed 64-bit integers only.
        let bytes = number * unit;
        (0.0..9.0e18).contains(&bytes).then_some(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units.iter().find(|(power, _)| bytes >= f64::powi(2.0, *power)) {
            Some((power, unit)) => write!(f, "{:.1} {unit}", bytes / f64::powi(2.0, *power)),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;

        impl Visitor<'_> for SizeVisitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a string such as \"2 GiB\"")
            }
            fn visit_i64<E: Error>(self, bytes: i64) -> Result<ByteSize, E> {
                u64::try_from(bytes)
                    .map(ByteSize)
                    .map_err(|_| E::custom("a size cannot be negative"))
            }
            fn visit_u64<E: Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ByteSize, E> {
                ByteSize::parse(text)
                    .ok_or_else(|| E::custom(format!("`{text}` is not a size such as \"2 GiB\"")))
            }
        }

        deserializer.deserialize_any(SizeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_or_strings_with_a_unit() {
        let read = |text: &str| {
            let table: Result<toml::Table, _> = format!("value = {text}").parse();
            table.expect("valid TOML")["value"].clone().try_into::<ByteSize>()
        };
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("\"2 GiB\"", 2 << 30),
            ("\"1.5kB\"", 1500),
            ("\"10 MB\"", 10_000_000),
        ] {
            assert_eq!(read(text).expect(text), ByteSize(bytes));
        }
        for text in ["-1", "\"many\"", "\"3 apples\"", "true"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_in_a_suitable_unit() {
        let shown = [0, 1023, 1024, 5 << 20, 3 << 29].map(|bytes| ByteSize(bytes).to_string());
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.0 KiB", "5.0 MiB", "1.5 GiB"]);
    }
}
