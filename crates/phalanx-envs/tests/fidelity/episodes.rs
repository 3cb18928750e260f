//! Whole episodes of fixed policies.

use std::thread;

use phalanx_core::env::{Env, StepRows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::football::{ActionSet, Football, FootballArgs, SCENARIOS};
use serde_json::Value;

use super::comparison::{Comparison, Estimate, Verdict};
use super::golden::{list, number, numbers, read, text};
use super::statistics::{deviation, mean, quantile};

/// The ends of episodes, by their names in the golden file.
pub const ENDS: [&str; 5] = ["goal", "conceded", "out", "lost", "time"];

/// The restarts after a whistle, by the numbers of the phases.
const RESTARTS: [&str; 7] =
    ["none", "kick-off", "goal kick", "free kick", "corner", "throw-in", "penalty"];

/// One episode.
#[derive(Clone, Copy, Debug)]
pub struct Episode {
    /// The index of the end in [`ENDS`].
    pub end: usize,
    pub length: usize,
    /// The phase after the last step.
    pub mode: usize,
    pub score: [u32; 2],
    /// Steps in which the left team, the right team and nobody own the ball.
    pub owned: [usize; 3],
    /// Checkpoints, the mean of the agents.
    pub checkpoints: f64,
}

/// Returns the environment and the index of the scripted policy for a row of the golden file.
pub fn environment(row: &Value) -> Option<(Football, usize)> {
    let name = text(row, "scenario");
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name)?;
    let policy = match text(row, "policy") {
        "script14" => "run_and_shoot",
        "script20" => "run_and_shoot_from_20_m",
        other => other,
    };
    let action_set = if policy == "builtin" { ActionSet::V2 } else { ActionSet::Default };
    let agents = number(row, "controllers") as usize;
    let env =
        Football::new(scenario, FootballArgs { agents, action_set, ..FootballArgs::default() })
            .ok()?;
    let index = env.scripted_policies().iter().position(|(known, _)| *known == policy)?;
    Some((env, index))
}

/// Plays an episode, at most `cap` steps.
fn play(env: &mut Football, policy: usize, seed: u32, cap: usize) -> Episode {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(4, Purpose::Check, seed);
    let mut choices = Rng::stream(4, Purpose::ScriptedPolicy, seed);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let mut actions = vec![0; spec.n_agents()];
    let (mut owned, mut length) = ([0; 3], 0);
    let mut over = false;
    while !over && length < cap {
        env.scripted_actions(policy, &rows.avail, &mut choices, &mut actions);
        over = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0)).status.is_over();
        length += 1;
        owned[env.game().owner.map_or(2, |owner| usize::from(owner.team))] += 1;
    }
    let info = |name: &str| {
        let index = spec.info.iter().position(|known| known == name);
        f64::from(rows.info[index.expect("the environment reports it")])
    };
    let score = env.game().score;
    let end = match () {
        () if score[0] > 0 => 0,
        () if score[1] > 0 => 1,
        () if info("out_of_play") > 0.0 => 2,
        () if info("possession_lost") > 0.0 => 3,
        () => 4,
    };
    let mode = env.game().mode as usize;
    Episode { end, length, mode, score, owned, checkpoints: info("checkpoints") }
}

/// Plays `episodes` episodes of a row on all cores. Returns nothing if the scenario is unknown.
pub fn episodes(row: &Value, episodes: u32, cap: usize) -> Option<Vec<Episode>> {
    let (env, policy) = environment(row)?;
    let threads = thread::available_parallelism().map_or(1, usize::from) as u32;
    let part = |thread: u32| {
        let mut env = env.clone();
        move || {
            (thread..episodes)
                .step_by(threads as usize)
                .map(|seed| play(&mut env, policy, seed, cap))
                .collect()
        }
    };
    let parts = thread::scope(|scope| {
        let threads = (0..threads).map(|thread| scope.spawn(part(thread))).collect::<Vec<_>>();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no episode fails"))
            .collect::<Vec<Vec<_>>>()
    });
    Some(parts.into_iter().flatten().collect())
}

/// Compares one row of the academy: ends in percent, mean and median length, ownership and checkpoints.
pub fn compare_row(golden: &Value, row: &Value, count: u32) -> Vec<Comparison> {
    let lazy = text(row, "scenario") == "academy_single_goal_versus_lazy";
    let cap = if lazy { number(golden, "lazy_length_cap") as usize } else { usize::MAX };
    let Some(ours) = episodes(row, count, cap) else { return Vec::new() };
    let what = format!(
        "{}, {}",
        text(row, "scenario").trim_start_matches("academy_"),
        text(row, "policy")
    );
    let (n, m) = (number(row, "episodes"), ours.len() as f64);
    let mut rows = Vec::new();
    let mut add = |quantity: &str, engine, ours, tolerance| {
        rows.push(Comparison { what: format!("{what}: {quantity}"), engine, ours, tolerance });
    };
    for (index, end) in ENDS.iter().enumerate() {
        let engine = Estimate::share(number(&row["ends"], end) / n, n);
        let share = ours.iter().filter(|episode| episode.end == index).count() as f64 / m;
        if engine.value > 0.0 || share > 0.0 {
            add(&format!("{end} (%)"), engine, Estimate::share(share, m), 10.0);
        }
    }
    for (mode, restart) in RESTARTS.iter().enumerate() {
        let engine = Estimate::share(numbers(&row["whistles"])[mode] / n, n);
        let whistles = ours.iter().filter(|episode| episode.end == 2 && episode.mode == mode);
        let share = whistles.count() as f64 / m;
        if engine.value.max(100.0 * share) > 3.0 {
            add(&format!("out, {restart} (%)"), engine, Estimate::share(share, m), 10.0);
        }
    }
    let lengths = ours.iter().map(|episode| episode.length as f64).collect::<Vec<_>>();
    let engine = Estimate::mean(number(row, "length_mean"), number(row, "length_sd"), n);
    add(
        "mean length",
        engine,
        Estimate::mean(mean(&lengths), deviation(&lengths), m),
        0.2 * engine.value,
    );
    let median = numbers(&row["length_quantiles"])[2];
    add(
        "median length",
        Estimate::exact(median),
        Estimate::exact(quantile(&lengths, 0.5)),
        0.2 * median,
    );
    let steps = lengths.iter().sum::<f64>();
    let owned = ours.iter().map(|episode| episode.owned[0] as f64).sum::<f64>() / steps;
    let engine = Estimate::exact(100.0 * numbers(&row["owned"])[0]);
    add(
        "steps in which the left team owns the ball (%)",
        engine,
        Estimate::exact(100.0 * owned),
        10.0,
    );
    let checkpoints = ours.iter().map(|episode| episode.checkpoints).collect::<Vec<_>>();
    let engine = Estimate::exact(number(row, "checkpoints"));
    add("checkpoints of an agent", engine, Estimate::exact(mean(&checkpoints)), 1.0);
    rows
}

/// Compares a row of full games: goals of both teams, and ownership.
pub fn compare_full_games(row: &Value, count: u32) -> Vec<Comparison> {
    let Some(ours) = episodes(row, count, usize::MAX) else { return Vec::new() };
    let what = format!("{}, {}", text(row, "scenario"), text(row, "policy"));
    let mut rows = Vec::new();
    let (n, m) = (number(row, "episodes"), ours.len() as f64);
    let difference = ours
        .iter()
        .map(|game| f64::from(game.score[0]) - f64::from(game.score[1]))
        .collect::<Vec<_>>();
    let engine = Estimate::mean(number(row, "difference_mean"), number(row, "difference_sd"), n);
    let estimate = Estimate::mean(mean(&difference), deviation(&difference), m);
    rows.push(Comparison {
        what: format!("{what}: goal difference"),
        engine,
        ours: estimate,
        tolerance: 0.5,
    });
    for (team, name) in ["goals for", "goals against"].iter().enumerate() {
        let goals = ours.iter().map(|game| f64::from(game.score[team])).collect::<Vec<_>>();
        // Goals are rare events: their variance is about their mean.
        let recorded = numbers(&row["goals"])[team];
        let engine = Estimate::mean(recorded, recorded.max(0.25).sqrt(), n);
        let ours = Estimate::mean(mean(&goals), deviation(&goals), m);
        rows.push(Comparison { what: format!("{what}: {name}"), engine, ours, tolerance: 0.5 });
    }
    let steps = ours.iter().map(|game| game.length as f64).sum::<f64>();
    for (team, name) in ["left team", "right team", "nobody"].iter().enumerate() {
        let owned = ours.iter().map(|game| game.owned[team] as f64).sum::<f64>() / steps;
        let engine = Estimate::exact(100.0 * numbers(&row["owned"])[team]);
        let ours = Estimate::exact(100.0 * owned);
        rows.push(Comparison {
            what: format!("{what}: ball owned by the {name} (%)"),
            engine,
            ours,
            tolerance: 10.0,
        });
    }
    rows
}

/// The headings of the lines of [`short`].
const ACADEMY: &str = "| scenario, policy | episodes | goal % | conceded % | out % | lost % | time % | length | off |\n\
                       |---|---|---|---|---|---|---|---|---|";
const FULL_GAMES: &str = "| scenario, policy | games | goals for | goals against | left team owns % | right team owns % | off |\n\
                          |---|---|---|---|---|---|---|";

/// Returns the comparisons of a row as one line, and its heading: each cell holds the engine's number and ours, the last
/// one names the quantities that differ, in brackets if the intervals cannot exclude that they agree. `counts` are the
/// numbers of episodes and of full games played here.
pub fn short(row: &Value, counts: [u32; 2], comparisons: &[Comparison]) -> (&'static str, String) {
    let academy = !row["ends"].is_null();
    let digits = if academy { 0 } else { 1 };
    let names: &[(&str, &str)] = if academy {
        &[
            ("goal (%)", "goal"),
            ("conceded (%)", "conceded"),
            ("out (%)", "out"),
            ("lost (%)", "lost"),
            ("time (%)", "time"),
            ("mean length", "length"),
        ]
    } else {
        &[
            ("goals for", "goals for"),
            ("goals against", "goals against"),
            ("ball owned by the left team (%)", "left team"),
            ("ball owned by the right team (%)", "right team"),
        ]
    };
    let (mut cells, mut off) = (Vec::new(), Vec::new());
    for (name, word) in names {
        let found = comparisons.iter().find(|row| row.what.ends_with(&format!(": {name}")));
        let Some(found) = found else {
            cells.push("0 / 0".to_owned());
            continue;
        };
        cells.push(format!("{:.digits$} / {:.digits$}", found.engine.value, found.ours.value));
        match found.verdict() {
            Verdict::Differs => off.push((*word).to_owned()),
            Verdict::Unsure => off.push(format!("({word})")),
            Verdict::Agrees => (),
        }
    }
    let scenario = text(row, "scenario").trim_start_matches("academy_");
    let line = format!(
        "| {scenario}, {} | {} / {} | {} | {} |",
        text(row, "policy"),
        number(row, "episodes"),
        counts[usize::from(!academy)],
        cells.join(" | "),
        off.join(", ")
    );
    (if academy { ACADEMY } else { FULL_GAMES }, line)
}

/// Compares every row whose scenario and policy contain `filter`: `count` episodes of academy scenarios, `games` full
/// games. Hands each row and its comparisons to `show` when it is done.
pub fn compare(
    count: u32,
    games: u32,
    filter: &str,
    mut show: impl FnMut(&Value, Vec<Comparison>),
) {
    let golden = read("episodes");
    let wanted = |row: &&Value| {
        format!("{}, {}", text(row, "scenario"), text(row, "policy")).contains(filter)
    };
    for row in list(&golden, "rows").iter().filter(wanted) {
        show(row, compare_row(&golden, row, count));
    }
    for row in list(&golden, "full_games").iter().filter(wanted) {
        show(row, compare_full_games(row, games));
    }
}
