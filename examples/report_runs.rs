//! Draws the learning curves of runs and writes a table of their results.
//!
//! ```sh
//! cargo run --release --example report_runs -- docs/results/3m results
//! ```
//!
//! The first argument is the name of the files to write (`.svg` and `.md` are appended); the others are
//! folders to search for runs. Curves are means over the seeds; bands range from the worst seed to the best.
//! Battles are shown by their win rate, other tasks by their return.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};

fn find_runs(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if folder.join("metrics.jsonl").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_dir())
        .collect();
    entries.sort();
    entries.iter().try_for_each(|entry| find_runs(entry, found))
}

fn table(runs: &[Curve], battles: bool) -> anyhow::Result<String> {
    let mut text = String::from("| algorithm | environment | seed | ");
    text.push_str(if battles {
        "first of three evaluations in a row with at least 90 % won (steps) | after (seconds) | \
         mean of the last ten evaluations | steps | seconds |\n|---|---|---|---|---|---|---|---|\n"
    } else {
        "mean return of the last ten evaluations | steps | seconds |\n|---|---|---|---|---|---|\n"
    });
    for run in runs {
        write!(text, "| {} | {} | {} | ", run.alg, run.env, run.seed)?;
        if battles {
            let (at, after) = run.solved().map_or(("never".into(), "".into()), |point| {
                (format!("{:.0}", point.t_env), format!("{:.0}", point.seconds))
            });
            write!(text, "{at} | {after} | {:.3}", run.tail(10, |point| point.won))?;
        } else {
            write!(text, "{:.3}", run.tail(10, |point| point.total))?;
        }
        let seconds = run.points.last().map_or(0.0, |point| point.seconds);
        writeln!(text, " | {:.0} | {seconds:.0} |", run.t_env())?;
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name the files to write")?);
    let mut folders = Vec::new();
    for folder in arguments {
        find_runs(Path::new(&folder), &mut folders)?;
    }
    anyhow::ensure!(!folders.is_empty(), "the folders contain no runs");
    let mut runs =
        folders.iter().map(|path| Curve::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    runs.sort_by(|a, b| (&a.env, &a.alg, a.seed).cmp(&(&b.env, &b.alg, b.seed)));
    let battles = runs.iter().all(|run| run.env.starts_with("skirmish/"));
    let totals = || runs.iter().flat_map(|run| run.points.iter().map(|point| point.total));
    let axis = if battles {
        Axis::WON
    } else {
        Axis::total(totals().fold(0.0, f64::min), totals().fold(1.0, f64::max))
    };
    let mut curves: BTreeMap<String, Vec<&Curve>> = BTreeMap::new();
    for run in &runs {
        curves.entry(format!("{} on {}", run.alg, run.env)).or_default().push(run);
    }
    let series = curves.into_iter().map(|(name, runs)| Series { name, runs }).collect();
    let panel = Panel { title: String::new(), series };
    let (picture, page) = (out.with_extension("svg"), out.with_extension("md"));
    draw(&[panel], &axis, &picture)?;
    fs::write(&page, table(&runs, battles)?)?;
    println!("{} runs in {} and {}", runs.len(), picture.display(), page.display());
    Ok(())
}
