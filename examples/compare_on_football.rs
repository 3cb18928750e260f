//! Trains teams on academy scenarios of football, next to the rates published for Google Research Football,
//! and the graph agent on whole matches, next to a perceptron and to scripted play.
//!
//! ```sh
//! cargo run --release --example compare_on_football -- docs/results/football.md
//! ```
//!
//! Finished runs are not repeated, so the program can be stopped and started again. The tables and the figure
//! show the evaluations so far; a file next to the page keeps those of finished runs. Optional arguments after the page: the folder of the runs
//! (`results/football`), the number of parallel runs (one per core), and the names of algorithms and
//! scenarios to train, such as `MAPPO academy_3_vs_1_with_keeper` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx::train::rollout::ScriptedPolicy;
use phalanx::train::run::evaluate::evaluate_scripted;
use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A scenario, the number of seeds, and the success rates of MAPPO and QMIX in Google Research Football after
/// 25 million steps, in percent (Yu et al. 2022, *The Surprising Effectiveness of PPO in Cooperative
/// Multi-Agent Games*).
const SCENARIOS: [(&str, u64, [&str; 2]); 4] = [
    ("academy_3_vs_1_with_keeper", 3, ["88.0", "8.1"]),
    ("academy_pass_and_shoot_with_keeper", 3, ["94.9", "8.1"]),
    ("academy_run_pass_and_shoot_with_keeper", 3, ["76.8", "8.1"]),
    ("academy_counterattack_easy", 1, ["87.8", "16.0"]),
];

/// A name, its algorithm, and its settings.
const ALGORITHMS: [(&str, &str, &str); 3] = [
    ("IPPO", "ippo", "configs/algs/ippo_football.toml"),
    ("MAPPO", "mappo", "configs/algs/mappo_football.toml"),
    ("QMIX", "qmix", "configs/algs/qmix_football.toml"),
];

/// The scenarios of the graph agent, the number of seeds, and the length of a run.
const MATCHES: [(&str, u64, &str); 2] =
    [("11_vs_11_easy_stochastic", 3, "300000"), ("academy_empty_goal", 3, "100000")];

/// The networks of the graph agent: a name and its settings. Agents and encoder of the perceptron have about
/// as many parameters as those of the graph networks.
const NETWORKS: [(&str, &str); 4] = [
    ("GCN", "encoder=gcn"),
    ("GAT", "encoder=gat"),
    ("perceptron", "encoder=none hidden_dim=40"),
    ("GCN, paper's settings", "configs/algs/gnn_dqn_paper.toml"),
];

/// The scripted policies next to them.
const SCRIPTS: [&str; 3] = ["idle", "random", "run_and_shoot"];

/// Settings of the runs on academy scenarios.
const ACADEMY: &str = "test_interval=100000 log_interval=100000 test_nepisode=100";

/// Settings of the graph agent's runs. A match takes 3000 steps.
const MATCH: &str = "env_args.obs=entities test_interval=50000 log_interval=10000 test_nepisode=10";

/// Matches played by each scripted policy.
const SCRIPTED_MATCHES: usize = 20;

fn run(panel: &str, curve: &str, alg: &str, settings: &str, seed: u64) -> Run {
    Run {
        panel: panel.to_owned(),
        curve: curve.to_owned(),
        alg: alg.to_owned(),
        env: env(panel),
        settings: settings.split_whitespace().map(str::to_owned).collect(),
        seed,
    }
}

fn env(scenario: &str) -> String {
    format!("football/{scenario}")
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in 1..=3 {
        for (scenario, ..) in SCENARIOS.iter().filter(|(_, seeds, _)| seed <= *seeds) {
            let of = |(name, alg, own)| run(scenario, name, alg, &format!("{own} {ACADEMY}"), seed);
            runs.extend(ALGORITHMS.map(of));
        }
        for (scenario, _, t_max) in MATCHES.iter().filter(|(_, seeds, _)| seed <= *seeds) {
            let of = |(name, own)| {
                run(scenario, name, "gnn_dqn", &format!("{MATCH} {own} t_max={t_max}"), seed)
            };
            runs.extend(NETWORKS.map(of));
        }
    }
    runs
}

fn of<'a>(done: &'a [(Run, Curve)], panel: &str, name: &str) -> Vec<&'a Curve> {
    let matching = done.iter().filter(|(run, _)| run.panel == panel && run.curve == name);
    matching.map(|(_, curve)| curve).collect()
}

/// Joins a text of each curve; runs that go on are marked.
fn list(curves: &[&Curve], text: impl Fn(&Curve) -> String) -> String {
    let marked = |curve: &&Curve| text(curve) + if curve.is_finished() { "" } else { "…" };
    curves.iter().map(marked).collect::<Vec<_>>().join(", ")
}

/// Returns the mean over runs of their last steps and their seconds.
fn lengths(curves: &[&Curve]) -> (f64, f64) {
    let ends = curves.iter().filter_map(|curve| curve.points.last());
    let (steps, seconds) = ends.fold((0.0, 0.0), |(a, b), end| (a + end.t_env, b + end.seconds));
    (steps / curves.len() as f64, seconds / curves.len() as f64)
}

fn academy(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "Greedy episodes with a goal in percent, one figure per seed; reward `scoring,checkpoints`:\n\n\
         | scenario | algorithm | last ten evaluations | best evaluation | steps (million) | minutes | \
         published, 25M steps |\n|---|---|---|---|---|---|---|\n",
    );
    for (scenario, _, [mappo, qmix]) in SCENARIOS {
        for (name, ..) in ALGORITHMS {
            let curves = of(done, scenario, name);
            if curves.is_empty() {
                continue;
            }
            let last = |curve: &Curve| format!("{:.0}", 100.0 * curve.tail(10, |point| point.won));
            let best = |curve: &Curve| {
                let best = curve.points.iter().map(|point| point.won).fold(0.0, f64::max);
                format!("{:.0}", 100.0 * best)
            };
            let published = match name {
                "MAPPO" => mappo,
                "QMIX" => qmix,
                _ => "–",
            };
            let (steps, seconds) = lengths(&curves);
            writeln!(
                text,
                "| {scenario} | {name} | {} | {} | {:.1} | {:.0} | {published} |",
                list(&curves, last),
                list(&curves, best),
                steps / 1e6,
                seconds / 60.0,
            )?;
        }
    }
    Ok(text)
}

fn matches(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "Greedy goal difference per episode and episodes won in percent over the last three evaluations, one \
         figure per seed; scripted policies next to them:\n\n\
         | scenario | policy | goal difference | won | steps (thousand) | minutes |\n|---|---|---|---|---|---|\n",
    );
    for (scenario, ..) in MATCHES {
        for (name, _) in NETWORKS {
            let curves = of(done, scenario, name);
            if curves.is_empty() {
                continue;
            }
            let goals = |curve: &Curve| format!("{:.2}", curve.tail(3, |point| point.goals));
            let won = |curve: &Curve| format!("{:.0}", 100.0 * curve.tail(3, |point| point.won));
            let (steps, seconds) = lengths(&curves);
            writeln!(
                text,
                "| {scenario} | {name} | {} | {} | {:.0} | {:.0} |",
                list(&curves, goals),
                list(&curves, won),
                steps / 1e3,
                seconds / 60.0,
            )?;
        }
        for policy in SCRIPTS {
            let make = phalanx::envs::registry::factory(&env(scenario), &Default::default())?;
            let Some(scripted) = ScriptedPolicy::named(policy, &*make()) else { continue };
            let played = evaluate_scripted(scripted, make, 1, SCRIPTED_MATCHES);
            let goals = played.means["test_goal_difference_mean"];
            let won = 100.0 * played.battle_won_mean().unwrap_or_default();
            writeln!(text, "| {scenario} | {policy} | {goals:.2} | {won:.0} | | |")?;
        }
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/football")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = SCENARIOS
        .iter()
        .map(|(scenario, ..)| Panel {
            title: (*scenario).to_owned(),
            series: ALGORITHMS
                .iter()
                .map(|(name, ..)| Series {
                    name: (*name).to_owned(),
                    runs: of(&done, scenario, name),
                })
                .filter(|series| !series.runs.is_empty())
                .collect(),
        })
        .filter(|panel| !panel.series.is_empty())
        .collect();
    let goals = Axis { name: "episodes with a goal, greedy", ..Axis::WON };
    draw(&panels, &goals, &request.page.with_file_name("football.svg"))?;
    let tables = [("academy", &*academy(&done)?), ("matches", &*matches(&done)?)];
    page::put_all(&request.page, &tables)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
