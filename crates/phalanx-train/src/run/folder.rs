//! The folder of a run.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Table;

use super::ended::Ended;
use super::host_info::HostInfo;
use super::transfer::InitialWeights;
use crate::config::RunConfig;
use crate::config::renamed;
use crate::error::TrainError;

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
        fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        let name = path.join(LOCK);
        let open = File::options().create(true).truncate(false).write(true).open(&name);
        let file = open.map_err(TrainError::io("write", &name))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TrainError::RunBusy { path: path.to_owned() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    /// Creates the folder with `config.toml` and `run.json`.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::RunExists`] if it holds a run and `overwrite` is false, and an error if a
    /// file cannot be written.
    pub fn create(path: &Path, info: &RunInfo, overwrite: bool) -> Result<Self, TrainError> {
        if Self::holds_run(path) {
            if !overwrite {
                return Err(TrainError::RunExists { path: path.to_owned() });
            }
            // The caller may hold the lock.
            let entries = fs::read_dir(path).map_err(TrainError::io("read", path))?;
            for entry in entries {
                let old = entry.map_err(TrainError::io("read", path))?.path();
                let remove = if old.is_dir() { fs::remove_dir_all } else { fs::remove_file };
                if old.file_name().is_some_and(|name| name != LOCK) {
                    remove(&old).map_err(TrainError::io("remove", &old))?;
                }
            }
        }
        fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        let folder = Self::at(path);
        folder.describe(info)?;
        Ok(folder)
    }

    /// Writes `config.toml` and `run.json`.
    ///
    /// # Errors
    ///
    /// Returns an error if they cannot be written.
    pub fn describe(&self, info: &RunInfo) -> Result<(), TrainError> {
        let mut table = Table::new();
        table.insert("alg".to_owned(), info.alg.clone().into());
        table.insert("env".to_owned(), info.env.clone().into());
        table.extend(info.config.clone());
        self.write(CONFIG, table.to_string().as_bytes())?;
        let text = |key: &str| info.config.get(key).and_then(|value| value.as_str());
        let seed = info.config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default();
        let run = RunJson {
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
        self.write_description(&run)
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
        path.join(CONFIG).exists()
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
        let mut config: Table =
            toml::from_str(&text).map_err(|error| unreadable(format!("{CONFIG}: {error}")))?;
        let mut take = |key: &str| match config.remove(key) {
            Some(toml::Value::String(text)) => Ok(text),
            _ => Err(unreadable(format!("{CONFIG} has no key `{key}`"))),
        };
        let (alg, env) = (take("alg")?, take("env")?);
        // The run may be older than a name.
        let alg = renamed::algorithm(&alg).map(str::to_owned).unwrap_or(alg);
        let current = |key: String| renamed::key(&key).map(str::to_owned).unwrap_or(key);
        let config = config.into_iter().map(|(key, value)| (current(key), value)).collect();
        Ok((Self::at(path), RunInfo { alg, env, config }))
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
        let (path, temporary) = (self.path.join(name), self.path.join(format!("tmp-{name}")));
        fs::write(&temporary, bytes).map_err(TrainError::io("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(TrainError::io("write", &path))
    }
}
