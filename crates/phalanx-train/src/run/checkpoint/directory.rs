//! A checkpoint: a folder of files with a manifest, written atomically.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing::debug_span;
use xxhash_rust::xxh3::xxh3_128;

use crate::algorithms::NamedFile;
use crate::error::TrainError;
use crate::files::{self, TEMPORARY};

const MANIFEST: &str = "MANIFEST.json";
const FORMAT: u32 = 1;

/// The files of a checkpoint and their checksums.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The version of this layout.
    format: u32,
    /// The version of the program that wrote it.
    version: String,
    files: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    length: u64,
    /// The 128-bit XXH3 of the contents, in hexadecimal.
    xxh3: String,
}

/// Writes `files` as the folder `path`, and replaces an existing one.
///
/// The files are written to a temporary folder next to it, flushed to disk and renamed. A crash at
/// any time leaves the old checkpoint, the new one, or none, but never an incomplete one.
///
/// # Errors
///
/// Returns an error if a file cannot be written. The old checkpoint is then kept.
pub fn write(path: &Path, files: &[NamedFile]) -> Result<(), TrainError> {
    let span = debug_span!(target: "phalanx::checkpoint", "write", path = %path.display());
    let _span = span.entered();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let parent = path.parent().unwrap_or(Path::new("."));
    files::create_own_folder(parent).map_err(TrainError::io("create", parent))?;
    let temporary = parent.join(format!("{TEMPORARY}{name}"));
    files::remove(&temporary).map_err(TrainError::io("remove", &temporary))?;
    fs::create_dir(&temporary).map_err(TrainError::io("create", &temporary))?;
    let mut manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        files: Vec::new(),
    };
    let write_file = |name: &str, bytes: &[u8]| {
        let file = temporary.join(name);
        files::write_new(&file, bytes).map_err(TrainError::io("write", &file))
    };
    for file in files {
        write_file(&file.name, &file.bytes)?;
        manifest.files.push(Entry {
            name: file.name.clone(),
            length: file.bytes.len() as u64,
            xxh3: format!("{:032x}", xxh3_128(&file.bytes)),
        });
    }
    let manifest = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
    write_file(MANIFEST, &manifest)?;
    files::sync_folder(&temporary).map_err(TrainError::io("write", &temporary))?;
    let into_place = || fs::rename(&temporary, path).map_err(TrainError::io("move", &temporary));
    if files::is_there(path) {
        let old = parent.join(format!("{TEMPORARY}old-{name}"));
        files::remove(&old).map_err(TrainError::io("remove", &old))?;
        fs::rename(path, &old).map_err(TrainError::io("move", path))?;
        into_place()?;
        files::remove(&old).map_err(TrainError::io("remove", &old))?;
    } else {
        into_place()?;
    }
    files::sync_folder(parent).map_err(TrainError::io("write", parent))
}

/// Reads a checkpoint written by [`write()`] and verifies its checksums.
///
/// # Errors
///
/// Returns an error if the folder or a file is missing or damaged; the error names it.
pub fn read(path: &Path) -> Result<Vec<NamedFile>, TrainError> {
    let span = debug_span!(target: "phalanx::checkpoint", "read", path = %path.display());
    let _span = span.entered();
    manifest(path)?.files.iter().map(|entry| read_entry(path, entry)).collect()
}

/// Reads one file of a checkpoint, if it has such a file, and verifies its checksum.
///
/// # Errors
///
/// Returns an error if the manifest or the file is missing or damaged.
pub(super) fn read_file(path: &Path, name: &str) -> Result<Option<NamedFile>, TrainError> {
    let manifest = manifest(path)?;
    let entry = manifest.files.iter().find(|entry| entry.name == name);
    entry.map(|entry| read_entry(path, entry)).transpose()
}

fn damaged(path: &Path, reason: String) -> TrainError {
    TrainError::NotARun { path: path.to_owned(), reason }
}

fn manifest(path: &Path) -> Result<Manifest, TrainError> {
    let path = path.join(MANIFEST);
    let text = fs::read(&path).map_err(TrainError::io("read", &path))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| damaged(&path, error.to_string()))?;
    if manifest.format != FORMAT {
        let reason = format!(
            "it has format {} (written by version {}), this program reads format {FORMAT}",
            manifest.format, manifest.version
        );
        return Err(damaged(&path, reason));
    }
    Ok(manifest)
}

fn read_entry(path: &Path, entry: &Entry) -> Result<NamedFile, TrainError> {
    let plain = Path::new(&entry.name).file_name().is_some_and(|name| name == &*entry.name);
    if !plain {
        let reason = format!("`{}` is not a file name", entry.name);
        return Err(damaged(&path.join(MANIFEST), reason));
    }
    let file = path.join(&entry.name);
    let changed = || damaged(&file, "its contents do not match the manifest".to_owned());
    let found = fs::metadata(&file).map_err(TrainError::io("read", &file))?;
    if !found.is_file() || found.len() != entry.length {
        return Err(changed());
    }
    let bytes = fs::read(&file).map_err(TrainError::io("read", &file))?;
    if format!("{:032x}", xxh3_128(&bytes)) != entry.xxh3 {
        return Err(changed());
    }
    Ok(NamedFile { name: entry.name.clone(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<NamedFile> {
        vec![
            NamedFile::new("agent.safetensors", (0..200).collect()),
            NamedFile::new("policy.json", b"{}".to_vec()),
        ]
    }

    #[test]
    fn a_checkpoint_reads_back_as_written_and_replaces_the_old_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("step_10");
        write(&path, &files()[..1]).expect("written");
        write(&path, &files()).expect("written again");
        assert_eq!(read(&path).expect("read"), files());
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1, "no temporary folder remains");
    }

    #[test]
    fn every_flipped_bit_and_every_missing_file_is_detected() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("step_10");
        write(&path, &files()).expect("written");
        let file = path.join("agent.safetensors");
        let good = fs::read(&file).expect("read");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&file, bad).expect("written");
            assert!(read(&path).is_err(), "bit {bit}");
        }
        fs::write(&file, &good).expect("written");
        assert!(read(&path).is_ok());
        fs::remove_file(&file).expect("removed");
        let error = read(&path).expect_err("a file is missing").to_string();
        assert!(error.contains("agent.safetensors"), "{error}");
    }
}
