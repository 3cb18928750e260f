//! The folder of a run.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use toml::Table;
use xxhash_rust::xxh3::xxh3_128;

use super::checkpoint::{RunState, StateIdentity};
use super::ended::Ended;
use super::host_info::HostInfo;
use super::log::TensorBoard;
use super::transfer::InitialWeights;
use crate::config::RunConfig;
use crate::config::renamed;
use crate::error::TrainError;
use crate::files;

/// The folder of a run: `results/<alg>/<env>/seed_<n>/`, or any other folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// The description of a run: the contents of `config.toml` and `run.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// The algorithm.
    pub alg: String,
    /// The environment.
    pub env: String,
    /// The whole configuration, without the keys `alg` and `env`.
    pub config: Table,
}

#[derive(Serialize, Deserialize)]
struct RunJson {
    /// Unlike that of any other run; saved states carry it, too.
    #[serde(default)]
    id: String,
    version: String,
    alg: String,
    env: String,
    seed: u64,
    device: String,
    machine: HostInfo,
    /// The weights with which the run began, if they came from another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    initial_weights: Option<InitialWeights>,
    /// How the run ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// The environment steps at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t_env: Option<u64>,
}

const CONFIG: &str = "config.toml";
const DESCRIPTION: &str = "run.json";
/// The file that a writing process locks. The system unlocks it when the process ends.
const LOCK: &str = "run.lock";
/// The folder that holds a run while it is replaced.
const OLD_RUN: &str = "tmp-old-run";

impl RunFolder {
    /// Returns the default folder of a run, below the folder of all results.
    pub fn path_for(run: &RunConfig, alg: &str, env: &str) -> PathBuf {
        Path::new(&run.results_dir).join(alg).join(env).join(format!("seed_{}", run.seed))
    }

    /// Locks the folder for writing as long as the returned file is open, and creates it if necessary. Has
    /// no effect on file systems without lock support.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::RunBusy`] if another process has locked it, and an error if it cannot be
    /// created.
    pub fn lock(path: &Path) -> Result<File, TrainError> {
        Self::lock_or_warn(path).map(|(file, _)| file)
    }

    /// Does the same, and also returns a warning where the file system cannot lock.
    pub(super) fn lock_or_warn(path: &Path) -> Result<(File, Option<String>), TrainError> {
        files::create_folders(path).map_err(TrainError::io("create", path))?;
        let name = path.join(LOCK);
        let open = || match files::is_there(&name) {
            true => files::open_own(&name),
            false => File::options().create_new(true).write(true).open(&name),
        };
        // Another process may have created it in between.
        let file = open().or_else(|_| open()).map_err(TrainError::io("write", &name))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TrainError::RunBusy { path: path.to_owned() }),
            Ok(()) => Ok((file, None)),
            Err(TryLockError::Error(error)) => {
                let warning = format!(
                    "{} cannot be locked ({error}): make sure that no other process writes to this run",
                    path.display()
                );
                Ok((file, Some(warning)))
            }
        }
    }

    /// Creates the folder with `config.toml` and `run.json`. With `overwrite`, the files of a run that it holds
    /// are moved aside first and removed last; files that no run has written stay.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::RunExists`] if it holds a run and `overwrite` is false, and an error if a
    /// file cannot be written.
    pub fn create(path: &Path, info: &RunInfo, overwrite: bool) -> Result<Self, TrainError> {
        let old = path.join(OLD_RUN);
        let remove_old = || files::remove(&old).map_err(TrainError::io("remove", &old));
        if Self::holds_run(path) {
            if !overwrite {
                return Err(Self::exists(path));
            }
            remove_old()?;
            move_aside(path, &old)?;
        }
        files::create_folders(path).map_err(TrainError::io("create", path))?;
        let folder = Self::at(path);
        folder.describe_as(info, &new_id(path))?;
        remove_old()?;
        Ok(folder)
    }

    /// Returns the error of a run that would be overwritten.
    pub(super) fn exists(path: &Path) -> TrainError {
        let resumable = RunState::of(path).exists();
        TrainError::RunExists { path: path.to_owned(), resumable }
    }

    /// Writes `config.toml` and `run.json`.
    ///
    /// # Errors
    ///
    /// Returns an error if they cannot be written.
    pub fn describe(&self, info: &RunInfo) -> Result<(), TrainError> {
        let id = self.id().unwrap_or_else(|| new_id(&self.path));
        self.describe_as(info, &id)
    }

    /// Returns the identifier of the run, if `run.json` holds one.
    pub(super) fn id(&self) -> Option<String> {
        self.description().ok().map(|run| run.id).filter(|id| !id.is_empty())
    }

    /// Writes `config.toml` and `run.json` of the run `id`.
    pub(super) fn describe_as(&self, info: &RunInfo, id: &str) -> Result<(), TrainError> {
        let text = |key: &str| info.config.get(key).and_then(|value| value.as_str());
        let seed = info.config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default();
        let run = RunJson {
            id: id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            alg: info.alg.clone(),
            env: info.env.clone(),
            seed: seed as u64,
            device: text("device").unwrap_or_default().to_owned(),
            machine: HostInfo::here(),
            initial_weights: self.description().ok().and_then(|run| run.initial_weights),
            ended: None,
            t_env: None,
        };
        self.write_description(&run)?;
        // Last: a folder with a configuration is a run.
        self.write(CONFIG, info.to_toml().as_bytes())
    }

    fn write_description(&self, run: &RunJson) -> Result<(), TrainError> {
        let run = serde_json::to_vec_pretty(run).expect("a description is plain data");
        self.write(DESCRIPTION, &run)
    }

    fn description(&self) -> Result<RunJson, TrainError> {
        let path = self.path.join(DESCRIPTION);
        let bytes = fs::read(&path).map_err(TrainError::io("read", &path))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| TrainError::NotARun { path, reason: error.to_string() })
    }

    /// Records in `run.json` that the run began with weights of another run.
    pub(super) fn record_initial_weights(&self, initial: InitialWeights) -> Result<(), TrainError> {
        let run = self.description()?;
        self.write_description(&RunJson { initial_weights: Some(initial), ..run })
    }

    /// Records in `run.json` that the run ended after `t_env` environment steps.
    pub(super) fn end(&self, ended: Ended, t_env: u64) -> Result<(), TrainError> {
        // A run does not fail at its end because its description was deleted.
        let Ok(run) = self.description() else { return Ok(()) };
        self.write_description(&RunJson { ended: Some(ended), t_env: Some(t_env), ..run })
    }

    /// Returns how and after how many environment steps the run ended, if `run.json` has recorded it.
    pub(super) fn ended(&self) -> Option<(Ended, u64)> {
        let run = self.description().ok()?;
        run.ended.zip(run.t_env)
    }

    /// Returns the folder at `path`, which exists.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Returns whether the folder at `path` holds a run.
    pub(super) fn holds_run(path: &Path) -> bool {
        files::is_there(&path.join(CONFIG))
    }

    /// Opens the folder of a run and reads its configuration.
    ///
    /// # Errors
    ///
    /// Returns an error if it holds no run or its `config.toml` is damaged.
    pub fn open(path: &Path) -> Result<(Self, RunInfo), TrainError> {
        let unreadable = |reason: String| TrainError::NotARun { path: path.to_owned(), reason };
        let text = fs::read_to_string(path.join(CONFIG))
            .map_err(|error| unreadable(format!("{CONFIG}: {error}")))?;
        let info = RunInfo::from_toml(&text).map_err(unreadable)?;
        Ok((Self::at(path), info))
    }

    /// Restores an unreadable `config.toml` from the copy in the latest saved state. Returns a message if it did.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder is in use by another process or the file cannot be written.
    pub fn restore_config(path: &Path) -> Result<Option<String>, TrainError> {
        if Self::open(path).is_ok() || !path.is_dir() {
            return Ok(None);
        }
        let state = RunState::of(path).load_latest().ok().flatten();
        let Some(identity) = state.and_then(|state| StateIdentity::read(&state.files)) else {
            return Ok(None);
        };
        let _lock = Self::lock(path)?;
        Self::at(path).write(CONFIG, identity.config.as_bytes())?;
        let name = path.join(CONFIG);
        Ok(Some(format!(
            "{} was missing or damaged and is restored from the saved state",
            name.display()
        )))
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of the folder atomically: a reader sees the old contents or the new ones.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        let path = self.path.join(name);
        files::replace(&path, bytes).map_err(TrainError::io("write", &path))
    }
}

impl RunInfo {
    /// Returns the contents of `config.toml`.
    pub(super) fn to_toml(&self) -> String {
        let mut table = Table::new();
        table.insert("alg".to_owned(), self.alg.clone().into());
        table.insert("env".to_owned(), self.env.clone().into());
        table.extend(self.config.clone());
        table.to_string()
    }

    /// Reads the contents of `config.toml`. The error is the reason.
    pub(super) fn from_toml(text: &str) -> Result<Self, String> {
        let mut config: Table =
            toml::from_str(text).map_err(|error| format!("{CONFIG}: {error}"))?;
        let mut take = |key: &str| match config.remove(key) {
            Some(toml::Value::String(text)) => Ok(text),
            _ => Err(format!("{CONFIG} has no key `{key}`")),
        };
        let (alg, env) = (take("alg")?, take("env")?);
        // The run may be older than a name.
        let alg = renamed::algorithm(&alg).map(str::to_owned).unwrap_or(alg);
        let current = |key: String| renamed::key(&key).map(str::to_owned).unwrap_or(key);
        let config = config.into_iter().map(|(key, value)| (current(key), value)).collect();
        Ok(Self { alg, env, config })
    }

    /// Returns the first key whose value differs in `other`. A missing key has its value in `defaults`; keys that may
    /// change when a run is resumed are left out. An entry of a table is named `env_args.map`.
    pub fn difference(&self, other: &Self, defaults: &Table) -> Option<String> {
        if self.alg != other.alg {
            return Some("alg".to_owned());
        }
        if self.env != other.env {
            return Some("env".to_owned());
        }
        let value =
            |info: &'_ Self, key: &str| info.config.get(key).or_else(|| defaults.get(key)).cloned();
        let known = self.config.keys().filter(|key| defaults.contains_key(*key));
        let keys = other.config.keys().chain(known);
        let fixed = |key: &&String| !RunConfig::CHANGEABLE_ON_RESUME.contains(&key.as_str());
        let key = keys.filter(fixed).find(|key| value(self, key) != value(other, key))?;
        // Of a table, the entry that differs.
        let tables = (value(self, key), value(other, key));
        let (Some(toml::Value::Table(ours)), Some(toml::Value::Table(theirs))) = tables else {
            return Some(key.clone());
        };
        let entry = ours.keys().chain(theirs.keys()).find(|it| ours.get(*it) != theirs.get(*it));
        Some(entry.map_or_else(|| key.clone(), |entry| format!("{key}.{entry}")))
    }
}

/// Returns an identifier for a new run at `path`, unlike that of any other run.
fn new_id(path: &Path) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("{now} {} {}", std::process::id(), path.display());
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The files of a run in its folder, besides the lock, `tb/`, `checkpoints/` and `state/`. The configuration comes
/// last, because a folder with one is a run.
const FILES: [&str; 5] = [DESCRIPTION, "metrics.jsonl", "log.txt", "marl_eval.json", CONFIG];

/// Moves all files of the run at `path` into the folder `old`, and nothing else. Whenever it is interrupted, the rest
/// is still refused as a run that exists, and cannot be resumed under another configuration.
fn move_aside(path: &Path, old: &Path) -> Result<(), TrainError> {
    let folders = ["state", "checkpoints", "tb"];
    for name in folders {
        let (from, to) = (path.join(name), old.join(name));
        if !fs::symlink_metadata(&from).is_ok_and(|found| found.is_dir()) {
            continue;
        }
        files::create_folders(&to).map_err(TrainError::io("create", &to))?;
        for entry in fs::read_dir(&from).map_err(TrainError::io("read", &from))? {
            let entry = entry.map_err(TrainError::io("read", &from))?.file_name();
            if entry.to_str().is_some_and(|entry| is_own(name, entry)) {
                let entry_path = from.join(&entry);
                fs::rename(&entry_path, to.join(&entry))
                    .map_err(TrainError::io("move", &entry_path))?;
            }
        }
        // It stays if files of the user's are left in it.
        let _ = fs::remove_dir(&from);
    }
    files::create_folders(old).map_err(TrainError::io("create", old))?;
    for name in FILES {
        let from = path.join(name);
        files::remove(&path.join(format!("{}{name}", files::TEMPORARY)))
            .map_err(TrainError::io("remove", &from))?;
        if files::is_there(&from) {
            fs::rename(&from, old.join(name)).map_err(TrainError::io("move", &from))?;
        }
    }
    files::sync_folder(path).map_err(TrainError::io("write", path))
}

/// Returns whether the entry `name` of a run's folder `folder` was written by the run.
fn is_own(folder: &str, name: &str) -> bool {
    match folder {
        "tb" => TensorBoard::is_own(name),
        _ => {
            let step = name.strip_prefix("step_").is_some_and(|step| step.parse::<u64>().is_ok());
            step || name == "index.json" || name.starts_with(files::TEMPORARY)
        }
    }
}
