//! Inserts tables into hand-written Markdown pages.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Replaces the text between the lines `<!-- name -->` and `<!-- end of name -->` of the page with `table`.
/// Creates a page that does not exist.
///
/// # Errors
///
/// Returns an error if the page lacks these lines or cannot be written.
pub fn put(page: &Path, name: &str, table: &str) -> anyhow::Result<()> {
    put_all(page, &[(name, table)])
}

/// Inserts several tables, each as [`put`] does; the first of each pair is the name.
///
/// # Errors
///
/// Returns an error if the page lacks one of the lines or cannot be written. In both cases the page
/// is unchanged.
pub fn put_all(page: &Path, tables: &[(&str, &str)]) -> anyhow::Result<()> {
    if let Some(folder) = page.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut text = fs::read_to_string(page).ok();
    for (name, table) in tables {
        let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
        let block = format!("{begin}\n\n{}\n\n{end}", table.trim_end());
        let missing = || format!("{} has no lines `{begin}` and `{end}`", page.display());
        text = Some(match text {
            Some(text) if page.exists() => {
                let (before, rest) = text.split_once(&begin).with_context(missing)?;
                let (_, after) = rest.split_once(&end).with_context(missing)?;
                format!("{before}{block}{after}")
            }
            begun => begun.map_or(String::new(), |text| text + "\n") + &block + "\n",
        });
    }
    Ok(fs::write(page, text.unwrap_or_default())?)
}
