//! Lists the pages whose Rust blocks `lib.rs` compiles and runs as doctests: README.md,
//! CONTRIBUTING.md and every page of `docs/` that has one.

#![allow(clippy::print_stdout)] // Cargo reads it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let root = root.canonicalize()?;
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    collect(&root.join("docs"), &mut pages)?;
    let (mut modules, mut list) = (String::new(), String::new());
    for page in pages {
        println!("cargo::rerun-if-changed={}", page.display());
        if !fs::read_to_string(&page)?.contains("```rust") {
            continue;
        }
        let name = page.strip_prefix(&root).expect("it is below the root");
        let name = name.to_str().expect("names of pages are plain").replace('\\', "/");
        let module: String = name
            .trim_end_matches(".md")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        writeln!(
            modules,
            "#[doc = include_str!({:?})]\nmod {module} {{}}",
            page.display().to_string()
        )
        .expect("writing to a string succeeds");
        writeln!(list, "{name:?},").expect("writing to a string succeeds");
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("doctests.rs"), modules)?;
    fs::write(out.join("doctested_pages.rs"), format!("&[{list}]"))
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
