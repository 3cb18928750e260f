//! The folder of a run.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::checkpoint::{RunState, StateIdentity};
use super::ended::Ended;
use super::log::TensorBoard;
use super::run_info::RunInfo;
use super::run_json::{RunJson, checksum};
use super::transfer::InitialWeights;
use crate::config::RunConfig;
use crate::error::TrainError;
use crate::files;

/// The folder of a run: `results/<alg>/<env>/seed_<n>/`, or any other folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// The file with the configuration. A folder that has one is a run.
pub(super) const CONFIG: &str = "config.toml";
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
        Self::lock_with(path, File::try_lock)
    }

    /// Does the same with a function that locks a file.
    fn lock_with(
        path: &Path,
        try_lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<(File, Option<String>), TrainError> {
        files::create_folders(path).map_err(TrainError::io("create", path))?;
        let name = path.join(LOCK);
        let open = || match files::is_there(&name) {
            true => files::open_own(&name),
            false => File::options().create_new(true).write(true).open(&name),
        };
        // Another process may have created it in between.
        let file = open().or_else(|_| open()).map_err(TrainError::io("write", &name))?;
        match try_lock(&file) {
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
        folder.describe_as(info, &new_id(path), None)?;
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
        let (id, initial_weights) = self.origin().unwrap_or_else(|| (new_id(&self.path), None));
        self.describe_as(info, &id, initial_weights)
    }

    /// Returns the identifier of the run and the weights with which it began, if `run.json` holds them.
    pub(super) fn origin(&self) -> Option<(String, Option<InitialWeights>)> {
        let run = RunJson::read(&self.path).ok().filter(|run| !run.id.is_empty())?;
        Some((run.id, run.initial_weights))
    }

    /// Writes `config.toml` and `run.json` of the run `id`.
    pub(super) fn describe_as(
        &self,
        info: &RunInfo,
        id: &str,
        initial_weights: Option<InitialWeights>,
    ) -> Result<(), TrainError> {
        let text = |key: &str| info.config.get(key).and_then(|value| value.as_str());
        let seed = info.config.get("seed").and_then(toml::Value::as_integer).unwrap_or_default();
        let device = text("device").unwrap_or_default();
        let config = info.to_toml();
        let run = RunJson::new(id, &info.alg, &info.env, seed as u64, device);
        let config_xxh3 = Some(checksum(config.as_bytes()));
        RunJson { initial_weights, config_xxh3, ..run }.write(self)?;
        // Last: a folder with a configuration is a run.
        self.write(CONFIG, config.as_bytes())
    }

    /// Returns a message if `run.json` is missing or damaged.
    pub(super) fn description_damage(&self) -> Option<String> {
        let error = RunJson::read(&self.path).err()?;
        Some(format!("{error}; it is written again from the saved state"))
    }

    /// Records in `run.json` that the run began with weights of another run.
    pub(super) fn record_initial_weights(&self, initial: InitialWeights) -> Result<(), TrainError> {
        let run = RunJson::read(&self.path)?;
        RunJson { initial_weights: Some(initial), ..run }.write(self)
    }

    /// Records in `run.json` that the run ended after `t_env` environment steps.
    pub(super) fn end(&self, ended: Ended, t_env: u64) -> Result<(), TrainError> {
        // A run does not fail at its end because its description was deleted.
        let Ok(run) = RunJson::read(&self.path) else { return Ok(()) };
        RunJson { ended: Some(ended), t_env: Some(t_env), ..run }.write(self)
    }

    /// Returns how and after how many environment steps the run ended, if `run.json` has recorded it.
    pub(super) fn ended(&self) -> Option<(Ended, u64)> {
        let run = RunJson::read(&self.path).ok()?;
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
        let what = "was missing or damaged and is restored from the saved state";
        Ok(Some(format!("{} {what}", name.display())))
    }

    /// Checks that nobody has edited `config.toml` since the program wrote it, in the keys that may change when the run
    /// is resumed. Keys for which `assigned` returns true get their values elsewhere and are left out. The other keys
    /// are compared with the saved state when the run is resumed.
    ///
    /// # Errors
    ///
    /// Returns [`TrainError::NothingToResume`] with the first key whose value is not that of the latest saved state.
    pub fn check_unedited(path: &Path, assigned: impl Fn(&str) -> bool) -> Result<(), TrainError> {
        let (_, info) = Self::open(path)?;
        let written = RunJson::read(path).ok().and_then(|run| run.config_xxh3);
        let text = fs::read(path.join(CONFIG)).map_err(TrainError::io("read", path))?;
        if written.is_some_and(|written| written == checksum(&text)) {
            return Ok(());
        }
        let Some(identity) = RunState::of(path).identity() else { return Ok(()) };
        let cannot = |reason| TrainError::NothingToResume { path: path.to_owned(), reason };
        let saved = RunInfo::from_toml(&identity.config).map_err(cannot)?;
        let shown = |info: &RunInfo, key: &str| {
            info.config.get(key).map_or_else(|| "missing".to_owned(), ToString::to_string)
        };
        let mut keys = RunConfig::CHANGEABLE_ON_RESUME.into_iter().filter(|key| !assigned(key));
        match keys.find(|key| info.config.get(*key) != saved.config.get(*key)) {
            None => Ok(()),
            Some(key) => Err(cannot(format!(
                "`{key}` is {} in its config.toml, but {} in its saved state; to resume with another value, \
                 give {key}=VALUE on the command line",
                shown(&info, key),
                shown(&saved, key)
            ))),
        }
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

/// Returns an identifier for a new run at `path`, unlike that of any other run.
fn new_id(path: &Path) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let text = format!("{now} {} {}", std::process::id(), path.display());
    checksum(text.as_bytes())
}

/// The files of a run in its folder, besides the lock, `tb/`, `checkpoints/` and `state/`. The configuration comes
/// last, because a folder with one is a run.
const FILES: [&str; 5] = [RunJson::NAME, "metrics.jsonl", "log.txt", "marl_eval.json", CONFIG];

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

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_file_system_without_locks_is_a_warning_and_a_lock_of_another_process_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run");
        let unsupported = |_: &File| Err(TryLockError::Error(Error::from(ErrorKind::Unsupported)));
        let (_file, warning) = RunFolder::lock_with(&path, unsupported).expect("the run goes on");
        let warning = warning.expect("a warning");
        let (name, cause) = (path.display().to_string(), Error::from(ErrorKind::Unsupported));
        assert!(warning.starts_with(&format!("{name} cannot be locked ({cause})")), "{warning}");
        let busy = RunFolder::lock_with(&path, |_| Err(TryLockError::WouldBlock));
        assert!(matches!(busy, Err(TrainError::RunBusy { .. })));
        let (_file, warning) = RunFolder::lock_or_warn(&path).expect("it is not locked");
        assert_eq!(warning, None);
    }
}
