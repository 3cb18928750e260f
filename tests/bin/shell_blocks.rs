//! Runs every shell block of the documentation with the built program.
//!
//! ```sh
//! cargo build --release --workspace --all-targets
//! cargo run --release --example shell_blocks -- README.md CONTRIBUTING.md docs configs
//! ```
//!
//! Each page runs in a copy of the repository of its own, so nothing is written here and the results of
//! one page are unknown to the next. Within a page, all blocks run in order. `phalanx …` and `cargo run
//! --release -- …` call the built program, `cargo run --release --example NAME -- …` the built example.
//! Commands that the gate runs by itself (`cargo test`, `.ci/run`, …) and those that need a network
//! are skipped, and so is `train --resume RUN` where `RUN` has no saved state.
//!
//! HTML comments directly before a block change how it runs:
//!
//! - `<!-- run: t_max=2000 -->` appends arguments to every `train` command,
//! - `<!-- example: 20 -->` appends arguments to every example that is not the program's command line,
//! - `<!-- skip: needs a GPU -->` skips the block.

#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use phalanx_tests::markdown::{Block, blocks, pages};

/// Commands that are not run, and why.
const SKIPPED: &[(&str, &str)] = &[
    (".ci/", "this is the gate"),
    ("cargo test", "the gate runs it"),
    ("cargo fmt", "the gate runs it"),
    ("cargo clippy", "the gate runs it"),
    ("cargo doc", "the gate runs it"),
    ("cargo build", "the gate runs it"),
    ("cargo bench", "it measures for minutes"),
    ("cargo deny", "another program"),
    ("cargo install", "it needs a network"),
    ("cargo add", "it needs a network"),
    ("cargo new", "it makes another crate"),
    ("cargo init", "it makes another crate"),
    ("git ", "it needs a network"),
    ("curl ", "it needs a network"),
    ("pip ", "it needs a network"),
    ("apt", "it changes the machine"),
    ("sudo ", "it changes the machine"),
    ("mdbook ", "another program"),
    ("typos", "another program"),
    ("python", "another program"),
    ("tensorboard ", "another program"),
];

/// Stands for `phalanx` in the shell of a block: the built program, with the arguments of the block
/// after those of `train`.
const PHALANX: &str = r#"#!/usr/bin/env bash
for word in "$@"; do
    case "$word" in
    train) exec "$BUILT/phalanx" "$@" $RUN ;;
    -*) ;;
    off | error | warn | info | debug | trace) ;;
    *) break ;;
    esac
done
exec "$BUILT/phalanx" "$@"
"#;

/// Stands for `cargo`: `run` calls what was built.
const CARGO: &str = r#"#!/usr/bin/env bash
fail() { echo "$1; annotate the block with <!-- skip: reason -->" >&2; exit 1; }
[ "$1" = run ] || fail "cargo $1 is not run in documentation"
shift
example=
while [ $# -gt 0 ]; do
    case "$1" in
    --release | --locked | --quiet | -q) shift ;;
    --example) example=$2; shift 2 ;;
    --) shift; break ;;
    *) fail "cargo run $1 is not what was built" ;;
    esac
done
[ -n "$example" ] || exec phalanx "$@"
[ -x "$BUILT/examples/$example" ] || fail "there is no built example $example"
case "$1" in
train) exec "$BUILT/examples/$example" "$@" $RUN ;;
eval | list | describe | trace | bench | --help) exec "$BUILT/examples/$example" "$@" ;;
esac
exec "$BUILT/examples/$example" "$@" $EXAMPLE
"#;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        eprintln!("name pages or folders of pages: shell_blocks README.md docs");
        return ExitCode::from(2);
    }
    match run(&paths) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn run(paths: &[String]) -> Result<()> {
    // This program is target/release/examples/shell_blocks.
    let here = std::env::current_exe()?;
    let built = here.ancestors().nth(2).ok_or("this program is not where cargo puts examples")?;
    if !built.join("phalanx").is_file() {
        return Err(
            format!("{} holds no program; build the workspace first", built.display()).into()
        );
    }
    let mut commands = 0;
    for page in pages(paths)? {
        let text = fs::read_to_string(&page)?;
        let shell: Vec<Block> =
            blocks(&text).into_iter().filter(|block| block.language() == "sh").collect();
        if shell.is_empty() {
            continue;
        }
        println!("==> {}", page.display());
        let scratch = Scratch::new(built)?;
        for block in &shell {
            let place = format!("{}:{}", page.display(), block.line);
            if let Some(reason) = block.comment("skip") {
                println!("    skipped block at line {} ({reason})", block.line);
                continue;
            }
            for command in Scratch::commands(&block.text)? {
                scratch.run(block, &place, &command)?;
                commands += 1;
            }
        }
    }
    println!("{commands} commands");
    Ok(())
}

/// A copy of the repository in which the blocks of one page run.
struct Scratch {
    folder: tempfile::TempDir,
    built: PathBuf,
}

impl Scratch {
    fn new(built: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        copy(&root, &folder.path().join("repository"), &["target", "results", ".git"])?;
        let programs = folder.path().join("programs");
        fs::create_dir(&programs)?;
        for (name, script) in [("phalanx", PHALANX), ("cargo", CARGO)] {
            fs::write(programs.join(name), script)?;
            executable(&programs.join(name))?;
        }
        // The folder and the variables with which the next command starts.
        fs::write(folder.path().join("state"), "")?;
        Ok(Self { folder, built: built.to_owned() })
    }

    /// Splits a block into commands: as many lines as the shell needs for a complete one.
    fn commands(block: &str) -> Result<Vec<String>> {
        let mut commands = Vec::new();
        let mut command = String::new();
        for line in block.lines() {
            if command.is_empty() && (line.trim().is_empty() || line.trim().starts_with('#')) {
                continue;
            }
            writeln!(command, "{}", line.trim_start().strip_prefix("$ ").unwrap_or(line))?;
            let mut check = Command::new("bash");
            check.args(["-n", "-c", &command]).stderr(Stdio::null());
            if !line.ends_with('\\') && check.status()?.success() {
                commands.push(std::mem::take(&mut command));
            }
        }
        if command.is_empty() {
            Ok(commands)
        } else {
            Err(format!("no command:\n{command}").into())
        }
    }

    /// Runs one command of a block.
    fn run(&self, block: &Block, place: &str, command: &str) -> Result<()> {
        let shown = command.trim_end();
        // Variables before a command are not part of its name.
        let mut named = shown.trim_start();
        while let Some((_, rest)) = named.split_once(' ').filter(|(word, _)| word.contains('=')) {
            named = rest.trim_start();
        }
        let skipped = SKIPPED.iter().find(|(start, _)| named.starts_with(start));
        if let Some((_, reason)) = skipped {
            println!("    skipped ({reason}): {shown}");
            return Ok(());
        }
        if let Some((_, rest)) = shown.split_once("--resume ") {
            let run = rest.split_whitespace().next().unwrap_or_default();
            if !self.folder.path().join("repository").join(run).join("state").is_dir() {
                println!("    skipped (the run was not interrupted): {shown}");
                return Ok(());
            }
        }
        let log = self.folder.path().join("output");
        let output = fs::File::create(&log)?;
        let script = format!(
            "set -eo pipefail\nsource \"$STATE\"\n{command}\n\
             {{ declare -px | grep -Ev '^declare -x (RUN|EXAMPLE|STATE|BUILT)='\n\
             printf 'cd %q\\n' \"$PWD\"; }} > \"$STATE\"\n"
        );
        let began = Instant::now();
        let status = self
            .shell(&script)
            .env("RUN", block.comment("run").unwrap_or_default())
            .env("EXAMPLE", block.comment("example").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()?;
        let seconds = began.elapsed().as_secs_f64();
        if status.success() {
            println!("    ok {seconds:5.1} s: {shown}");
            return Ok(());
        }
        let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        Err(format!("{place}: {shown}\n{output}({status})").into())
    }

    /// Returns a shell in the copy of the repository, for a script.
    fn shell(&self, script: &str) -> Command {
        let folder = self.folder.path();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("bash");
        shell
            .args(["-c", script])
            .current_dir(folder.join("repository"))
            .env("PATH", format!("{}:{path}", folder.join("programs").display()))
            .env("STATE", folder.join("state"))
            .env("BUILT", &self.built);
        shell
    }
}

/// Copies a folder, without the entries called `except` at its top.
fn copy(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if except.iter().any(|except| name == *except) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name), &[])?;
        } else if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
