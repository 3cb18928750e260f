//! Prepares the pages whose Rust blocks `lib.rs` compiles and runs as doctests: README.md,
//! CONTRIBUTING.md and every page of `docs/` that has one.
//!
//! A comment `<!-- doctest: A => B -->` before a block replaces `A` by `B` in the doctest, so that a
//! program that trains for hours in `results/` runs for a second in a temporary folder.

#![allow(clippy::print_stdout)] // Cargo reads it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let root = root.canonicalize()?;
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    collect(&root.join("docs"), &mut pages)?;
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let (mut modules, mut list) = (String::new(), String::new());
    for page in pages {
        println!("cargo::rerun-if-changed={}", page.display());
        let text = fs::read_to_string(&page)?;
        if !text.contains("```rust") {
            continue;
        }
        let name = page.strip_prefix(&root).expect("it is below the root");
        let name = name.to_str().expect("names of pages are plain").replace('\\', "/");
        let module: String = name
            .trim_end_matches(".md")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        let prepared = out.join(format!("{module}.md"));
        fs::write(&prepared, with_replacements(&text))?;
        writeln!(modules, "#[doc = include_str!({prepared:?})]\nmod {module} {{}}")
            .expect("writing to a string succeeds");
        writeln!(list, "{name:?},").expect("writing to a string succeeds");
    }
    fs::write(out.join("doctests.rs"), modules)?;
    fs::write(out.join("doctested_pages.rs"), format!("&[{list}]"))
}

/// Returns a page with the replacements of its comments carried out, with the same number of lines.
///
/// # Panics
///
/// When a block does not hold what a comment replaces.
fn with_replacements(page: &str) -> String {
    let mut replacements: Vec<(&str, &str)> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    let mut fence = None;
    let mut text = String::new();
    for line in page.lines() {
        let start = line.trim();
        let mut line = line.to_owned();
        if let Some(open) = fence {
            if start == open {
                assert!(missing.is_empty(), "the block does not hold {missing:?}");
                fence = None;
                replacements.clear();
            }
            for &(from, to) in replacements.iter().filter(|(from, _)| start.contains(*from)) {
                line = line.replace(from, to);
                missing.retain(|other| *other != from);
            }
        } else if start.starts_with("```") {
            fence = Some("```");
            missing = replacements.iter().map(|&(from, _)| from).collect();
        } else if let Some(comment) = start.strip_prefix("<!-- doctest:") {
            let comment = comment.strip_suffix("-->").expect("a comment in one line");
            let (from, to) = comment.split_once("=>").expect("the form `A => B`");
            replacements.push((from.trim(), to.trim()));
        }
        text += &line;
        text.push('\n');
    }
    text
}

/// Adds all pages below `folder`, in the order of their names.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    Ok(())
}
