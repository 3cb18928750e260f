//! What the operating system states about this process. Elsewhere than on Linux it is not asked.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the seconds since the start of the Unix epoch.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Returns the process that has started this one; another one after its end.
pub(super) fn parent() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    return 0;
}

/// Returns the seconds that the threads of this process have spent on processors.
pub(super) fn processor_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before may hold spaces. Ticks of a hundredth of a second follow as the 14th and 15th field.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: f64 = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// Returns the most bytes of memory that this process has held at any time.
pub(super) fn peak_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Returns a new folder for everything that is written, in memory if possible.
///
/// # Panics
///
/// Panics if there is no place for it.
pub(super) fn work_folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let builder =
        |path: PathBuf| tempfile::Builder::new().prefix("phalanx-hostile-").tempdir_in(path);
    let folder = builder(memory).or_else(|_| builder(std::env::temp_dir()));
    folder.expect("there is a place for temporary files")
}
