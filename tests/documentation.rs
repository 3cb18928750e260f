//! Every code block of the documentation is tested: Rust blocks as doctests, shell blocks by
//! `shell_blocks`.

use std::fs;
use std::path::{Path, PathBuf};

use phalanx_tests::DOCTESTED_PAGES;
use phalanx_tests::markdown::{Block, blocks, pages};

/// Languages of blocks that are not programs.
const OTHER_LANGUAGES: [&str; 9] =
    ["sh", "toml", "text", "json", "bibtex", "math", "latex", "mermaid", "diff"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns all pages, by their names relative to the repository, with their blocks.
fn documentation() -> Vec<(String, Vec<Block>)> {
    let root = root();
    let start = ["README.md", "CONTRIBUTING.md", "docs", "configs"].map(|name| root.join(name));
    let pages = pages(start).expect("the documentation can be read");
    assert!(pages.len() > 10, "{pages:?}");
    let named = |page: PathBuf| {
        let name = page.strip_prefix(&root).expect("below the root").display().to_string();
        let text = fs::read_to_string(&page).expect("a page can be read");
        (name.replace('\\', "/"), blocks(&text))
    };
    pages.into_iter().map(named).collect()
}

/// Returns whether a block that is not marked as Rust holds Rust.
fn looks_like_rust(text: &str) -> bool {
    let item = |line: &str| {
        let line = line.trim_start();
        let starts =
            ["fn ", "pub fn ", "impl ", "use phalanx", "#[derive(", "let mut ", "pub struct "];
        starts.iter().any(|start| line.starts_with(start))
    };
    text.lines().any(item)
}

#[test]
fn every_rust_block_is_a_doctest() {
    let mut faults = Vec::new();
    for (page, blocks) in documentation() {
        for block in blocks {
            let place = format!("{page}, line {}", block.line);
            let words: Vec<&str> = block.info.split([',', ' ']).skip(1).collect();
            match block.language() {
                "rust" => {
                    if !DOCTESTED_PAGES.contains(&&*page) {
                        faults.push(format!("{place}: `{page}` is not doctested"));
                    }
                    if words.contains(&"ignore") || words.contains(&"text") {
                        faults.push(format!("{place}: a Rust block must compile, not be ignored"));
                    }
                    if words.contains(&"no_run") {
                        faults.push(format!("{place}: a Rust block must run; shorten it with doctest:"));
                    }
                    let writes = block.text.contains("(\"results/");
                    if writes && block.comment("doctest").is_none() {
                        faults.push(format!("{place}: a doctest writes into a temporary folder"));
                    }
                }
                "" => faults.push(format!("{place}: the block has no language")),
                other if !OTHER_LANGUAGES.contains(&other) => {
                    faults.push(format!("{place}: unknown language `{other}`"));
                }
                other if looks_like_rust(&block.text) => {
                    faults.push(format!("{place}: the block holds Rust, but is marked `{other}`"));
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn comments_before_shell_blocks_are_understood() {
    let mut faults = Vec::new();
    for (page, blocks) in documentation() {
        for block in blocks {
            let known = |comment: &str| {
                let (name, words) = comment.split_once(':').unwrap_or((comment, ""));
                let words: Vec<&str> = words.split_whitespace().collect();
                match name {
                    "run" => !words.is_empty() && words.iter().all(|word| word.contains('=')),
                    "example" | "skip" => !words.is_empty(),
                    _ => false,
                }
            };
            let named = |comment: &&String| {
                ["run", "skip", "example"].iter().any(|name| comment.starts_with(name))
            };
            for comment in block.comments.iter().filter(named) {
                if !known(comment) {
                    faults.push(format!("{page}, line {}: `{comment}`", block.line));
                } else if block.language() != "sh" {
                    faults.push(format!("{page}, line {}: not before a shell block", block.line));
                }
            }
        }
    }
    let forms = "run: key=value …, example: argument …, skip: reason";
    assert!(faults.is_empty(), "comments have the forms {forms}\n{}", faults.join("\n"));
}
