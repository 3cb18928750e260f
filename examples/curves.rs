//! Reads learning curves from run folders and draws them as SVG.

use std::fs;
use std::path::Path;

use anyhow::Context;
use phalanx::train::run::RunFolder;
use plotters::prelude::*;
use serde_json::Value;

/// An evaluation of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Environment steps before it.
    pub t_env: f64,
    /// Seconds since training began.
    pub seconds: f64,
    /// The share of battles won; zero where there are none.
    pub won: f64,
    /// The share of training battles won since the last report.
    pub trained: f64,
    /// The mean return.
    pub total: f64,
    /// The mean goal difference; zero where there are no goals.
    pub goals: f64,
}

/// A run: its evaluations in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The algorithm.
    pub alg: String,
    /// The environment.
    pub env: String,
    /// The seed.
    pub seed: i64,
    /// The configured length, in environment steps.
    pub t_max: i64,
    /// The evaluations.
    pub points: Vec<Point>,
}

impl Curve {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no run or it is damaged.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let (_, info) = RunFolder::open(folder)?;
        let text = fs::read_to_string(folder.join("metrics.jsonl"))?;
        let mut points = Vec::new();
        for line in text.lines() {
            // A line may be cut short where a run was interrupted.
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let number = |key: &str| line[key].as_f64();
            if let Some(total) = number("test_return_mean") {
                let won = number("test_battle_won_mean").unwrap_or_default();
                let trained = number("battle_won_mean").unwrap_or_default();
                let t_env = number("t_env").context("a line has no t_env")?;
                let seconds = number("seconds").unwrap_or_default();
                let goals = number("test_goal_difference_mean").unwrap_or_default();
                points.push(Point { t_env, seconds, won, trained, total, goals });
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

    /// Returns the environment steps before the last evaluation.
    pub fn t_env(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.t_env)
    }

    /// Returns whether the run reached its configured length.
    pub fn is_finished(&self) -> bool {
        self.t_env() >= self.t_max as f64
    }

    /// Returns the mean of the last `n` evaluations.
    pub fn tail(&self, n: usize, value: impl Fn(&Point) -> f64) -> f64 {
        let tail = &self.points[self.points.len().saturating_sub(n)..];
        tail.iter().map(value).sum::<f64>() / tail.len().max(1) as f64
    }

    /// Returns the first of three consecutive evaluations that each won at least 90 % of their battles.
    pub fn solved(&self) -> Option<Point> {
        let window = self.points.windows(3).find(|window| window.iter().all(|p| p.won >= 0.9))?;
        Some(window[0])
    }
}

/// The runs of one name in one panel.
pub struct Series<'a> {
    /// The name.
    pub name: String,
    /// The runs, one per seed.
    pub runs: Vec<&'a Curve>,
}

/// A panel of a figure.
pub struct Panel<'a> {
    /// The title; may be empty.
    pub title: String,
    /// The curves.
    pub series: Vec<Series<'a>>,
}

/// The quantity on the vertical axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The label.
    pub name: &'static str,
    /// The range; values outside it are drawn at its limits.
    pub range: (f64, f64),
    /// The value of an evaluation.
    pub value: fn(&Point) -> f64,
    /// Formats a value.
    pub label: fn(&f64) -> String,
}

impl Axis {
    /// The share of battles won.
    pub const WON: Self = Self {
        name: "battles won, greedy",
        range: (0.0, 1.0),
        value: |point| point.won,
        label: |share| format!("{:.0}%", 100.0 * share),
    };

    /// The mean return, from `low` to `high`.
    pub fn total(low: f64, high: f64) -> Self {
        Self {
            name: "return, greedy",
            range: (low, high),
            value: |point| point.total,
            label: |total| format!("{total:.0}"),
        }
    }
}

/// Returns the mean and the range over runs at every evaluation that all of them have: steps, mean,
/// minimum, maximum.
fn band(runs: &[&Curve], axis: &Axis) -> Vec<(f64, f64, f64, f64)> {
    let length = runs.iter().map(|run| run.points.len()).min().unwrap_or(0);
    let (low, high) = axis.range;
    (0..length)
        .map(|i| {
            let values = || runs.iter().map(|run| (axis.value)(&run.points[i]).clamp(low, high));
            let n = runs.len() as f64;
            let at = runs.iter().map(|run| run.points[i].t_env).sum::<f64>() / n;
            let mean = values().sum::<f64>() / n;
            (at, mean, values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max))
        })
        .collect()
}

const COLOURS: [RGBColor; 12] = [
    RGBColor(214, 39, 40),
    RGBColor(31, 119, 180),
    RGBColor(44, 140, 60),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(90, 90, 90),
    RGBColor(188, 189, 34),
    RGBColor(23, 190, 207),
    RGBColor(0, 0, 0),
    RGBColor(174, 199, 232),
];

/// Draws the panels next to each other: means over the seeds, and bands from the worst seed to the best. A
/// name has the same colour in all panels.
///
/// # Errors
///
/// Returns an error if the file cannot be written.
pub fn draw(panels: &[Panel<'_>], axis: &Axis, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let width = if panels.len() == 1 { 760 } else { 420 * panels.len() as u32 };
    let mut names: Vec<&str> = Vec::new();
    for series in panels.iter().flat_map(|panel| &panel.series) {
        if !names.contains(&series.name.as_str()) {
            names.push(&series.name);
        }
    }
    let labels: Vec<String> = names.iter().map(|name| label(name, panels)).collect();
    let legend = names.len().div_ceil(labels_per_row(width)) as u32 * LABEL.1 as u32 + 12;
    let root = SVGBackend::new(path, (width, PANEL + legend)).into_drawing_area();
    root.fill(&WHITE)?;
    let (charts, strip) = root.split_vertically(PANEL);
    for (area, panel) in charts.split_evenly((1, panels.len())).iter().zip(panels) {
        let ends = panel.series.iter().flat_map(|series| series.runs.iter().map(|run| run.t_max));
        let end = ends.max().unwrap_or(1) as f64 / 1000.0;
        let mut chart = ChartBuilder::on(area);
        chart.margin(16).x_label_area_size(40).y_label_area_size(56);
        if !panel.title.is_empty() {
            chart.caption(&panel.title, ("sans-serif", 16));
        }
        let mut chart = chart.build_cartesian_2d(0.0..end, axis.range.0..axis.range.1)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.1))
            .x_labels(6)
            .x_desc("environment steps, in thousands")
            .y_desc(axis.name)
            .y_label_formatter(&axis.label)
            .x_label_formatter(&|steps| format!("{steps:.0}"))
            .label_style(("sans-serif", 14))
            .draw()?;
        for series in &panel.series {
            let index = names.iter().position(|name| *name == series.name).unwrap_or_default();
            let colour = COLOURS[index % COLOURS.len()];
            let band = band(&series.runs, axis);
            if series.runs.len() > 1 {
                let upper = band.iter().map(|p| (p.0 / 1000.0, p.3));
                let lower = band.iter().rev().map(|p| (p.0 / 1000.0, p.2));
                let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
                chart.draw_series([Polygon::new(outline, colour.mix(0.12))])?;
            }
            let mean = band.iter().map(|p| (p.0 / 1000.0, p.1));
            chart.draw_series(LineSeries::new(mean, colour.stroke_width(2)))?;
        }
    }
    for (at, label) in labels.into_iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let (row, column) = (at / labels_per_row(width), at % labels_per_row(width));
        let (x, y) = (56 + column as i32 * LABEL.0, row as i32 * LABEL.1 + 8);
        strip.draw(&PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(2)))?;
        strip.draw(&Text::new(label, (x + 30, y - 7), ("sans-serif", 14)))?;
    }
    root.present()?;
    Ok(())
}

/// The height of the panels, in pixels.
const PANEL: u32 = 420;
/// Width and height of a label below the panels.
const LABEL: (i32, i32) = (300, 22);

fn labels_per_row(width: u32) -> usize {
    ((width as i32 - 56) / LABEL.0).max(1) as usize
}

/// Returns the name of a series with the number of its runs, which may differ between panels.
fn label(name: &str, panels: &[Panel<'_>]) -> String {
    let series = panels.iter().flat_map(|panel| &panel.series);
    let runs = series.filter(|series| series.name == name).map(|series| series.runs.len());
    let (least, most) = runs.fold((usize::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
    match (least, most) {
        (1, 1) => format!("{name} (1 seed)"),
        (least, most) if least == most => format!("{name} ({most} seeds)"),
        (least, most) => format!("{name} ({least} to {most} seeds)"),
    }
}
