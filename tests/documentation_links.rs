//! Links of the documentation lead somewhere, both in the repository and in the book made of `docs/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A link of a page.
struct Link {
    /// The page and the line, for messages.
    place: String,
    /// The page.
    page: PathBuf,
    /// The target, such as `../configs/run.toml` or `glossary.md#runs`.
    target: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository exists")
}

/// Adds all Markdown files below `folder`.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pages can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let root = root();
    let names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "configs/README.md"];
    let mut pages: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    collect(&root.join("docs"), &mut pages);
    pages.sort();
    pages
}

/// Returns the lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((number + 1, line))
    })
}

/// Returns the relative links of a page.
fn links(page: &Path) -> Vec<Link> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let mut links = Vec::new();
    for (number, line) in prose(&text) {
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                let place = format!("{}, line {number}: {target}", page.display());
                links.push(Link { place, page: page.to_owned(), target: target.to_owned() });
            }
        }
    }
    links
}

/// Returns the anchors of a page's headings, as GitHub and mdBook write them.
fn anchors(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let headings = prose(&text).filter_map(|(_, line)| line.strip_prefix('#'));
    let anchor = |heading: &str| -> String {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// Returns the file of a link, and its anchor.
fn resolve(link: &Link) -> (PathBuf, Option<String>) {
    let (path, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let folder = link.page.parent().expect("a page is in a folder");
    let file = if path.is_empty() { link.page.clone() } else { folder.join(path) };
    (file, (!anchor.is_empty()).then(|| anchor.to_owned()))
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for link in pages().iter().flat_map(|page| links(page)) {
        let (file, anchor) = resolve(&link);
        let is_page = file.extension().is_some_and(|extension| extension == "md");
        if !file.exists() || anchor.is_some_and(|name| is_page && !anchors(&file).contains(&name)) {
            broken.push(link.place);
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere:\n{}", broken.join("\n"));
}

/// The book rewrites links to pages, and contains those of `docs/` only.
#[test]
fn pages_of_the_book_do_not_link_to_pages_outside_of_it() {
    let docs = root().join("docs");
    let mut outside = Vec::new();
    for page in pages().iter().filter(|page| page.starts_with(&docs)) {
        for link in links(page) {
            let file = resolve(&link).0;
            let file = file.canonicalize().unwrap_or(file);
            let is_page = file.extension().is_some_and(|extension| extension == "md");
            if is_page && !file.starts_with(&docs) {
                outside.push(link.place);
            }
        }
    }
    assert!(outside.is_empty(), "these pages are not in the book:\n{}", outside.join("\n"));
}

#[test]
fn the_book_contains_every_page_once() {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let listed: Vec<PathBuf> = links(&summary).iter().map(|link| resolve(link).0).collect();
    let unique: BTreeSet<&PathBuf> = listed.iter().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    let missing: Vec<PathBuf> = pages()
        .into_iter()
        .filter(|page| page.starts_with(&docs) && *page != summary && !unique.contains(page))
        .collect();
    assert!(missing.is_empty(), "not in SUMMARY.md: {missing:?}");
}
