//! The fenced code blocks of Markdown pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A fenced code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the opening fence, from 1.
    pub line: usize,
    /// The words after the opening fence, such as `rust,no_run`.
    pub info: String,
    /// The contents, without the indentation of the fence.
    pub text: String,
    /// The HTML comments directly before the fence, without `<!--` and `-->`.
    pub comments: Vec<String>,
}

impl Block {
    /// Returns the language: the first word after the fence.
    pub fn language(&self) -> &str {
        self.info.split([',', ' ']).next().unwrap_or_default()
    }

    /// Returns the words of the comment `<!-- name: words -->` before the block.
    pub fn comment(&self, name: &str) -> Option<&str> {
        let value = |comment: &'_ String| -> Option<usize> {
            comment.strip_prefix(name)?.strip_prefix(':').map(|rest| comment.len() - rest.len())
        };
        self.comments.iter().find_map(|comment| Some(comment[value(comment)?..].trim()))
    }
}

/// Returns the fenced code blocks of a page.
///
/// # Panics
///
/// Panics if a fence is not closed.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut comments: Vec<String> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let start = line.trim_start();
        let indentation = line.len() - start.len();
        let ticks = start.len() - start.trim_start_matches('`').len();
        if ticks >= 3 {
            let fence = &start[..ticks];
            let mut text = String::new();
            loop {
                let Some((_, line)) = lines.next() else {
                    panic!("the block that begins in line {} does not end", number + 1);
                };
                if line.trim() == fence {
                    break;
                }
                let spaces = line.len() - line.trim_start().len();
                text += &line[spaces.min(indentation)..];
                text.push('\n');
            }
            let info = start[ticks..].trim().to_owned();
            blocks.push(Block { line: number + 1, info, text, comments: comments.clone() });
            comments.clear();
            continue;
        }
        match start.trim_end().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) {
            Some(comment) => comments.push(comment.trim().to_owned()),
            None => comments.clear(),
        }
    }
    blocks
}

/// Returns the Markdown pages among `paths`, and those below folders among them, in the order of their
/// names.
///
/// # Errors
///
/// Returns an error if a folder cannot be read or a path does not exist.
pub fn pages<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if fs::metadata(path)?.is_dir() {
            let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
            let mut entries: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
            entries.retain(|path| path.is_dir() || is_page(path));
            entries.sort();
            found.extend(pages(entries)?);
        } else if is_page(path) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_language_text_and_comments() {
        let page = "\
text\n\
\n\
<!-- run: t_max=2000 seed=3 -->\n\
<!-- example: 20 -->\n\
```sh\n\
phalanx list\n\
```\n\
\n\
1. a step\n\
\n   ```rust,no_run\n   fn main() {\n       train()\n   }\n   ```\n\
<!-- skip: far above -->\n\
\n\
````text\n\
```\n\
````\n";
        let blocks = blocks(page);
        assert_eq!(blocks.len(), 3);
        assert_eq!((blocks[0].line, blocks[0].language()), (5, "sh"));
        assert_eq!(blocks[0].comment("run"), Some("t_max=2000 seed=3"));
        assert_eq!(blocks[0].comment("example"), Some("20"));
        assert_eq!(blocks[0].comment("skip"), None);
        assert_eq!(blocks[0].text, "phalanx list\n");
        assert_eq!((blocks[1].language(), &*blocks[1].info), ("rust", "rust,no_run"));
        assert_eq!(blocks[1].text, "fn main() {\n    train()\n}\n");
        assert_eq!((&*blocks[2].text, blocks[2].comments.len()), ("```\n", 0));
    }
}
