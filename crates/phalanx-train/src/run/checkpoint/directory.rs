//! A checkpoint: a folder of files with a manifest, written atomically.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing::debug_span;
use xxhash_rust::xxh3::xxh3_128;

use crate::algorithms::NamedFile;
use crate::error::TrainError;

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
    let temporary = parent.join(format!("tmp-{name}"));
    if temporary.exists() {
        fs::remove_dir_all(&temporary).map_err(TrainError::io("remove", &temporary))?;
    }
    fs::create_dir_all(&temporary).map_err(TrainError::io("create", &temporary))?;
    let mut manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        files: Vec::new(),
    };
    for file in files {
        write_file(&temporary.join(&file.name), &file.bytes)?;
        manifest.files.push(Entry {
            name: file.name.clone(),
            length: file.bytes.len() as u64,
            xxh3: format!("{:032x}", xxh3_128(&file.bytes)),
        });
    }
    let manifest = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
    write_file(&temporary.join(MANIFEST), &manifest)?;
    sync_folder(&temporary)?;
    if path.exists() {
        let old = parent.join(format!("tmp-old-{name}"));
        if old.exists() {
            fs::remove_dir_all(&old).map_err(TrainError::io("remove", &old))?;
        }
        fs::rename(path, &old).map_err(TrainError::io("move", path))?;
        fs::rename(&temporary, path).map_err(TrainError::io("move", &temporary))?;
        fs::remove_dir_all(&old).map_err(TrainError::io("remove", &old))?;
    } else {
        fs::rename(&temporary, path).map_err(TrainError::io("move", &temporary))?;
    }
    sync_folder(parent)
}

/// Reads a checkpoint written by [`write()`] and verifies its checksums.
///
/// # Errors
///
/// Returns an error if the folder or a file is missing or damaged; the error names it.
pub fn read(path: &Path) -> Result<Vec<NamedFile>, TrainError> {
    let span = debug_span!(target: "phalanx::checkpoint", "read", path = %path.display());
    let _span = span.entered();
    let damaged =
        |path: &Path, reason: String| TrainError::NotARun { path: path.to_owned(), reason };
    let manifest_path = path.join(MANIFEST);
    let manifest = fs::read(&manifest_path).map_err(TrainError::io("read", &manifest_path))?;
    let manifest: Manifest = serde_json::from_slice(&manifest)
        .map_err(|error| damaged(&manifest_path, error.to_string()))?;
    if manifest.format != FORMAT {
        let reason = format!(
            "it has format {} (written by version {}), this program reads format {FORMAT}",
            manifest.format, manifest.version
        );
        return Err(damaged(&manifest_path, reason));
    }
    let mut files = Vec::with_capacity(manifest.files.len());
    for entry in manifest.files {
        let plain = Path::new(&entry.name).file_name().is_some_and(|name| name == &*entry.name);
        if !plain {
            return Err(damaged(&manifest_path, format!("`{}` is not a file name", entry.name)));
        }
        let file = path.join(&entry.name);
        let bytes = fs::read(&file).map_err(TrainError::io("read", &file))?;
        if bytes.len() as u64 != entry.length || format!("{:032x}", xxh3_128(&bytes)) != entry.xxh3
        {
            return Err(damaged(&file, "its contents do not match the manifest".to_owned()));
        }
        files.push(NamedFile { name: entry.name, bytes });
    }
    Ok(files)
}

/// Writes a file and flushes it to the disk.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("create", path))?;
    file.write_all(bytes).map_err(TrainError::io("write", path))?;
    file.sync_all().map_err(TrainError::io("write", path))
}

/// Flushes the entries of a folder to disk, if the system supports it.
fn sync_folder(path: &Path) -> Result<(), TrainError> {
    if cfg!(unix) {
        File::open(path)
            .and_then(|folder| folder.sync_all())
            .map_err(TrainError::io("write", path))?;
    }
    Ok(())
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
