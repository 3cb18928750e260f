//! All environments by their identifier.
//!
//! A new environment is one new file and one line in `all`. Battles may have several sets of rules,
//! each with arguments of its own.

use std::sync::Arc;

use phalanx_core::env::Env;
use toml::Table;

use crate::arguments::{Argument, ArgumentError, nearest, read, wrong};
use crate::matrix::{
    Family, KStep, KStepArgs, MATRIX_FAMILIES, MATRIX_GAMES, MatrixGame, Mmdp, MmdpArgs, TwoStep,
};
use crate::predator_prey::{self, PredatorPrey, PredatorPreyArgs};
use crate::skirmish::smax::{self, SCENARIOS, Scenario, Smax, SmaxArgs, SmaxError};
use crate::skirmish::{ARGUMENTS, MAPS, Map, MapError, Skirmish, SkirmishArgs, sides};

/// An environment that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvEntry {
    /// The identifier, as on the command line.
    pub id: String,
    /// One sentence about the task.
    pub summary: String,
    /// The sets of rules it can be played by; the first holds unless the argument `rules` names
    /// another.
    pub rules: Vec<RuleSet>,
}

/// A set of rules of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// The value of the argument `rules`; `None` for an environment without that argument.
    pub name: Option<&'static str>,
    /// The arguments under these rules, beside `rules` itself.
    pub arguments: &'static [Argument],
}

/// Environments without a choice of rules and without arguments.
const PLAIN: RuleSet = RuleSet { name: None, arguments: &[] };
/// The game of MAVEN.
const K_STEP: RuleSet = RuleSet { name: None, arguments: KStepArgs::ARGUMENTS };
/// The game of QPLEX.
const MMDP: RuleSet = RuleSet { name: None, arguments: MmdpArgs::ARGUMENTS };
/// The hunt of DCG and Weighted QMIX.
const HUNT: RuleSet = RuleSet { name: None, arguments: predator_prey::ARGUMENTS };
/// Battles with the interface of SMAC and SMACv2.
const LIBERTY: RuleSet = RuleSet { name: Some("liberty"), arguments: ARGUMENTS };
/// Battles of JaxMARL.
const SMAX: RuleSet = RuleSet { name: Some("smax"), arguments: smax::ARGUMENTS };

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
    #[error("environment `{id}`: {error}")]
    Argument {
        /// The environment.
        id: String,
        /// What is wrong.
        error: ArgumentError,
    },
    /// The rules `smax` have no such battle.
    #[error("environment `{id}`: {error}")]
    Scenario {
        /// The environment.
        id: String,
        /// What is wrong.
        error: SmaxError,
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
    Scenario(SmaxError),
    Map(MapError),
}

impl Refusal {
    fn of(self, id: &str) -> RegistryError {
        let id = id.to_owned();
        match self {
            Self::Argument(error) | Self::Scenario(SmaxError::Argument(error)) => {
                RegistryError::Argument { id, error }
            }
            Self::Scenario(error) => RegistryError::Scenario { id, error },
            Self::Map(error) => RegistryError::Map(error),
        }
    }
}

impl From<ArgumentError> for Refusal {
    fn from(error: ArgumentError) -> Self {
        Self::Argument(error)
    }
}

impl From<SmaxError> for Refusal {
    fn from(error: SmaxError) -> Self {
        Self::Scenario(error)
    }
}

impl From<MapError> for Refusal {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

/// An environment, with what makes it and what describes it.
struct Line {
    id: String,
    rules: Vec<RuleSet>,
    prepare: Prepare,
    summarise: fn(name: &str) -> String,
}

/// Every environment.
fn all() -> Vec<Line> {
    let line = |id, rules: &[RuleSet], prepare, summarise| Line {
        id,
        rules: rules.to_vec(),
        prepare,
        summarise,
    };
    let mut lines = Vec::new();
    for payoff in MATRIX_GAMES {
        let id = format!("matrix/{}", payoff.name);
        lines.push(line(id, &[PLAIN], matrix_game, |name| payoff_named(name).summary.to_owned()));
    }
    for family in MATRIX_FAMILIES {
        let id = format!("matrix/{}", family.name);
        let rules = RuleSet { name: None, arguments: family.arguments };
        lines.push(line(id, &[rules], matrix_family, |name| family_named(name).summary.to_owned()));
    }
    type Task = (&'static str, RuleSet, Prepare, fn(&str) -> String);
    let tasks: [Task; 5] = [
        ("two_step", PLAIN, two_step, |_| TwoStep::SUMMARY.to_owned()),
        ("two_step_non_monotone", PLAIN, two_step, |_| TwoStep::NON_MONOTONE_SUMMARY.to_owned()),
        ("k_step", K_STEP, k_step, |_| KStep::SUMMARY.to_owned()),
        ("mmdp", MMDP, mmdp, |_| Mmdp::SUMMARY.to_owned()),
        ("predator_prey", HUNT, hunt, |_| PredatorPrey::SUMMARY.to_owned()),
    ];
    for (id, rules, prepare, summarise) in tasks {
        lines.push(line(id.to_owned(), &[rules], prepare, summarise));
    }
    for (name, _) in MAPS {
        let both = [LIBERTY, SMAX];
        let rules = if Scenario::named(name).is_some() { &both[..] } else { &both[..1] };
        lines.push(line(format!("skirmish/{name}"), rules, skirmish, map_summary));
    }
    let maps = |name: &str| MAPS.iter().any(|(map, _)| *map == name);
    for scenario in SCENARIOS.iter().filter(|scenario| !maps(scenario.name)) {
        let id = format!("skirmish/{}", scenario.name);
        lines.push(line(id, &[SMAX], smax_alone, scenario_summary));
    }
    lines
}

fn payoff_named(name: &str) -> crate::matrix::Payoff {
    let payoff = MATRIX_GAMES.iter().find(|payoff| payoff.name == name);
    *payoff.expect("the identifier was made from this table")
}

fn family_named(name: &str) -> Family {
    let family = MATRIX_FAMILIES.iter().find(|family| family.name == name);
    *family.expect("the identifier was made from this table")
}

/// Who fights, and whose battle it is.
fn map_summary(name: &str) -> String {
    let map = Map::named(name).expect("the identifier was made from this table");
    let source = if map.generate.is_some() { "SMACv2" } else { "SMAC" };
    let also = if Scenario::named(name).is_some() { ", or by JaxMARL's (rules=smax)" } else { "" };
    format!("{}; {source}'s battle, by the game's rules{also}.", sides(&map))
}

fn scenario_summary(name: &str) -> String {
    let scenario = Scenario::named(name).expect("the identifier was made from this table");
    let (allies, enemies) = (scenario.n_allies(), scenario.n_enemies());
    format!("{allies} against {enemies} of the same random kinds; JaxMARL's battle and rules.")
}

#[derive(serde::Deserialize)]
struct NoArguments {}

fn matrix_game(name: &str, args: &Table) -> Result<Maker, Refusal> {
    read::<NoArguments>(args, &[])?;
    let payoff = payoff_named(name);
    Ok(Arc::new(move || Box::new(MatrixGame::new(payoff))))
}

fn matrix_family(name: &str, args: &Table) -> Result<Maker, Refusal> {
    let game = family_named(name).game(args)?;
    Ok(Arc::new(move || Box::new(game.clone())))
}

fn two_step(name: &str, args: &Table) -> Result<Maker, Refusal> {
    read::<NoArguments>(args, &[])?;
    let game = if name == "two_step" { TwoStep::new() } else { TwoStep::non_monotone() };
    Ok(Arc::new(move || Box::new(game.clone())))
}

fn k_step(_: &str, args: &Table) -> Result<Maker, Refusal> {
    let game = KStep::new(KStepArgs::from_table(args)?)?;
    Ok(Arc::new(move || Box::new(game.clone())))
}

fn mmdp(_: &str, args: &Table) -> Result<Maker, Refusal> {
    let game = Mmdp::new(MmdpArgs::from_table(args)?)?;
    Ok(Arc::new(move || Box::new(game.clone())))
}

fn hunt(_: &str, args: &Table) -> Result<Maker, Refusal> {
    let args = PredatorPreyArgs::from_table(args)?;
    // Made anew each time: a clone would lack the room that is reserved for lists that grow.
    Ok(Arc::new(move || {
        let hunt = PredatorPrey::new(args.clone());
        Box::new(hunt.expect("the same arguments were accepted before"))
    }))
}

fn skirmish(name: &str, args: &Table) -> Result<Maker, Refusal> {
    let is_smax = |rules: &toml::Value| rules.as_str() == SMAX.name;
    if args.get("rules").is_some_and(is_smax) {
        return smax_alone(name, args);
    }
    let map = Map::named(name)?;
    let args = SkirmishArgs::for_map(&map, args)?;
    Skirmish::new(map.clone(), args.clone())?;
    // Made anew each time: a clone would lack the room that is reserved for lists that grow.
    Ok(Arc::new(move || {
        let battle = Skirmish::new(map.clone(), args.clone());
        Box::new(battle.expect("the same arguments were accepted before"))
    }))
}

/// A battle of the rules `smax`, the only ones it has or those that were chosen.
fn smax_alone(name: &str, args: &Table) -> Result<Maker, Refusal> {
    let mut args = args.clone();
    if let Some(rules) = args.remove("rules").filter(|rules| rules.as_str() != SMAX.name) {
        let only = Argument { key: "rules", allowed: "\"smax\"" };
        return Err(wrong(&only, rules).into());
    }
    // A missing scenario explains more than an argument that it would not have either.
    Smax::new(name, SmaxArgs::default())?;
    let battle = Smax::new(name, SmaxArgs::from_table(&args)?)?;
    Ok(Arc::new(move || Box::new(battle.clone())))
}

/// All environments, in the order in which they are listed.
pub fn list() -> Vec<EnvEntry> {
    let entry = |line: Line| {
        let summary = (line.summarise)(name_of(&line.id));
        EnvEntry { id: line.id, summary, rules: line.rules }
    };
    all().into_iter().map(entry).collect()
}

/// The sets of rules of environment `id`, the default first; none where there is no such
/// environment.
pub fn rules(id: &str) -> Vec<RuleSet> {
    all().into_iter().find(|line| line.id == id).map_or_else(Vec::new, |line| line.rules)
}

/// The last part of an identifier.
fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
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
    let Some(line) = lines.iter().find(|line| line.id == id) else {
        let nearest = nearest(id, lines.iter().map(|line| line.id.as_str()));
        let nearest = nearest.expect("there are environments").to_owned();
        return Err(RegistryError::UnknownId { id: id.to_owned(), nearest });
    };
    let maker = (line.prepare)(name_of(id), args).map_err(|refusal| refusal.of(id))?;
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
