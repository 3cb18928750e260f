//! Draws learning curves of runs and writes a table of them.
//!
//! ```sh
//! cargo run --release --example report_runs -- docs/results/3m results
//! ```
//!
//! The first argument is the name of the files to write (`.svg` and `.md` are appended), the others
//! are folders that are searched for runs. Curves are means over the seeds; the band goes from the
//! worst seed to the best.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use phalanx::train::log::RunFolder;
use plotters::prelude::*;
use serde_json::Value;

/// One run: its evaluations in order of time.
struct Run {
    alg: String,
    env: String,
    seed: i64,
    t_max: i64,
    /// `(t_env, seconds, battles won, return)`.
    points: Vec<(f64, f64, f64, f64)>,
}

impl Run {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let (_, info) = RunFolder::open(path)?;
        let text = fs::read_to_string(path.join("metrics.jsonl"))?;
        let mut points = Vec::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)?;
            let number = |key: &str| line[key].as_f64();
            if let Some(total) = number("test_return_mean") {
                let won = number("test_battle_won_mean").unwrap_or_default();
                let at = number("t_env").context("a line has no t_env")?;
                points.push((at, number("seconds").unwrap_or_default(), won, total));
            }
        }
        let integer = |key: &str| info.config.get(key).and_then(|v| v.as_integer());
        Ok(Self {
            seed: integer("seed").unwrap_or_default(),
            t_max: integer("t_max").unwrap_or_default(),
            alg: info.alg,
            env: info.env,
            points,
        })
    }

    /// The first evaluation of the first three in a row that won at least 90 % of their battles.
    fn solved(&self) -> Option<(f64, f64)> {
        let window = self.points.windows(3).find(|window| window.iter().all(|p| p.2 >= 0.9))?;
        Some((window[0].0, window[0].1))
    }
}

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

fn table(runs: &[Run]) -> anyhow::Result<String> {
    let mut text = String::from(
        "| algorithm | environment | seed | first of three evaluations in a row with at least 90 % \
         won (steps) | after (seconds) | mean of the last ten evaluations | steps | seconds |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for run in runs {
        let (at, after) = run.solved().map_or(("never".into(), "".into()), |(at, seconds)| {
            (format!("{at:.0}"), format!("{seconds:.0}"))
        });
        let tail = &run.points[run.points.len().saturating_sub(10)..];
        let won = tail.iter().map(|point| point.2).sum::<f64>() / tail.len().max(1) as f64;
        let (steps, seconds) = run.points.last().map_or((0.0, 0.0), |point| (point.0, point.1));
        writeln!(
            text,
            "| {} | {} | {} | {at} | {after} | {won:.3} | {steps:.0} | {seconds:.0} |",
            run.alg, run.env, run.seed
        )?;
    }
    Ok(text)
}

/// The mean and the range over seeds at every evaluation all of them have.
fn band(runs: &[&Run]) -> Vec<(f64, f64, f64, f64)> {
    let length = runs.iter().map(|run| run.points.len()).min().unwrap_or(0);
    (0..length)
        .map(|i| {
            let won = || runs.iter().map(|run| run.points[i].2);
            let n = runs.len() as f64;
            let at = runs.iter().map(|run| run.points[i].0).sum::<f64>() / n;
            (at, won().sum::<f64>() / n, won().fold(1.0, f64::min), won().fold(0.0, f64::max))
        })
        .collect()
}

fn draw(runs: &[Run], path: &Path) -> anyhow::Result<()> {
    let mut curves: BTreeMap<String, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        curves.entry(format!("{} on {}", run.alg, run.env)).or_default().push(run);
    }
    let end = runs.iter().map(|run| run.t_max).max().unwrap_or(1) as f64 / 1000.0;
    let root = SVGBackend::new(path, (760, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end, 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .x_desc("environment steps, in thousands")
        .y_desc("battles won, greedy")
        .y_label_formatter(&|share| format!("{:.0}%", 100.0 * share))
        .x_label_formatter(&|steps| format!("{steps:.0}"))
        .label_style(("sans-serif", 14))
        .draw()?;
    let colours = [
        RGBColor(31, 119, 180),
        RGBColor(214, 39, 40),
        RGBColor(44, 140, 60),
        RGBColor(148, 103, 189),
    ];
    for (i, (name, runs)) in curves.iter().enumerate() {
        let colour = colours[i % colours.len()];
        let band = band(runs);
        let upper = band.iter().map(|p| (p.0 / 1000.0, p.3));
        let lower = band.iter().rev().map(|p| (p.0 / 1000.0, p.2));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, colour.mix(0.15))])?;
        let mean = band.iter().map(|p| (p.0 / 1000.0, p.1));
        let label =
            format!("{name} ({} seed{})", runs.len(), if runs.len() == 1 { "" } else { "s" });
        chart
            .draw_series(LineSeries::new(mean, colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name the files to write")?);
    let mut folders = Vec::new();
    for folder in arguments {
        find_runs(Path::new(&folder), &mut folders)?;
    }
    anyhow::ensure!(!folders.is_empty(), "there is no run in the folders named");
    let mut runs =
        folders.iter().map(|path| Run::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    runs.sort_by(|a, b| (&a.env, &a.alg, a.seed).cmp(&(&b.env, &b.alg, b.seed)));
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    let (picture, page) = (out.with_extension("svg"), out.with_extension("md"));
    draw(&runs, &picture)?;
    fs::write(&page, table(&runs)?)?;
    println!("{} runs in {} and {}", runs.len(), picture.display(), page.display());
    Ok(())
}
