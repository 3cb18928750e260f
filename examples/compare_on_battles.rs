//! Compares value factorisations on battles: learning curves, and a table of win rates next to published
//! ones.
//!
//! ```sh
//! cargo run --release --example compare_on_battles -- docs/results/value_factorisation.md
//! ```
//!
//! Finished runs are kept and not repeated, so the program can be stopped and started again. The table and
//! the figure show the evaluations so far. Optional arguments after the page: the folder of the runs
//! (`results/battles`), the number of parallel runs (one per core), and the names to train, such as `QMIX`
//! (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A map, a name, its algorithm with its own settings, and the median win rate after two
/// million steps in StarCraft, in percent (data of the SMAC paper).
const RUNS: [(&str, &str, &str, &str); 8] = [
    ("2s3z", "QMIX", "qmix", "99"),
    ("2s3z", "ConcaveQ", "concaveq mixing_embed_dim=16", ""),
    ("2s3z", "VDN", "vdn", "97"),
    ("2s3z", "IQL", "iql", "75"),
    ("3s5z", "QMIX", "qmix", "97"),
    ("3s5z", "VDN", "vdn", "84"),
    ("3s5z", "IQL", "iql", "10"),
    ("2s3z", "QPLEX", "qplex", ""),
];

const MAPS: [&str; 2] = ["2s3z", "3s5z"];

/// Settings of all runs.
const COMMON: &str = "t_max=2000000 test_interval=20000 log_interval=20000";

fn runs() -> Vec<Run> {
    RUNS.iter()
        .map(|(map, name, what, _)| {
            let (alg, own) = what.split_once(' ').unwrap_or((what, ""));
            let settings = COMMON.split_whitespace().chain(own.split_whitespace());
            Run {
                panel: (*map).to_owned(),
                curve: (*name).to_owned(),
                alg: alg.to_owned(),
                env: format!("skirmish/{map}"),
                settings: settings.map(str::to_owned).collect(),
                seed: 1,
            }
        })
        .collect()
}

fn table(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "| map | algorithm | won, last ten evaluations | StarCraft | solved after (steps) | steps \
         | hours |\n|---|---|---|---|---|---|---|\n",
    );
    for (map, name, _, published) in RUNS {
        let curves = done.iter().filter(|(run, _)| run.panel == map && run.curve == name);
        for (_, curve) in curves {
            let solved =
                curve.solved().map_or("never".into(), |point| format!("{:.0}", point.t_env));
            let hours = curve.points.last().map_or(0.0, |point| point.seconds) / 3600.0;
            let mark = if curve.is_finished() { "" } else { "…" };
            writeln!(
                text,
                "| {map} | {name} | {:.0} %{mark} | {published} | {solved} | {:.0} | {hours:.1} |",
                100.0 * curve.tail(10, |point| point.won),
                curve.t_env()
            )?;
        }
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/battles")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = MAPS
        .iter()
        .map(|map| Panel {
            title: (*map).to_owned(),
            series: done
                .iter()
                .filter(|(run, _)| run.panel == *map)
                .map(|(run, curve)| Series { name: run.curve.clone(), runs: vec![curve] })
                .collect(),
        })
        .collect();
    draw(&panels, &Axis::WON, &request.page.with_file_name("battles.svg"))?;
    page::put(&request.page, "battles", &table(&done)?)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
