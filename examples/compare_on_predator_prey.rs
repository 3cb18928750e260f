//! Compares value factorisations on predator-prey: learning curves, and a table of final returns next to
//! those of the ConcaveQ paper.
//!
//! ```sh
//! cargo run --release --example compare_on_predator_prey -- docs/results/value_factorisation.md
//! ```
//!
//! Finished runs are kept and not repeated, so the program can be stopped and started again. The table and
//! the figure show the evaluations so far. Optional arguments after the page: the folder of the runs
//! (`results/predator_prey`), the number of parallel runs (one per core), and the names to train, such as
//! `QMIX` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PENALTIES: [&str; 3] = ["0", "-1.5", "-2"];

/// A name, its algorithm, its own settings, and the final returns of the paper at the three
/// penalties (Li et al. 2024, figure 2, read off by eye).
type Entry = (&'static str, &'static str, &'static str, [&'static str; 3]);

/// Trained at every penalty with three seeds.
const COMPARED: [Entry; 5] = [
    ("ConcaveQ", "concaveq", "w=0.1 mixing_embed_dim=16", ["39 to 40", "36", "36"]),
    ("OW-QMIX", "ow_qmix", "w=0.1", ["40", "36", "36"]),
    ("QMIX", "qmix", "", ["38", "0", "0"]),
    ("MLP", "unrestricted", "", ["", "", ""]),
    ("VDN", "vdn", "", ["", "", ""]),
];

/// Trained at penalty -2 with one seed.
const OTHERS: [Entry; 6] = [
    ("CW-QMIX", "cw_qmix", "w=0.1", ["", "", ""]),
    ("QPLEX", "qplex", "", ["", "", "0"]),
    ("ResQ", "resq", "", ["", "", "0"]),
    ("QTRAN", "qtran", "", ["", "", ""]),
    ("Qatten", "qatten", "", ["", "", ""]),
    ("IQL", "iql", "", ["", "", ""]),
];

/// Ablations of ConcaveQ, longer returns, and exploration that ends as early as Weighted
/// QMIX's, at -2 with one seed.
const ABLATIONS: [Entry; 11] = [
    ("VDN, short exploration", "vdn", "epsilon_anneal_time=50000", ["", "", ""]),
    ("ConcaveQ, TD(0.6)", "concaveq", "w=0.1 td_lambda=0.6 mixing_embed_dim=16", ["", "", ""]),
    ("OW-QMIX, TD(0.6)", "ow_qmix", "w=0.1 td_lambda=0.6", ["", "", ""]),
    ("ConcaveQ, w=0.5", "concaveq", "w=0.5 mixing_embed_dim=16", ["", "", ""]),
    ("ConcaveQ, no weights", "concaveq", "w=1.0 mixing_embed_dim=16", ["", "", ""]),
    ("ConcaveQ, no search", "concaveq", "w=0.1 search=greedy mixing_embed_dim=16", ["", "", ""]),
    (
        "ConcaveQ, one deviation",
        "concaveq",
        "w=0.1 search=single_deviation mixing_embed_dim=16",
        ["", "", ""],
    ),
    (
        "ConcaveQ, no estimator",
        "concaveq",
        "w=0.1 estimator=concave mixing_embed_dim=16",
        ["", "", ""],
    ),
    (
        "ConcaveQ, no policies",
        "concaveq",
        "w=0.1 acting=utilities mixing_embed_dim=16",
        ["", "", ""],
    ),
    (
        "ConcaveQ, literal policy loss",
        "concaveq",
        "w=0.1 policy_loss=literal mixing_embed_dim=16",
        ["", "", ""],
    ),
    (
        "ConcaveQ, literal first layer",
        "concaveq",
        "w=0.1 first_layer=absolute mixing_embed_dim=16",
        ["", "", ""],
    ),
];

/// Settings of all runs.
const COMMON: &str = "t_max=1000000 lr=0.001 td_lambda=0.0 batch_size_run=4 updates_per_rollout=4 \
                      batch_size=32 batch_steps=20 use_rnn=false epsilon_anneal_time=100000 \
                      test_nepisode=16 test_interval=20000 log_interval=20000";

fn runs() -> Vec<Run> {
    let run = |(name, alg, own, _): &Entry, penalty: &str, seed| Run {
        panel: format!("penalty {penalty}"),
        curve: (*name).to_owned(),
        alg: (*alg).to_owned(),
        env: "predator_prey".to_owned(),
        settings: COMMON
            .split_whitespace()
            .chain(own.split_whitespace())
            .map(str::to_owned)
            .chain([format!("env_args.miscapture_punishment={penalty}.0").replace(".5.0", ".5")])
            .collect(),
        seed,
    };
    let mut runs = Vec::new();
    for seed in 1..=3 {
        for penalty in ["-2", "-1.5", "0"] {
            runs.extend(COMPARED.iter().map(|entry| run(entry, penalty, seed)));
        }
        if seed == 1 {
            runs.extend(OTHERS.iter().chain(&ABLATIONS).map(|entry| run(entry, "-2", seed)));
        }
    }
    runs
}

/// Returns the curves of one name at one penalty.
fn of<'a>(done: &'a [(Run, Curve)], name: &str, penalty: &str) -> Vec<&'a Curve> {
    let panel = format!("penalty {penalty}");
    let matching = done.iter().filter(|(run, _)| run.curve == name && run.panel == panel);
    matching.map(|(_, curve)| curve).collect()
}

fn table(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from("| |");
    for penalty in PENALTIES {
        write!(text, " {penalty} | paper |")?;
    }
    text.push_str(" seconds |\n|---|---|---|---|---|---|---|---|\n");
    for (name, _, _, paper) in COMPARED.iter().chain(&OTHERS).chain(&ABLATIONS) {
        if PENALTIES.iter().all(|penalty| of(done, name, penalty).is_empty()) {
            continue;
        }
        write!(text, "| {name} |")?;
        let (mut seconds, mut n) = (0.0, 0.0);
        for (penalty, paper) in PENALTIES.iter().zip(paper) {
            let mut finals: Vec<String> = Vec::new();
            for curve in of(done, name, penalty) {
                let mark = if curve.is_finished() { "" } else { "…" };
                finals.push(format!("{:.1}{mark}", curve.tail(5, |point| point.total)));
                seconds += curve.points.last().map_or(0.0, |point| point.seconds);
                n += 1.0;
            }
            write!(text, " {} | {paper} |", finals.join(", "))?;
        }
        writeln!(text, " {:.0} |", seconds / f64::max(n, 1.0))?;
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/predator_prey")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = PENALTIES
        .iter()
        .map(|penalty| Panel {
            title: format!("penalty {penalty}"),
            series: COMPARED
                .iter()
                .map(|(name, ..)| ((*name).to_owned(), of(&done, name, penalty)))
                .filter(|(_, runs)| !runs.is_empty())
                .map(|(name, runs)| Series { name, runs })
                .collect(),
        })
        .collect();
    draw(&panels, &Axis::total(-40.0, 40.0), &request.page.with_file_name("predator_prey.svg"))?;
    page::put(&request.page, "predator-prey", &table(&done)?)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
