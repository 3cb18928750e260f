//! Tables in pages that people write.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Puts `table` into the page, between the lines `<!-- name -->` and `<!-- end of name -->`, in place
/// of what stands there. A page that does not exist is begun with the table alone.
///
/// # Errors
///
/// When the page lacks these lines or cannot be written.
pub fn put(page: &Path, name: &str, table: &str) -> anyhow::Result<()> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let block = format!("{begin}\n\n{}\n\n{end}", table.trim_end());
    if let Some(folder) = page.parent() {
        fs::create_dir_all(folder)?;
    }
    let Ok(text) = fs::read_to_string(page) else {
        return Ok(fs::write(page, block + "\n")?);
    };
    let missing = || format!("{} has no lines `{begin}` and `{end}`", page.display());
    let (before, rest) = text.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    fs::write(page, format!("{before}{block}{after}"))?;
    Ok(())
}
