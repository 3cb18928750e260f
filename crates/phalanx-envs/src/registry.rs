//! All environments by their identifier.
//!
//! A new environment is one new file and one line in `all`.

use std::sync::Arc;

use phalanx_core::env::Env;
use toml::Table;

use crate::arguments::{Argument, ArgumentError, nearest, read};
use crate::matrix::{MATRIX_GAMES, MatrixGame, TwoStep};
use crate::skirmish::{ARGUMENTS, MAPS, Map, MapError, Skirmish, SkirmishArgs};

/// An environment that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvEntry {
    /// The identifier, as on the command line.
    pub id: String,
    /// One sentence about the task.
    pub summary: String,
    /// The arguments it takes.
    pub arguments: &'static [Argument],
}

/// Why an environment cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such environment.
    #[error("there is no environment `{id}`; did you mean `{nearest}`?")]
    UnknownId {
        /// What was asked for.
        id: String,
        /// The identifier most like it.
        nearest: String,
    },
    /// An argument is unknown or has a value it may not take.
    #[error("environment `{id}`: {source}")]
    Argument {
        /// The environment.
        id: String,
        /// What is wrong.
        source: ArgumentError,
    },
    /// The map of a battle is malformed.
    #[error(transparent)]
    Map(#[from] MapError),
}

type Maker = Arc<dyn Fn() -> Box<dyn Env> + Send + Sync>;
/// Reads the arguments of the environment with the last part of its identifier and prepares it.
type Prepare = fn(name: &str, args: &Table) -> Result<Maker, Refusal>;

enum Refusal {
    Argument(ArgumentError),
    Map(MapError),
}

impl Refusal {
    fn of(self, id: &str) -> RegistryError {
        match self {
            Self::Argument(source) => RegistryError::Argument { id: id.to_owned(), source },
            Self::Map(error) => RegistryError::Map(error),
        }
    }
}

impl From<ArgumentError> for Refusal {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

impl From<MapError> for Refusal {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

/// Every environment with what makes it.
fn all() -> Vec<(EnvEntry, Prepare)> {
    let mut lines: Vec<(EnvEntry, Prepare)> = Vec::new();
    let mut add = |id: String, summary: String, arguments, prepare| {
        lines.push((EnvEntry { id, summary, arguments }, prepare));
    };
    for payoff in MATRIX_GAMES {
        add(format!("matrix/{}", payoff.name), payoff.summary.to_owned(), &[], matrix_game);
    }
    add("two_step".to_owned(), TwoStep::SUMMARY.to_owned(), &[], two_step);
    for (name, text) in MAPS {
        let summary = if text.contains("\n[generate]\n") {
            format!("A battle of teams drawn as in SMACv2 ({name}), with SMACv2's interface.")
        } else {
            format!("A battle on SMAC's map {name}, simulated with SMAC's interface.")
        };
        add(format!("skirmish/{name}"), summary, ARGUMENTS, skirmish);
    }
    lines
}

#[derive(serde::Deserialize)]
struct NoArguments {}

fn matrix_game(name: &str, args: &Table) -> Result<Maker, Refusal> {
    read::<NoArguments>(args, &[])?;
    let payoff = MATRIX_GAMES.iter().find(|payoff| payoff.name == name);
    let payoff = *payoff.expect("the identifier was made from this table");
    Ok(Arc::new(move || Box::new(MatrixGame::new(payoff))))
}

fn two_step(_: &str, args: &Table) -> Result<Maker, Refusal> {
    read::<NoArguments>(args, &[])?;
    Ok(Arc::new(|| Box::new(TwoStep::new())))
}

fn skirmish(name: &str, args: &Table) -> Result<Maker, Refusal> {
    let map = Map::named(name)?;
    let args = SkirmishArgs::for_map(&map, args)?;
    Skirmish::new(map.clone(), args.clone())?;
    // Made anew each time: a clone would lack the room that is reserved for lists that grow.
    Ok(Arc::new(move || {
        let battle = Skirmish::new(map.clone(), args.clone());
        Box::new(battle.expect("the same arguments were accepted before"))
    }))
}

/// All environments, in the order in which they are listed.
pub fn list() -> Vec<EnvEntry> {
    all().into_iter().map(|(entry, _)| entry).collect()
}

/// What makes environments `id` with the arguments `args`, checked in advance.
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
/// When there is no such environment (the error names the one most like it), or an argument is
/// unknown or wrong (the error names the key, the known key most like it and what is allowed).
pub fn factory(
    id: &str,
    args: &Table,
) -> Result<impl Fn() -> Box<dyn Env> + Send + Sync + Clone + 'static + use<>, RegistryError> {
    let lines = all();
    let Some((_, prepare)) = lines.iter().find(|(entry, _)| entry.id == id) else {
        let nearest = nearest(id, lines.iter().map(|(entry, _)| entry.id.as_str()));
        let nearest = nearest.expect("there are environments").to_owned();
        return Err(RegistryError::UnknownId { id: id.to_owned(), nearest });
    };
    let name = id.rsplit('/').next().unwrap_or(id);
    let maker = prepare(name, args).map_err(|refusal| refusal.of(id))?;
    Ok(move || maker())
}

/// One environment `id` with the arguments `args`.
///
/// # Errors
///
/// Those of [`factory`].
pub fn make(id: &str, args: &Table) -> Result<Box<dyn Env>, RegistryError> {
    Ok(factory(id, args)?())
}
