//! The encoders of the command line.

use std::any::TypeId;

use phalanx_core::nn::{AnyEncoder, Encoder, EncoderVisitor, visit_encoders};
use phalanx_envs::arguments::{closest_match, shortened};
use serde_json::Value;
use toml::Table;

use crate::config::{ConfigError, InvalidSetting, Origin};

/// The value of the key `encoder` for agents without one.
pub(crate) const NONE: &str = "none";

/// The encoders that a program knows by name; see [`Encoder`].
///
/// Runs, checkpoints and configurations name an encoder by its word, so whatever reads them needs the
/// encoders: those of this crate are always there, others are registered.
#[derive(Clone, Debug)]
pub struct Encoders {
    entries: Vec<EncoderEntry>,
}

impl Default for Encoders {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Encoders {
    /// Returns the encoders of the library ([`visit_encoders`]).
    pub fn builtin() -> Self {
        let mut builtin = Self { entries: Vec::new() };
        visit_encoders(&mut builtin);
        builtin
    }

    /// Adds the encoder `E`. Adding one twice has no effect.
    ///
    /// # Errors
    ///
    /// Returns an error if another encoder has its name, or the name is `none`; nothing is replaced.
    pub fn register<E: Encoder>(&mut self) -> Result<(), ConfigError> {
        let entry = EncoderEntry::of::<E>();
        match self.entries.iter().find(|known| known.id == entry.id) {
            Some(known) if known.kind == entry.kind => return Ok(()),
            None if entry.id != NONE => self.entries.push(entry),
            _ => return Err(ConfigError::DuplicateEncoder { name: entry.id.to_owned() }),
        }
        Ok(())
    }

    /// Returns these encoders and `E`.
    ///
    /// ```
    /// # use phalanx_core::nn::MlpEncoder as MyEncoder;
    /// use phalanx_train::Encoders;
    ///
    /// let encoders = Encoders::builtin().with::<MyEncoder>();
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if another encoder has its name, or the name is `none`.
    #[must_use]
    pub fn with<E: Encoder>(mut self) -> Self {
        self.register::<E>().unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Iterates over the encoders, in the order in which they are listed.
    pub fn iter(&self) -> impl Iterator<Item = &EncoderEntry> {
        self.entries.iter()
    }

    /// Returns the encoder called `name`, or `None` if that is `none`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, which suggests the closest name.
    pub fn get(&self, name: &str) -> Result<Option<EncoderEntry>, ConfigError> {
        let known = self.entries.iter().find(|entry| entry.id == name).copied();
        if known.is_some() || name == NONE {
            return Ok(known);
        }
        let names = self.entries.iter().map(|entry| entry.id).chain([NONE]);
        Err(ConfigError::UnknownEncoder {
            name: shortened(name).into_owned(),
            nearest: closest_match(name, names).unwrap_or(NONE).to_owned(),
        })
    }

    /// Reads the encoder called `name` with the settings `args`, the key `encoder_args` of a
    /// configuration; settings that are not given have their defaults. Returns `None` if the name is
    /// `none`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such encoder, or a setting is unknown, has the wrong type or is
    /// out of bounds.
    pub fn read(&self, name: &str, args: &Table) -> Result<Option<AnyEncoder>, ConfigError> {
        let encoder = self.typed(name, args, |_| Origin::Default)?;
        let invalid = encoder.as_ref().map(AnyEncoder::validate).unwrap_or_default();
        if invalid.is_empty() { Ok(encoder) } else { Err(ConfigError::InvalidSettings { invalid }) }
    }

    /// Does the same without checking bounds; `origin` returns where a setting comes from.
    pub(crate) fn typed(
        &self,
        name: &str,
        args: &Table,
        origin: impl Fn(&str) -> Origin,
    ) -> Result<Option<AnyEncoder>, ConfigError> {
        match (self.get(name)?, args.keys().next()) {
            (Some(entry), _) => entry.read(args, origin).map(Some),
            (None, None) => Ok(None),
            (None, Some(key)) => Err(ConfigError::InvalidSettings {
                invalid: vec![InvalidSetting {
                    key: format!("encoder_args.{key}"),
                    reason: format!("needs an encoder, but encoder is {NONE}"),
                }],
            }),
        }
    }
}

impl EncoderVisitor for Encoders {
    fn visit<E: Encoder>(&mut self) {
        self.entries.push(EncoderEntry::of::<E>());
    }
}

/// An encoder by name.
#[derive(Clone, Copy, Debug)]
pub struct EncoderEntry {
    /// The name on the command line.
    pub id: &'static str,
    /// A summary, in one line.
    pub summary: &'static str,
    kind: TypeId,
    defaults: fn() -> AnyEncoder,
    read: fn(Value) -> Result<AnyEncoder, serde_json::Error>,
}

impl EncoderEntry {
    /// Makes the entry of the encoder `E`.
    pub fn of<E: Encoder>() -> Self {
        Self {
            id: E::ID,
            summary: E::SUMMARY,
            kind: TypeId::of::<E>(),
            defaults: || AnyEncoder::new(E::default()),
            read: |settings| Ok(AnyEncoder::new(serde_json::from_value::<E>(settings)?)),
        }
    }

    /// Returns the settings and their defaults; optional ones that are not set are missing.
    pub fn defaults(&self) -> Table {
        settings_table(&(self.defaults)())
    }

    /// Reads settings; those that are missing have their defaults. `origin` returns where one comes from.
    fn read(
        &self,
        args: &Table,
        origin: impl Fn(&str) -> Origin,
    ) -> Result<AnyEncoder, ConfigError> {
        let mut settings = (self.defaults)().settings();
        let mut encoder = (self.defaults)();
        for (key, value) in args {
            let Some(place) = settings.get_mut(key) else {
                return Err(self.unknown(key, &settings, origin(key)));
            };
            *place = serde_json::to_value(value).expect("a TOML value is a JSON value");
            encoder = (self.read)(settings.clone()).map_err(|error| ConfigError::WrongValue {
                key: format!("encoder_args.{key}"),
                value: shortened(&value.to_string()).into_owned(),
                origin: Box::new(origin(key)),
                reason: error.to_string(),
            })?;
        }
        Ok(encoder)
    }

    fn unknown(&self, key: &str, settings: &Value, origin: Origin) -> ConfigError {
        let known = settings.as_object().into_iter().flat_map(|known| known.keys());
        let nearest = closest_match(key, known.map(String::as_str));
        ConfigError::UnknownEncoderKey {
            key: format!("encoder_args.{}", shortened(key)),
            encoder: self.id.to_owned(),
            origin: Box::new(origin),
            help: match nearest {
                Some(nearest) => format!("did you mean `encoder_args.{nearest}`?"),
                None => "it has none".to_owned(),
            },
        }
    }
}

/// Returns the settings of an encoder as a configuration states them.
pub(crate) fn settings_table(encoder: &AnyEncoder) -> Table {
    let Value::Object(mut settings) = encoder.settings() else { return Table::new() };
    settings.retain(|_, value| !value.is_null());
    Table::try_from(settings).expect("settings are plain numbers, texts and flags")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Table {
        toml::from_str(text).expect("a table")
    }

    #[test]
    fn settings_are_typed_and_unknown_names_are_refused_with_the_nearest_one() {
        let encoders = Encoders::builtin();
        let mlp = encoders.read("mlp", &args("width = 8")).expect("it is valid").expect("one");
        assert_eq!(settings_table(&mlp), args("width = 8\nlayers = 1"));
        assert!(encoders.read("none", &Table::new()).expect("it is valid").is_none());
        for (name, settings, parts) in [
            ("mpl", "", vec!["`mpl`", "`mlp`"]),
            ("mlp", "widht = 8", vec!["`mlp`", "`encoder_args.widht`", "`encoder_args.width`"]),
            ("mlp", "width = 8.5", vec!["`encoder_args.width`", "8.5"]),
            ("mlp", "width = \"wide\"", vec!["`encoder_args.width`", "wide"]),
            ("mlp", "width = 0", vec!["`encoder_args.width` must be at least 1"]),
            ("none", "width = 8", vec!["`encoder_args.width` needs an encoder"]),
        ] {
            let error = encoders.read(name, &args(settings)).expect_err(settings).to_string();
            for part in parts {
                assert!(error.contains(part), "{error} lacks {part}");
            }
        }
    }
}
