//! One environment of the registry: its identifier, its arguments and its factory.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use phalanx_core::env::Env;
use toml::Table;

use crate::arguments::{Argument, check_keys};

/// The reason why an entry rejects its arguments. Any error converts to it, so `?` works in `prepare`.
pub type EnvArgError = Box<dyn Error + Send + Sync>;

type Prepare = dyn Fn(&Table) -> Result<Factory, EnvArgError> + Send + Sync;

/// Makes copies of one environment whose arguments have been checked.
#[derive(Clone)]
pub struct Factory(Arc<dyn Fn() -> Box<dyn Env> + Send + Sync>);

impl Factory {
    /// Wraps a function that makes one environment.
    pub fn new<E: Env + 'static>(make: impl Fn() -> E + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(make())))
    }

    /// Makes one environment.
    pub fn make(&self) -> Box<dyn Env> {
        (self.0)()
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Factory").finish_non_exhaustive()
    }
}

/// An environment that can be made by its identifier.
///
/// [`EnvEntry::simple`] suffices for an environment without arguments, [`EnvEntry::new`] is for one with
/// arguments:
///
/// ```
/// # use phalanx_core::env::Env;
/// use phalanx_envs::arguments::{Argument, read};
/// use phalanx_envs::matrix::MatrixGame;
/// use phalanx_envs::registry::{EnvEntry, Environments, Factory};
///
/// #[derive(Clone, serde::Deserialize)]
/// #[serde(default)]
/// struct Args {
///     prize: f32,
/// }
/// # impl Default for Args { fn default() -> Self { Self { prize: 1.0 } } }
///
/// const ARGUMENTS: &[Argument] = &[Argument { key: "prize", allowed: "a number" }];
///
/// fn entry() -> EnvEntry {
///     EnvEntry::new("matrix/agree", "Two agents are rewarded for agreeing.", ARGUMENTS, |args| {
///         let Args { prize } = read(args, ARGUMENTS)?;
///         let table = vec![vec![prize, 0.0], vec![0.0, prize]];
///         let game = MatrixGame::with_table("agree", "Two agents are rewarded for agreeing.", table);
///         Ok(Factory::new(move || game.clone()))
///     })
/// }
///
/// let mut environments = Environments::builtin();
/// environments.register(entry())?;
/// let env = environments.make("matrix/agree", &"prize = 3".parse()?)?;
/// assert_eq!(env.spec().max_return, Some(3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EnvEntry {
    /// The identifier, as on the command line; the environment's
    /// [`EnvSpec::id`](phalanx_core::env::EnvSpec::id) is the same.
    pub id: String,
    /// One sentence about the task.
    pub summary: String,
    /// The arguments that it accepts.
    pub arguments: &'static [Argument],
    named_by: Option<&'static str>,
    prepare: Arc<Prepare>,
}

impl EnvEntry {
    /// Describes an environment with `arguments`; `prepare` checks them and returns the factory.
    pub fn new(
        id: impl Into<String>,
        summary: impl Into<String>,
        arguments: &'static [Argument],
        prepare: impl Fn(&Table) -> Result<Factory, EnvArgError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            arguments,
            named_by: None,
            prepare: Arc::new(prepare),
        }
    }

    /// Describes an environment without arguments; `make` makes one.
    ///
    /// ```
    /// use phalanx_envs::matrix::{MATRIX_GAMES, MatrixGame};
    /// use phalanx_envs::registry::EnvEntry;
    ///
    /// let entry = EnvEntry::simple("my_game", "A game of my own.", || MatrixGame::new(MATRIX_GAMES[0]));
    /// assert!(entry.prepare(&"prize = 3".parse()?).is_err(), "it takes no arguments");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn simple<E: Env + 'static>(
        id: impl Into<String>,
        summary: impl Into<String>,
        make: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self {
        let factory = Factory::new(make);
        Self::new(id, summary, &[], move |args| {
            check_keys(args, &[])?;
            Ok(factory.clone())
        })
    }

    /// Makes `key` a required argument that determines the name of the task: the environment's own
    /// identifier is then `<id>/<name>`, and is accepted in place of `<id>` together with `key`.
    /// Runs on different custom maps thus have different identifiers.
    #[must_use]
    pub fn named_by(self, key: &'static str) -> Self {
        Self { named_by: Some(key), ..self }
    }

    /// Returns the required argument, if there is one.
    pub fn required_argument(&self) -> Option<&'static str> {
        self.named_by
    }

    /// Checks `args` and returns the factory of environments with these arguments.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is unknown or has an invalid value.
    pub fn prepare(&self, args: &Table) -> Result<Factory, EnvArgError> {
        (self.prepare)(args)
    }
}

impl fmt::Debug for EnvEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvEntry")
            .field("id", &self.id)
            .field("summary", &self.summary)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
