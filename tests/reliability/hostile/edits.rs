//! Edits of the files of a run, written as lines of text, so that a committed input can be read.
//!
//! | line | does |
//! |---|---|
//! | `json FILE SPOT VALUE` | sets a value of a JSON file; `SPOT` is a pointer such as `/inputs/frames`, or `#7` for the seventh spot |
//! | `tensor FILE SPOT VALUE` | the same in the header of a safetensors file |
//! | `length FILE NUMBER` | sets the length of that header |
//! | `bytes FILE AT HEX`, `insert FILE AT HEX` | overwrites or inserts bytes |
//! | `delete FILE AT N`, `cut FILE AT` | removes bytes, or all bytes from a position |
//! | `line FILE N TEXT` | replaces a line of text |
//! | `setting KEY VALUE` | sets a key in every configuration of the run and of its states alike |
//! | `text FILE TEXT` | replaces the whole file |
//! | `remove FILE` | removes it |
//!
//! Positions are taken modulo the size of the file. In a path, `*` is the last name that fits. Checksums are
//! corrected afterwards, so that the contents themselves are what the program has to check; edits of a
//! `MANIFEST.json` come last and stay as they are.

use std::path::{Path, PathBuf};

use phalanx::serde_json::{self, Value, json};
use phalanx::toml::Table;
use xxhash_rust::xxh3::xxh3_128;

use super::runs::Files;

const MANIFEST: &str = "MANIFEST.json";

/// Applies all edits of `text`. Lines that are no edits, or do not fit the files, have no effect.
pub fn apply(files: &mut Files, text: &str) {
    let (last, first): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.contains(MANIFEST));
    for line in first {
        let _ = edit(files, line);
    }
    correct_checksums(files);
    for line in last {
        let _ = edit(files, line);
    }
}

/// Applies one edit, if it fits.
fn edit(files: &mut Files, line: &str) -> Option<()> {
    let (what, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if what == "setting" {
        set_everywhere(files, name, rest);
        return Some(());
    }
    let at = find(files, name)?;
    if what == "remove" {
        files.remove(at);
        return Some(());
    }
    let data = &mut files[at].1;
    let (spot, value) = rest.split_once(' ').unwrap_or((rest, ""));
    let position = |data: &[u8]| Some(spot.parse::<usize>().ok()? % (data.len() + 1));
    match what {
        "json" => *data = set(data, spot, value)?,
        "tensor" => {
            let n = usize::try_from(u64::from_le_bytes(*data.first_chunk::<8>()?)).ok()?;
            let header = set(data.get(8..8 + n)?, spot, value)?;
            let mut changed = (header.len() as u64).to_le_bytes().to_vec();
            changed.extend(header);
            changed.extend(&data[8 + n..]);
            *data = changed;
        }
        "length" => data.get_mut(..8)?.copy_from_slice(&spot.parse::<u64>().ok()?.to_le_bytes()),
        "bytes" => {
            let at = position(data)?;
            for (place, byte) in data[at..].iter_mut().zip(bytes(value)?) {
                *place = byte;
            }
        }
        "insert" => {
            let at = position(data)?;
            data.splice(at..at, bytes(value)?);
        }
        "delete" => {
            let at = position(data)?;
            let end = at.saturating_add(value.parse().ok()?).min(data.len());
            data.drain(at..end);
        }
        "cut" => data.truncate(position(data)?),
        "line" => {
            let text = String::from_utf8_lossy(data).into_owned();
            let mut lines: Vec<&str> = text.lines().collect();
            let n = spot.parse::<usize>().ok()? % lines.len().max(1);
            *lines.get_mut(n)? = value;
            *data = format!("{}\n", lines.join("\n")).into_bytes();
        }
        "text" => *data = rest.as_bytes().to_vec(),
        _ => {}
    }
    Some(())
}

/// Returns the index of the file `name`, whose parts may be `*`.
fn find(files: &Files, name: &str) -> Option<usize> {
    let fits = |path: &Path| {
        let (parts, wanted): (Vec<_>, Vec<_>) =
            (path.iter().map(|part| part.to_string_lossy()).collect(), name.split('/').collect());
        parts.len() == wanted.len()
            && parts.iter().zip(wanted).all(|(part, wanted)| wanted == "*" || wanted == part)
    };
    files.iter().rposition(|(path, _)| fits(path))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Sets one value in a JSON text. A value that is no JSON is put in as it is.
fn set(text: &[u8], spot: &str, value: &str) -> Option<Vec<u8>> {
    const PLACEHOLDER: &str = "a placeholder of the harness";
    let mut document: Value = serde_json::from_slice(text).ok()?;
    let pointer = match spot.strip_prefix('#') {
        Some(number) => {
            let all = spots(&document);
            all.get(number.parse::<usize>().ok()? % all.len().max(1))?.clone()
        }
        None => spot.to_owned(),
    };
    *document.pointer_mut(&pointer)? = json!(PLACEHOLDER);
    Some(document.to_string().replacen(&format!("\"{PLACEHOLDER}\""), value, 1).into_bytes())
}

/// Returns the pointers to all values within a document.
fn spots(document: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match document {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (key, value) in inner {
        let key = key.replace('~', "~0").replace('/', "~1");
        all.push(format!("/{key}"));
        all.extend(spots(value).into_iter().map(|spot| format!("/{key}{spot}")));
    }
    all
}

/// Sets `key = value` in every `config.toml`, and in the copy within the saved states.
fn set_everywhere(files: &mut Files, key: &str, value: &str) {
    let (table, entry) = key.split_once('.').unwrap_or(("", key));
    let Ok(Some(value)) = format!("x = {value}").parse::<Table>().map(|mut it| it.remove("x"))
    else {
        return;
    };
    let changed = |text: &str| {
        let mut config: Table = text.parse().ok()?;
        let inner = match table {
            "" => &mut config,
            table => config.get_mut(table)?.as_table_mut()?,
        };
        inner.insert(entry.to_owned(), value.clone());
        Some(config.to_string())
    };
    for (path, data) in files.iter_mut() {
        let text = String::from_utf8_lossy(data).into_owned();
        if path.ends_with("config.toml") {
            *data = changed(&text).unwrap_or(text).into_bytes();
        } else if path.starts_with("state") && path.ends_with("run.json") {
            let Ok(mut identity) = serde_json::from_str::<Value>(&text) else { continue };
            let config = identity["config"].as_str().and_then(changed);
            if let Some(config) = config {
                identity["config"] = json!(config);
                *data = identity.to_string().into_bytes();
            }
        }
    }
}

/// Writes the right lengths and checksums into every manifest, and takes that of the index away, which is valid.
fn correct_checksums(files: &mut Files) {
    let folders: Vec<PathBuf> = files
        .iter()
        .filter(|(path, _)| path.ends_with(MANIFEST))
        .filter_map(|(path, _)| path.parent().map(Path::to_owned))
        .collect();
    for folder in folders {
        let Some(at) = files.iter().position(|(path, _)| *path == folder.join(MANIFEST)) else {
            continue;
        };
        let Ok(mut manifest) = serde_json::from_slice::<Value>(&files[at].1) else { continue };
        for entry in manifest["files"].as_array_mut().into_iter().flatten() {
            let name = folder.join(entry["name"].as_str().unwrap_or_default());
            if let Some((_, data)) = files.iter().find(|(path, _)| *path == name) {
                entry["length"] = json!(data.len());
                entry["xxh3"] = json!(format!("{:032x}", xxh3_128(data)));
            }
        }
        files[at].1 = manifest.to_string().into_bytes();
    }
    let index = files.iter_mut().find(|(path, _)| path.ends_with("index.json"));
    let document = index.and_then(|(_, data)| {
        let document: Value = serde_json::from_slice(data).ok()?;
        Some((data, document))
    });
    if let Some((data, Value::Object(mut document))) = document {
        document.remove("xxh3");
        *data = Value::Object(document).to_string().into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let manifest = br#"{"files":[{"name":"policy.json","length":0,"xxh3":""}]}"#.to_vec();
        vec![
            ("config.toml".into(), b"lr = 1.0\n".to_vec()),
            ("state/step_2/MANIFEST.json".into(), manifest),
            ("state/step_2/policy.json".into(), br#"{"inputs":{"frames":1}}"#.to_vec()),
        ]
    }

    #[test]
    fn an_edited_file_has_the_right_checksum_unless_its_manifest_is_edited() {
        let mut changed = files();
        apply(&mut changed, "json state/*/policy.json /inputs/frames 18446744073709551616\n");
        assert_eq!(changed[2].1, br#"{"inputs":{"frames":18446744073709551616}}"#);
        let manifest: Value = serde_json::from_slice(&changed[1].1).expect("JSON");
        assert_eq!(manifest["files"][0]["xxh3"], format!("{:032x}", xxh3_128(&changed[2].1)));
        apply(&mut changed, "json state/*/MANIFEST.json /files/0/xxh3 null\nremove config.toml");
        let manifest: Value = serde_json::from_slice(&changed[0].1).expect("JSON");
        assert_eq!(manifest["files"][0]["xxh3"], Value::Null);
    }

    #[test]
    fn bytes_and_lines_and_settings_are_edited_and_nonsense_changes_nothing() {
        let mut changed = files();
        apply(
            &mut changed,
            "setting lr 2.0\nbytes state/*/policy.json 0 7b7b\nhello world\ncut x 3",
        );
        assert_eq!(changed[0].1, b"lr = 2.0\n");
        assert_eq!(&changed[2].1[..4], b"{{in");
    }
}
