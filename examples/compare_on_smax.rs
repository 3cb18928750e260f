//! Trains IPPO on JaxMARL's SMAX: with JaxMARL's settings, to compare with JaxMARL's learning curves, and
//! with our own, to measure the time until a team wins 90 % of its battles.
//!
//! ```sh
//! cargo run --release --example compare_on_smax -- docs/results/policy_gradients.md
//! ```
//!
//! Finished runs are not repeated, so the program can be stopped and started again. The tables and the figure
//! show the evaluations so far; a file next to the page keeps those of finished runs. Optional arguments after the page: the folder of the runs
//! (`results/smax`), the number of parallel runs (one per core), and the names of settings and maps to
//! train, such as `ours 3m` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A map, the number of seeds, the length of a run in millions of steps, and the win rate of JaxMARL's
/// recurrent IPPO with its own settings, over all training battles, where it is known. 3m: its scripts on
/// one core, seed 0; the others: curves in its repository, mean of the last twenty numbers.
const MAPS: [(&str, u64, u64, [&str; 3]); 3] = [
    ("3m", 3, 2, ["51 %", "78 %", ""]),
    ("2s3z", 1, 10, ["", "", "96 to 99 %"]),
    ("smacv2_5_units", 1, 10, ["", "", "51 to 61 %"]),
];

/// The steps, in millions, after which win rates are compared.
const AFTER: [f64; 3] = [1.0, 2.0, 10.0];

/// The names of JaxMARL's settings and of ours.
const NAMES: [&str; 2] = ["JaxMARL's settings", "ours"];

/// Settings of all runs.
const COMMON: &str = "test_interval=20000 log_interval=20000";

/// JaxMARL's settings.
const THEIRS: &str = "configs/algs/ippo_jaxmarl.toml";

/// Our own settings for this game.
const OURS: &str = "configs/algs/ippo_smax.toml";

fn run(name: &str, map: &str, settings: &str, seed: u64) -> Run {
    let all = COMMON.split_whitespace().chain(settings.split_whitespace());
    Run {
        panel: map.to_owned(),
        curve: name.to_owned(),
        alg: "ippo".to_owned(),
        env: format!("smax/{map}"),
        settings: all.map(str::to_owned).collect(),
        seed,
    }
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for (map, seeds, millions, _) in MAPS {
        for seed in 1..=seeds {
            let theirs = format!("{THEIRS} t_max={millions}000000");
            runs.push(run(NAMES[0], map, &theirs, seed));
            runs.push(run(NAMES[1], map, OURS, seed));
        }
    }
    runs
}

fn of<'a>(done: &'a [(Run, Curve)], map: &str, name: &str) -> Vec<&'a Curve> {
    let matching = done.iter().filter(|(run, _)| run.panel == map && run.curve == name);
    matching.map(|(_, curve)| curve).collect()
}

/// Returns the share of training battles won around a number of steps, if the run is that long.
fn trained(curve: &Curve, millions: f64) -> String {
    let near = |t_env: f64| (t_env / 1e6 - millions).abs() < 0.06;
    let shares: Vec<f64> =
        curve.points.iter().filter(|point| near(point.t_env)).map(|point| point.trained).collect();
    if shares.is_empty() || curve.t_env() < millions * 1e6 {
        return "–".to_owned();
    }
    format!("{:.0} %", 100.0 * shares.iter().sum::<f64>() / shares.len() as f64)
}

fn list(curves: &[&Curve], text: impl Fn(&Curve) -> String) -> String {
    curves.iter().map(|curve| text(curve)).collect::<Vec<_>>().join(", ")
}

fn seconds_at(curve: &Curve, millions: f64) -> String {
    let point = curve.points.iter().find(|point| point.t_env >= millions * 1e6);
    point.map_or("–".to_owned(), |point| format!("{:.0}", point.seconds))
}

fn tables(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "IPPO, recurrent, with JaxMARL's settings (`configs/algs/ippo_jaxmarl.toml`); training battles \
         won, one figure per seed:\n\n\
         | map | after 1M steps | JaxMARL | after 2M | JaxMARL | after 10M | JaxMARL | seconds for 2M |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (map, _, _, theirs) in MAPS {
        let curves = of(done, map, NAMES[0]);
        if curves.is_empty() {
            continue;
        }
        write!(text, "| {map} |")?;
        for (millions, theirs) in AFTER.iter().zip(theirs) {
            write!(text, " {} | {theirs} |", list(&curves, |curve| trained(curve, *millions)))?;
        }
        writeln!(text, " {} |", list(&curves, |curve| seconds_at(curve, 2.0)))?;
    }
    write!(
        text,
        "\nIPPO with settings of our own (`{OURS}`), greedy:\n\n\
         | map | first of three evaluations >= 90 % (steps) | (seconds) | won, last ten evaluations | \
         seconds in all |\n|---|---|---|---|---|\n",
    )?;
    for (map, ..) in MAPS {
        let curves = of(done, map, NAMES[1]);
        if curves.is_empty() {
            continue;
        }
        let solved = list(&curves, |curve| match curve.solved() {
            Some(point) => format!("{:.0}k", point.t_env / 1000.0),
            None => "never".to_owned(),
        });
        let seconds = list(&curves, |curve| match curve.solved() {
            Some(point) => format!("{:.0}", point.seconds),
            None => "–".to_owned(),
        });
        let won = list(&curves, |curve| format!("{:.0} %", 100.0 * curve.tail(10, |p| p.won)));
        let all =
            list(&curves, |curve| format!("{:.0}", curve.points[curve.points.len() - 1].seconds));
        writeln!(text, "| {map} | {solved} | {seconds} | {won} | {all} |")?;
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/smax")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = MAPS
        .iter()
        .map(|(map, ..)| Panel {
            title: format!("{map}, SMAX"),
            series: NAMES
                .iter()
                .map(|name| Series { name: (*name).to_owned(), runs: of(&done, map, name) })
                .filter(|series| !series.runs.is_empty())
                .collect(),
        })
        .filter(|panel| !panel.series.is_empty())
        .collect();
    draw(&panels, &Axis::WON, &request.page.with_file_name("smax.svg"))?;
    page::put(&request.page, "smax", &tables(&done)?)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
