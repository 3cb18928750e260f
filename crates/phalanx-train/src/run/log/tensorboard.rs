//! Scalars for TensorBoard, in its own file format.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::run_log::flushed;
use crate::files;
use crate::run::run_json::checksum;

/// What is wrong with an event file that was reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It lacks events, or is missing.
    Short,
    /// Its events were changed.
    Changed,
}

/// The beginning and the end of the name of an event file; a number is between them.
const OWN: (&str, &str) = ("events.out.tfevents.", ".phalanx");

/// Writes an event file: records of a length, a checksum, a protocol-buffer message and another
/// checksum (TensorFlow's `TFRecord` with `Event` messages).
#[derive(Debug)]
pub struct TensorBoard {
    file: File,
}

impl TensorBoard {
    /// Creates a new event file in the folder `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        files::create_own_folder(path)?;
        let name = format!("{}{:.0}{}", OWN.0, now().floor(), OWN.1);
        let file = File::options().write(true).create_new(true).open(path.join(name))?;
        let mut board = Self { file };
        let mut event = Vec::new();
        double(&mut event, 1, now());
        bytes(&mut event, 3, b"brain.Event:2");
        board.record(&event)?;
        Ok(board)
    }

    /// Returns whether a file of the folder was written by a run, from its name.
    pub(in crate::run) fn is_own(name: &str) -> bool {
        let inner = name.strip_prefix(OWN.0).and_then(|rest| rest.strip_suffix(OWN.1));
        inner.is_some_and(|number| number.parse::<u64>().is_ok())
    }

    /// Returns the path of the event file in the folder `path`; other files are the user's.
    fn own(path: &Path) -> io::Result<PathBuf> {
        let entries = std::fs::read_dir(path)?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let first = names.filter(|name| Self::is_own(name)).min();
        first.map(|name| path.join(name)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Reopens the event file in the folder `path` and truncates it to `length` bytes, whose checksum was `xxh3`, if it
    /// is known. Creates a new one if there is none. Also returns what is wrong with the file.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be opened.
    pub fn reopen(
        path: &Path,
        length: u64,
        xxh3: Option<&str>,
    ) -> io::Result<(Self, Option<Damage>)> {
        let path = match Self::own(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self::create(path)?, Some(Damage::Short)));
            }
            own => own?,
        };
        let mut file = files::open_own(&path)?;
        let events = std::fs::read(&path)?;
        let (kept, damage) = match usize::try_from(length).ok().and_then(|it| events.get(..it)) {
            None => (complete_records_len(&events), Some(Damage::Short)),
            Some(begun) => {
                let changed = xxh3.is_some_and(|xxh3| xxh3 != checksum(begun));
                (length, changed.then_some(Damage::Changed))
            }
        };
        file.set_len(kept)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok((Self { file }, damage))
    }

    /// Flushes the event file in the folder `path` to the disk and returns its length and its checksum.
    pub(super) fn flush(path: &Path) -> io::Result<(u64, String)> {
        flushed(&Self::own(path)?)
    }

    /// Flushes the file to the disk and returns its length.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be flushed.
    pub fn len(path: &Path) -> io::Result<u64> {
        Ok(Self::flush(path)?.0)
    }

    /// Adds scalars at a step.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl Iterator<Item = (&'a str, f64)>,
    ) -> io::Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in values {
            let mut entry = Vec::new();
            bytes(&mut entry, 1, tag.as_bytes());
            key(&mut entry, 2, 5);
            entry.extend((value as f32).to_le_bytes());
            bytes(&mut summary, 1, &entry);
        }
        let mut event = Vec::new();
        double(&mut event, 1, now());
        key(&mut event, 2, 0);
        varint(&mut event, step);
        bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        let length = (data.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked_crc(&length).to_le_bytes());
        record.extend(data);
        record.extend(masked_crc(data).to_le_bytes());
        self.file.write_all(&record)
    }
}

/// Returns the length of the complete records of an event file. A record starts with the length of
/// its data.
fn complete_records_len(events: &[u8]) -> u64 {
    let mut end = 0;
    while let Some(length) = events[end..].first_chunk::<8>() {
        let next = (u64::from_le_bytes(*length) as usize).saturating_add(end + 8 + 4 + 4);
        if next > events.len() {
            break;
        }
        end = next;
    }
    end as u64
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

fn key(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    out.push(field << 3 | wire_type);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn double(out: &mut Vec<u8>, field: u8, value: f64) {
    key(out, field, 1);
    out.extend(value.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    key(out, field, 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

/// Returns the CRC-32C of `data`, rotated and shifted by a constant as the format requires.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Computes the CRC-32 with Castagnoli's polynomial, bit by bit, because log lines are short and
/// rare.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_file_keeps_its_complete_records() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut board = TensorBoard::create(folder.path()).expect("it can be written");
        let length = || TensorBoard::len(folder.path()).expect("the file is there");
        board.scalars(1, [("a", 1.0)].into_iter()).expect("it can be written");
        let one = length();
        board.scalars(2, [("a", 2.0)].into_iter()).expect("it can be written");
        let two = length();
        // The second record lost three bytes, although the saved state includes it.
        let reopened = |length: u64, xxh3: Option<&str>| {
            TensorBoard::reopen(folder.path(), length, xxh3).expect("the file is there").1
        };
        assert_eq!(reopened(two - 3, None), None);
        assert_eq!(reopened(two, None), Some(Damage::Short), "a record is missing");
        assert_eq!(length(), one);
        let (_, xxh3) = TensorBoard::flush(folder.path()).expect("the file is there");
        assert_eq!(reopened(one, Some(&xxh3)), None);
        assert_eq!(reopened(one, Some("other")), Some(Damage::Changed));
    }

    #[test]
    fn files_of_other_programs_are_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = folder.path().join("events.out.tfevents.1.host");
        std::fs::write(&other, "theirs").expect("written");
        let reopen = || TensorBoard::reopen(folder.path(), 10, None);
        assert_eq!(reopen().expect("a new one is created").1, Some(Damage::Short));
        reopen().expect("it is there");
        assert_eq!(TensorBoard::len(folder.path()).expect("it is there"), 10);
        assert_eq!(std::fs::read(&other).expect("read"), b"theirs");
    }

    #[test]
    fn the_checksum_is_crc_32c() {
        // The check value of CRC-32/ISCSI.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn every_record_is_framed_by_its_checksums() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut board = TensorBoard::create(folder.path()).expect("created");
        board.scalars(70_000, [("return_mean", 1.5)].into_iter()).expect("written");
        let entry = std::fs::read_dir(folder.path()).expect("a folder").next().expect("one file");
        let file = std::fs::read(entry.expect("an entry").path()).expect("read");
        let (mut at, mut records) = (0, Vec::new());
        while at < file.len() {
            let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four"));
            let length = u64::from_le_bytes(file[at..at + 8].try_into().expect("eight")) as usize;
            assert_eq!(word(at + 8), masked_crc(&file[at..at + 8]));
            let data = &file[at + 12..at + 12 + length];
            assert_eq!(word(at + 12 + length), masked_crc(data));
            records.push(data.to_vec());
            at += 16 + length;
        }
        assert_eq!(records.len(), 2);
        assert!(records[0].ends_with(b"brain.Event:2"));
        assert!(records[1].windows(11).any(|part| part == b"return_mean"));
        assert!(records[1].ends_with(&1.5_f32.to_le_bytes()));
    }
}
