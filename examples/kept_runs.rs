//! Keeps the curves of a page, also of runs whose folders are gone.
//!
//! Runs take days and their folders are large, so a page grows over many sittings and machines. Next to it is
//! a file of JSON lines, one per run, with the evaluations of the run and what was measured of its policy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::curves::{Curve, Point};
use crate::grid::Run;

/// A run as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptRun {
    panel: String,
    curve: String,
    alg: String,
    env: String,
    settings: Vec<String>,
    seed: u64,
    t_max: i64,
    /// Steps, seconds, won, won in training, return, goals; to four decimals.
    points: Vec<[f64; 6]>,
    /// What was measured of its policy, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    measured: BTreeMap<String, f64>,
}

impl KeptRun {
    fn is(&self, run: &Run) -> bool {
        self.panel == run.panel
            && self.curve == run.curve
            && self.seed == run.seed
            && self.alg == run.alg
            && self.env == run.env
            && self.settings == run.settings
    }

    fn to_curve(&self) -> Curve {
        let point = |&[t_env, seconds, won, trained, total, goals]: &[f64; 6]| Point {
            t_env,
            seconds,
            won,
            trained,
            total,
            goals,
        };
        Curve {
            alg: self.alg.clone(),
            env: self.env.clone(),
            seed: self.seed as i64,
            t_max: self.t_max,
            points: self.points.iter().map(point).collect(),
        }
    }
}

/// The kept runs of a page.
pub struct KeptRuns {
    path: PathBuf,
    runs: Vec<KeptRun>,
}

impl KeptRuns {
    /// Reads the file at `path`, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        let line = |(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}, line {}", path.display(), 1 + number))
        };
        let runs = text.lines().enumerate().map(line).collect::<anyhow::Result<_>>()?;
        Ok(Self { path: path.to_owned(), runs })
    }

    /// Returns the evaluations of a run with these very settings.
    pub fn curve(&self, run: &Run) -> Option<Curve> {
        self.runs.iter().find(|kept| kept.is(run)).map(KeptRun::to_curve)
    }

    /// Keeps the evaluations of a run instead of earlier ones.
    pub fn keep(&mut self, run: &Run, curve: &Curve) {
        let decimals = |value: f64| (value * 1e4).round() / 1e4;
        let point =
            |p: &Point| [p.t_env, p.seconds, p.won, p.trained, p.total, p.goals].map(decimals);
        let points: Vec<[f64; 6]> = curve.points.iter().map(point).collect();
        let same_place = |kept: &KeptRun| {
            kept.panel == run.panel && kept.curve == run.curve && kept.seed == run.seed
        };
        // What was measured belongs to the policy that these evaluations ended with.
        let old = self.runs.iter().position(same_place).map(|at| self.runs.remove(at));
        let measured = old.filter(|old| old.points == points).map(|old| old.measured);
        self.runs.push(KeptRun {
            panel: run.panel.clone(),
            curve: run.curve.clone(),
            alg: run.alg.clone(),
            env: run.env.clone(),
            settings: run.settings.clone(),
            seed: run.seed,
            t_max: curve.t_max,
            points,
            measured: measured.unwrap_or_default(),
        });
    }

    /// Returns what was measured of a run's policy under `name`. Measures it if it was not and the run's folder is
    /// there.
    ///
    /// # Errors
    ///
    /// Returns the error of `measure`.
    pub fn measured(
        &mut self,
        run: &Run,
        name: &str,
        folder: &Path,
        measure: impl FnOnce(&Path) -> anyhow::Result<f64>,
    ) -> anyhow::Result<Option<f64>> {
        let Some(kept) = self.runs.iter_mut().find(|kept| kept.is(run)) else { return Ok(None) };
        if !kept.measured.contains_key(name) && folder.exists() {
            kept.measured.insert(name.to_owned(), measure(folder)?);
        }
        Ok(kept.measured.get(name).copied())
    }

    /// Writes the file, in the order of panels, curves and seeds.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written.
    pub fn write(&mut self) -> anyhow::Result<()> {
        let key = |run: &KeptRun| (run.panel.clone(), run.curve.clone(), run.seed);
        self.runs.sort_by_key(key);
        let lines = self.runs.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        fs::write(&self.path, text).with_context(|| self.path.display().to_string())
    }
}
