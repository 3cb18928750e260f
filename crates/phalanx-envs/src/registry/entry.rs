//! One environment of the registry: its name, its arguments and how it is made.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use phalanx_core::env::Env;
use toml::Table;

use crate::arguments::Argument;

/// Why an entry refuses its arguments: any error, so that `?` works on those of any environment.
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
/// A custom environment in a custom registry:
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
///     EnvEntry::new("matrix/agree", "Two agents are paid for agreeing.", ARGUMENTS, |args| {
///         let Args { prize } = read(args, ARGUMENTS)?;
///         let table = vec![vec![prize, 0.0], vec![0.0, prize]];
///         let game = MatrixGame::with_table("agree", "Two agents are paid for agreeing.", table);
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
    /// The arguments it takes.
    pub arguments: &'static [Argument],
    named_by: Option<&'static str>,
    prepare: Arc<Prepare>,
}

impl EnvEntry {
    /// Describes an environment; `prepare` checks its arguments and returns what makes it.
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

    /// Makes `key` an argument that must be given and that names the task: the environment's own
    /// identifier is then `<id>/<name>`, and is accepted in place of `<id>` together with `key`.
    /// So runs on different custom maps are kept apart.
    #[must_use]
    pub fn named_by(self, key: &'static str) -> Self {
        Self { named_by: Some(key), ..self }
    }

    /// Returns the argument without which this environment cannot be made, if there is one.
    pub fn required_argument(&self) -> Option<&'static str> {
        self.named_by
    }

    /// Checks `args`.
    ///
    /// # Errors
    ///
    /// When an argument is unknown or has a value that it may not take.
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
