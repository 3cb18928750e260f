//! All environments by their identifier.
//!
//! An environment family is a folder that exports its [entries](EnvEntry) and one line in the list of
//! built-in families below. Other crates [register](Environments::register) their own.

mod entry;
mod foreign_names;

use std::sync::LazyLock;

use phalanx_core::env::Env;
use toml::Table;

pub use entry::{EnvArgError, EnvEntry, Factory};

use crate::arguments::{Argument, shortened};
use crate::{football, matrix, predator_prey, skirmish, smax};

/// The built-in environments, one line per folder, in the order in which they are listed.
const FAMILIES: &[fn() -> Vec<EnvEntry>] =
    &[matrix::entries, predator_prey::entries, football::entries, skirmish::entries, smax::entries];

static BUILTIN: LazyLock<Environments> = LazyLock::new(|| Environments {
    entries: FAMILIES.iter().flat_map(|entries| entries()).collect(),
});

/// The reason why an environment cannot be made or registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such environment.
    #[error("there is no environment `{id}`; did you mean `{closest}`?")]
    UnknownId {
        /// The requested identifier.
        id: String,
        /// The most similar identifier.
        closest: String,
    },
    /// The task has another name here.
    #[error("there is no environment `{id}`; here it is called {}", quoted(.names))]
    ForeignName {
        /// The requested identifier.
        id: String,
        /// The identifiers that may be meant.
        names: Vec<String>,
    },
    /// The environment rejects its arguments.
    #[error("environment `{id}`: {error}")]
    Refused {
        /// The environment.
        id: String,
        /// The problem.
        error: EnvArgError,
    },
    /// An environment with this identifier is registered already.
    #[error("there is already an environment `{id}`")]
    Duplicate {
        /// The identifier.
        id: String,
    },
}

/// The environments of a program: the built-in ones and those that it registers.
///
/// [`EnvEntry`] shows how to add one.
#[derive(Clone, Debug)]
pub struct Environments {
    entries: Vec<EnvEntry>,
}

impl Default for Environments {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Environments {
    /// Returns the environments that come with this crate.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }

    /// Adds an environment.
    ///
    /// # Errors
    ///
    /// Returns an error if there is already an environment with this identifier; nothing is
    /// replaced.
    pub fn register(&mut self, entry: EnvEntry) -> Result<(), RegistryError> {
        if self.get(&entry.id).is_some() {
            return Err(RegistryError::Duplicate { id: entry.id });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Returns all entries, in the order in which they are listed.
    pub fn iter(&self) -> impl Iterator<Item = &EnvEntry> {
        self.entries.iter()
    }

    /// Returns the entry with this identifier.
    pub fn get(&self, id: &str) -> Option<&EnvEntry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// Returns a factory of environments `id` with the arguments `args`, which are checked in advance.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such environment (the error suggests the one that is meant),
    /// or an argument is unknown or invalid (the error names the key, the closest known key and the
    /// allowed values).
    pub fn factory(
        &self,
        id: &str,
        args: &Table,
    ) -> Result<impl Fn() -> Box<dyn Env> + Send + Sync + Clone + 'static + use<>, RegistryError>
    {
        let entry = self.find(id, args).ok_or_else(|| self.unknown(id))?;
        let refused = |error| RegistryError::Refused { id: id.to_owned(), error };
        if let Some(reason) = foreign_names::removed_argument(self, id, args) {
            return Err(refused(reason.into()));
        }
        let factory = entry.prepare(args).map_err(refused)?;
        if id != entry.id {
            let made = factory.make().spec().id.clone();
            if made != id {
                return Err(refused(format!("its arguments select `{made}` instead").into()));
            }
        }
        Ok(move || factory.make())
    }

    /// Makes one environment `id` with the arguments `args`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Environments::factory`].
    pub fn make(&self, id: &str, args: &Table) -> Result<Box<dyn Env>, RegistryError> {
        Ok(self.factory(id, args)?())
    }

    /// Returns the entry of the environment `id` with the arguments `args`: the one with this
    /// identifier, or the one whose tasks are [named by](EnvEntry::named_by) one of `args` and whose
    /// identifier is the first part of `id`.
    pub fn find(&self, id: &str, args: &Table) -> Option<&EnvEntry> {
        let family = || {
            let (family, _) = id.split_once('/')?;
            let named = |key| args.contains_key(key);
            self.get(family).filter(|entry| entry.required_argument().is_some_and(named))
        };
        self.get(id).or_else(family)
    }

    /// Returns the error for an unknown identifier.
    fn unknown(&self, id: &str) -> RegistryError {
        let names = foreign_names::same_tasks(self, id);
        let id = shortened(id).into_owned();
        if names.is_empty() {
            let closest = foreign_names::closest(self, &id);
            RegistryError::UnknownId { id, closest }
        } else {
            RegistryError::ForeignName { id, names }
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// Returns all built-in environments, in the order in which they are listed.
pub fn list() -> Vec<EnvEntry> {
    BUILTIN.entries.clone()
}

/// Returns the arguments of a built-in environment; `None` if there is none called `id`.
pub fn arguments(id: &str) -> Option<&'static [Argument]> {
    BUILTIN.get(id).map(|entry| entry.arguments)
}

/// Returns a factory of built-in environments `id` with the arguments `args`, which are checked in
/// advance.
///
/// ```
/// let args = "deterministic = true".parse()?;
/// let make = phalanx_envs::registry::factory("skirmish/8m", &args)?;
/// assert_eq!(make().spec().n_agents(), 8);
///
/// let error = phalanx_envs::registry::factory("skirmish/8n", &args).err().expect("a slip");
/// assert_eq!(
///     error.to_string(),
///     "there is no environment `skirmish/8n`; did you mean `skirmish/8m`?"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Returns the errors of [`Environments::factory`].
pub fn factory(
    id: &str,
    args: &Table,
) -> Result<impl Fn() -> Box<dyn Env> + Send + Sync + Clone + 'static + use<>, RegistryError> {
    BUILTIN.factory(id, args)
}

/// Makes one built-in environment `id` with the arguments `args`.
///
/// # Errors
///
/// Returns the errors of [`Environments::factory`].
pub fn make(id: &str, args: &Table) -> Result<Box<dyn Env>, RegistryError> {
    BUILTIN.make(id, args)
}
