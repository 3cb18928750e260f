//! The one way in which files are written: durably, atomically, and never through a link.
//!
//! A file is written under a temporary name that must not exist yet, flushed, renamed, and its folder is
//! flushed: after a crash of the program or of the machine, a reader finds the old contents or the new ones.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The beginning of temporary names inside a run's folder. What begins like this belongs to the run.
pub(crate) const TEMPORARY: &str = "tmp-";

/// Replaces the file at `path` in a run's folder, whose only writer is the caller.
///
/// # Errors
///
/// Returns an error if it cannot be written. The old file is then kept.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = with_prefix(path, TEMPORARY);
    // A killed process may have left its temporary file. If it is a link, the link is removed, not its target.
    missing_is_fine(fs::remove_file(&temporary))?;
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(parent(path)))
}

/// Writes a new file and flushes it to the disk, but not the entry of its folder.
///
/// # Errors
///
/// Returns an error if the file exists or cannot be written.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opens a file of a run for writing where it is.
///
/// # Errors
///
/// Returns an error if there is none, or if it is a link or otherwise no ordinary file.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(not_followed("an ordinary file"));
    }
    File::options().write(true).open(path)
}

/// Creates a folder, and those above it, and flushes their entries to the disk.
///
/// # Errors
///
/// Returns an error if one cannot be created.
pub(crate) fn create_folders(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty()).collect();
    let missing: Vec<&Path> = missing.into_iter().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(path)?;
    missing.into_iter().rev().try_for_each(|folder| sync_folder(parent(folder)))
}

/// Creates a folder inside that of a run, unless it exists.
///
/// # Errors
///
/// Returns an error if it cannot be created, or if there is a link or a file in its place.
pub(crate) fn create_own_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(not_followed("a folder")),
        Err(error) if error.kind() == ErrorKind::NotFound => create_folders(path),
        Err(error) => Err(error),
    }
}

/// Flushes the entries of a folder to the disk, where the system supports it.
///
/// # Errors
///
/// Returns an error if they cannot be flushed.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    match synced.as_ref().map_err(io::Error::kind) {
        // File systems that cannot flush a folder.
        Err(ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        _ => synced,
    }
}

/// Removes a file or a folder with its contents, unless it is missing. A link is removed itself. A folder is
/// renamed first, so that a half-removed one is never mistaken for a whole one.
///
/// # Errors
///
/// Returns an error if it cannot be removed.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.is_dir() {
        return missing_is_fine(fs::remove_file(path));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(TEMPORARY) {
        return missing_is_fine(fs::remove_dir_all(path));
    }
    let leaving = with_prefix(path, "tmp-old-");
    missing_is_fine(fs::remove_dir_all(&leaving))?;
    fs::rename(path, &leaving)?;
    missing_is_fine(fs::remove_dir_all(&leaving))
}

/// Returns whether `path` is a name in its folder, even if it is a link to nothing.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Returns the result of a removal, for which it is no error that there was nothing to remove.
fn missing_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn not_followed(expected: &str) -> io::Error {
    io::Error::other(format!(
        "it is not {expected}; a run writes only into its own folder and follows no links there"
    ))
}

fn with_prefix(path: &Path, prefix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// Returns the folder that holds `path`.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file of the user's that is being written: an ordinary file appears when it is complete, and a pipe, a
/// device or the target of a link is written directly.
///
/// ```
/// use std::io::Write;
/// use phalanx_train::OutputFile;
///
/// # let folder = std::env::temp_dir();
/// let mut file = OutputFile::create(folder.join("lines.jsonl"))?;
/// writeln!(file, "{{}}")?;
/// file.finish()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct OutputFile {
    out: Option<BufWriter<File>>,
    /// The temporary file and the name that it gets in the end.
    rename: Option<(PathBuf, PathBuf)>,
}

impl OutputFile {
    /// Begins to write the file at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be created or opened.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        if path.file_name().is_none() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it must name a file"));
        }
        if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).create(true).truncate(true).open(path)?;
            return Ok(Self { out: Some(BufWriter::new(file)), rename: None });
        }
        let process = std::process::id();
        for number in 0_u32.. {
            let temporary = with_prefix(path, &format!(".tmp-{process}-{number}-"));
            match File::options().write(true).create_new(true).open(&temporary) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => {
                    let out = Some(BufWriter::new(file?));
                    return Ok(Self { out, rename: Some((temporary, path.to_owned())) });
                }
            }
        }
        unreachable!("some name is free")
    }

    /// Completes the file: flushes it to the disk and gives it its name.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written. What an ordinary file held before is then kept.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Some((temporary, path)) = &self.rename {
            file.sync_all()?;
            fs::rename(temporary, path)?;
            self.rename = None;
        }
        Ok(())
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.as_mut().map_or(Ok(0), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), |out| out.flush())
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // Not finished: nothing appears.
        if let Some((temporary, _)) = self.rename.take() {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_no_other_name_is_touched() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        replace(&path, b"one").expect("written");
        replace(&path, b"two").expect("replaced");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(names(folder.path()), ["a.json"]);
        assert!(write_new(&path, b"three").is_err(), "it exists");
        fs::create_dir(folder.path().join("b.json")).expect("created");
        assert!(replace(&folder.path().join("b.json"), b"x").is_err(), "a folder stays a folder");
        assert_eq!(names(folder.path()), ["a.json", "b.json"]);
    }

    #[test]
    fn an_unfinished_output_leaves_the_old_file_and_a_finished_one_replaces_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, other) = (folder.path().join("t"), folder.path().join("t.tmp"));
        fs::write(&path, "old").expect("written");
        fs::write(&other, "mine").expect("written");
        let mut file = OutputFile::create(&path).expect("created");
        file.write_all(b"new").expect("written");
        drop(file);
        assert_eq!(fs::read(&path).expect("read"), b"old");
        let mut file = OutputFile::create(&path).expect("created");
        file.write_all(b"new").expect("written");
        file.finish().expect("finished");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::read(&other).expect("read"), b"mine");
        assert_eq!(names(folder.path()), ["t", "t.tmp"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_replaced_or_refused_but_never_followed_by_a_run() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (outside, link) = (folder.path().join("outside"), folder.path().join("link"));
        let temporary = folder.path().join("tmp-link");
        fs::write(&outside, "mine").expect("written");
        symlink(&outside, &link).expect("linked");
        symlink(&outside, &temporary).expect("linked");
        assert!(open_own(&link).is_err());
        assert!(create_own_folder(&link).is_err());
        replace(&link, b"ours").expect("the link is replaced");
        assert_eq!(fs::read(&outside).expect("read"), b"mine");
        assert_eq!(fs::read(&link).expect("read"), b"ours");
        assert!(!is_there(&temporary));
        // The user's own output goes where the link points.
        fs::remove_file(&link).expect("removed");
        symlink(&outside, &link).expect("linked");
        let mut file = OutputFile::create(&link).expect("opened");
        file.write_all(b"trace").expect("written");
        file.finish().expect("finished");
        assert_eq!(fs::read(&outside).expect("read"), b"trace");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    }
}
