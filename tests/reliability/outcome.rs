//! What a run leaves behind, without the clock: what must not depend on interruptions.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use phalanx::train::run::log::TIME_FIELDS;
use serde_json::Value;

/// The files of a finished run, each reduced to what must be the same whenever the run is repeated.
///
/// - `metrics.jsonl` without [`TIME_FIELDS`], `marl_eval.json` without `elapsed_time`,
/// - the scalars of TensorBoard without those fields and without wall times,
/// - `config.toml` without `results_dir` and `threads`, `run.json` without its random `id` and without checksums,
/// - every byte of `checkpoints/`, and of every other file its name. `log.txt` is for people and tells what happened,
///   interruptions included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome(BTreeMap<String, Vec<u8>>);

impl Outcome {
    /// Reads the folder of a run.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read or is not what its name says.
    pub fn read(run: &Path) -> io::Result<Self> {
        let mut seen = BTreeMap::new();
        let mut paths = Vec::new();
        collect(run, &mut paths)?;
        for path in paths {
            let name =
                path.strip_prefix(run).expect("it is in the folder").to_string_lossy().into_owned();
            let bytes = fs::read(&path)?;
            if name.starts_with("tb/") {
                // Its name holds the time at which the run began.
                seen.insert("tb".to_owned(), scalars(&bytes)?);
                continue;
            }
            let kept = match name.as_str() {
                "metrics.jsonl" => metrics(&bytes)?,
                "marl_eval.json" => without(&bytes, &["elapsed_time"])?,
                "run.json" => without(&bytes, &["id", "config_xxh3", "xxh3"])?,
                "config.toml" => configuration(&bytes),
                name if name.starts_with("checkpoints/") => bytes,
                _ => Vec::new(),
            };
            seen.insert(name, kept);
        }
        Ok(Self(seen))
    }

    /// Returns the names of the files that differ or exist on one side only.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.0.keys().chain(other.0.keys()).collect();
        let differ = |name: &&&String| self.0.get(**name) != other.0.get(**name);
        names.iter().filter(differ).map(|name| (*name).clone()).collect()
    }
}

/// Adds all files below `folder`.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Returns the lines of a file of metrics without the fields that depend on the clock.
fn metrics(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    Ok(lines.map(|line| without(line, &TIME_FIELDS)).collect::<io::Result<Vec<_>>>()?.join(&b'\n'))
}

/// Returns a JSON value without some fields, wherever they are.
fn without(bytes: &[u8], fields: &[&str]) -> io::Result<Vec<u8>> {
    fn strip(value: &mut Value, fields: &[&str]) {
        if let Some(object) = value.as_object_mut() {
            fields.iter().for_each(|&field| drop(object.remove(field)));
            object.values_mut().for_each(|value| strip(value, fields));
        }
    }
    let mut value: Value = serde_json::from_slice(bytes)?;
    strip(&mut value, fields);
    Ok(serde_json::to_vec(&value)?)
}

fn configuration(bytes: &[u8]) -> Vec<u8> {
    let free = |line: &[u8]| line.starts_with(b"results_dir") || line.starts_with(b"threads");
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !free(line));
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// Returns step, tag and value of every scalar in a file of TensorBoard events, without the fields of time.
fn scalars(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "TensorBoard events that end early");
    let (mut rest, mut out) = (bytes, Vec::new());
    while !rest.is_empty() {
        // Length, checksum of the length, the event, its checksum.
        let (length, after) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let event = after.get(4..).and_then(|rest| rest.get(..length)).ok_or_else(cut)?;
        rest = after.get(8 + length..).ok_or_else(cut)?;
        let event = fields(event).ok_or_else(cut)?;
        let Some((_, summary)) = event.iter().find(|(key, _)| *key == 5) else { continue };
        for (_, value) in fields(summary).ok_or_else(cut)? {
            let value = fields(value).ok_or_else(cut)?;
            let tag = value.iter().find(|(key, _)| *key == 1).ok_or_else(cut)?.1;
            if TIME_FIELDS.iter().any(|field| tag.ends_with(field.as_bytes())) {
                continue;
            }
            let step = event.iter().find(|(key, _)| *key == 2).map_or(&[][..], |(_, step)| step);
            let number = value.iter().find(|(key, _)| *key == 2).ok_or_else(cut)?.1;
            [step, b" ", tag, b" ", number, b"\n"]
                .iter()
                .for_each(|part| out.extend_from_slice(part));
        }
    }
    Ok(out)
}

/// Returns the fields of a message in protocol buffers: numbers as they are written, everything else as bytes.
fn fields(mut rest: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (key, after) = varint(rest)?;
        let (start, length) = match key & 7 {
            0 => (0, after.len() - varint(after)?.1.len()),
            1 => (0, 8),
            5 => (0, 4),
            2 => {
                let (length, content) = varint(after)?;
                (after.len() - content.len(), usize::try_from(length).ok()?)
            }
            _ => return None,
        };
        fields.push((key >> 3, after.get(start..start.checked_add(length)?)?));
        rest = &after[start + length..];
    }
    Some(fields)
}

/// Returns the number at the beginning of `bytes`, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let number =
        bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
    Some((number, &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_with_one_seed_leave_the_same_and_one_changed_digit_is_a_difference() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = |name: &str| {
            let path = folder.path().join(name);
            crate::short_runs::trainer(crate::short_runs::vdn(), 3000)
                .run(&path)
                .expect("the run succeeds");
            path
        };
        let (one, two) = (run("one"), run("two"));
        let read = |run: &Path| Outcome::read(run).expect("a whole run");
        assert!(!read(&one).0["tb"].is_empty());
        assert_eq!(read(&one).differences(&read(&two)), [""; 0]);
        for (name, key) in [
            ("metrics.jsonl", "\"t_env\":"),
            ("marl_eval.json", "\"step_count\":"),
            ("run.json", "\"seed\": "),
            ("checkpoints/index.json", "\"best\": "),
        ] {
            let text = fs::read_to_string(two.join(name)).expect("text");
            let at = text.rfind(key).expect("the key is there") + key.len();
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            fs::write(two.join(name), changed).expect("written");
            assert_eq!(read(&one).differences(&read(&two)), [name]);
            fs::write(two.join(name), text).expect("written");
        }
        fs::write(two.join("tmp-left"), "").expect("written");
        assert_eq!(read(&one).differences(&read(&two)), ["tmp-left"]);
    }
}
