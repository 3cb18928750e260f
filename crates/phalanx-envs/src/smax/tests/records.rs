//! Comparison with whole episodes of JaxMARL, recorded by `record_jaxmarl.py`.
//!
//! Three battles of 3m are committed. Records of all scenarios are too large for that; the head of the
//! script explains how to make and compare them. The test in `golden` has a few steps of every scenario.

use std::fs;

use serde_json::Value;

use super::*;
use crate::smax::simd::CAPACITY;

const TOLERANCE: f32 = 1e-4;
/// XLA adds the pushes of collisions in the order of units up to here, and in another one beyond;
/// crowds amplify the difference in rounding, so whole episodes are only reported there.
const SUMMED_IN_ORDER: usize = 32;

/// The contents of a file.
struct Record {
    scenario: String,
    args: SmaxArgs,
    stateless: bool,
    n_units: usize,
    n_actions: usize,
    obs_dim: usize,
    bits: usize,
    steps: Vec<usize>,
    numbers: Vec<f32>,
}

/// One moment of a record, borrowed from its numbers.
struct Moment<'a> {
    kind: &'a [f32],
    x: &'a [f32],
    y: &'a [f32],
    health: &'a [f32],
    cooldown: &'a [f32],
    actions: Vec<u16>,
    rewards: &'a [f32],
    done: bool,
    possible: &'a [f32],
    masks: &'a [f32],
    state: &'a [f32],
    obs: &'a [f32],
}

impl Record {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.iter().position(|&byte| byte == b'\n').expect("there is a header");
        let header: Value = serde_json::from_slice(&bytes[..end]).expect("the header is JSON");
        let (words, _) = bytes[end + 1..].as_chunks::<4>();
        let size = |key: &str| header[key].as_u64().expect("the header has sizes") as usize;
        let options = &header["options"];
        let args = arguments(options);
        let steps = header["steps"].as_array().expect("a list of lengths");
        Self {
            scenario: header["scenario"].as_str().expect("a name").to_owned(),
            args,
            stateless: options["heuristic_memory"] == Value::Bool(false),
            n_units: size("n_units"),
            n_actions: size("n_actions"),
            obs_dim: size("obs_dim"),
            bits: size("bits"),
            steps: steps.iter().map(|n| n.as_u64().expect("a length") as usize).collect(),
            numbers: words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        }
    }

    fn lengths(&self) -> [usize; 12] {
        let n = self.n_units;
        let (masks, state, obs) = (n * self.n_actions, n * 12, n * self.obs_dim);
        [n, n, n, n, n, n, 2, 1, n * self.bits, masks, state, obs]
    }

    fn moment(&self, index: usize) -> Moment<'_> {
        let lengths = self.lengths();
        let mut rest = &self.numbers[index * lengths.iter().sum::<usize>()..];
        let mut next = lengths.iter().map(|&length| {
            let (part, after) = rest.split_at(length);
            rest = after;
            part
        });
        let mut part = || next.next().expect("twelve parts");
        Moment {
            kind: part(),
            x: part(),
            y: part(),
            health: part(),
            cooldown: part(),
            actions: part().iter().map(|&action| action as u16).collect(),
            rewards: part(),
            done: part()[0] > 0.0,
            possible: part(),
            masks: part(),
            state: part(),
            obs: part(),
        }
    }
}

/// Statistics of a comparison.
#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    numbers: usize,
    worst: f32,
    /// Steps in which some number was further off than the tolerance, or a mask differed.
    bad: usize,
    first: Option<String>,
}

impl Tally {
    fn compare(&mut self, what: &str, ours: &[f32], theirs: &[f32], bad: &mut bool) {
        assert_eq!(ours.len(), theirs.len(), "{what}");
        for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let off = (ours - theirs).abs();
            if off > TOLERANCE || off.is_nan() {
                *bad = true;
                self.first.get_or_insert_with(|| {
                    format!("step {} {what} {index}: {ours}, not {theirs}", self.steps)
                });
            } else {
                self.worst = self.worst.max(off);
            }
        }
        self.numbers += ours.len();
    }
}

fn put(field: &mut Field, moment: &Moment<'_>) {
    let battle = &mut field.env.battle;
    for unit in 0..battle.n_units {
        battle.kind[unit] = moment.kind[unit] as u8;
        battle.x[unit] = moment.x[unit];
        battle.y[unit] = moment.y[unit];
        battle.health[unit] = moment.health[unit];
        battle.cooldown[unit] = moment.cooldown[unit];
    }
}

fn compare(field: &Field, moment: &Moment<'_>, outcome: Option<StepResult>, tally: &mut Tally) {
    let battle = &field.env.battle;
    let n = battle.n_units;
    let mut bad = false;
    let scaled = |health: &[f32]| -> Vec<f32> {
        (0..n).map(|unit| health[unit] / battle.stats(unit).unit.health).collect()
    };
    tally.compare("x", &battle.x[..n], moment.x, &mut bad);
    tally.compare("y", &battle.y[..n], moment.y, &mut bad);
    tally.compare("health", &scaled(&battle.health), &scaled(moment.health), &mut bad);
    tally.compare("cooldown", &battle.cooldown[..n], moment.cooldown, &mut bad);
    tally.compare("mask", &field.masks(), moment.masks, &mut bad);
    tally.compare("state", &field.rows.state, moment.state, &mut bad);
    tally.compare("observation", &field.rows.obs, moment.obs, &mut bad);
    if let Some(outcome) = outcome {
        let rewards = [outcome.reward, field.rows.info[3]];
        tally.compare("reward", &rewards, moment.rewards, &mut bad);
        let done = f32::from(u8::from(outcome.status.is_over()));
        tally.compare("end", &[done], &[f32::from(u8::from(moment.done))], &mut bad);
    }
    tally.steps += 1;
    tally.bad += usize::from(bad);
}

/// Counts the units for which the scripted policy may decide differently from JaxMARL's.
fn script_differs(
    field: &Field,
    script: &mut ScriptedPolicy,
    record: &Record,
    next: &Moment<'_>,
) -> usize {
    let ours = field.script_options(script, record.stateless);
    let theirs = next.possible.chunks_exact(record.bits).map(|row| {
        let bits = row.iter().enumerate();
        bits.filter(|&(_, &open)| open > 0.0).fold(0, |bits, (action, _)| bits | 1_u64 << action)
    });
    ours.into_iter().zip(theirs).filter(|(ours, theirs)| ours != theirs).count()
}

/// Returns the committed record, and those in the folder that `PHALANX_SMAX_RECORDS` names, by
/// name.
fn records() -> Vec<(String, Vec<u8>)> {
    let mut records = vec![("3m".to_owned(), include_bytes!("3m.record").to_vec())];
    if let Ok(folder) = std::env::var("PHALANX_SMAX_RECORDS") {
        let entries = fs::read_dir(folder).expect("the folder can be read");
        let mut paths: Vec<_> =
            entries.map(|entry| entry.expect("the folder can be read").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "record"));
        paths.sort();
        assert!(!paths.is_empty(), "there are records in the folder");
        records.extend(paths.into_iter().map(|path| {
            let name = path.file_stem().expect("a file").to_string_lossy().into_owned();
            (name, fs::read(path).expect("the record can be read"))
        }));
    }
    records
}

#[test]
#[allow(clippy::print_stdout)]
fn whole_episodes_of_jaxmarl_are_reproduced() {
    let mut failures = Vec::new();
    for (name, bytes) in records() {
        let record = Record::read(&bytes);
        let mut field = Field::with(&record.scenario, record.args.clone());
        let (mut whole, mut single) = (Tally::default(), Tally::default());
        let (mut decisions, mut odd_decisions) = (0, 0);
        let mut first = 0;
        for &steps in &record.steps {
            // Each step alone, from JaxMARL's state before it.
            field.reset();
            let mut script = field.env.script.clone();
            for step in 0..steps {
                let moment = record.moment(first + step);
                put(&mut field, &moment);
                field.env.battle.action[..record.n_units].copy_from_slice(&moment.actions);
                if step == 0 {
                    field.env.battle.action = [STOP; CAPACITY];
                }
                field.rewrite();
                let next = record.moment(first + step + 1);
                odd_decisions += script_differs(&field, &mut script, &record, &next);
                decisions += record.n_units;
                let outcome = field.step(&next.actions);
                compare(&field, &next, Some(outcome), &mut single);
            }
            // The whole episode, from its start.
            field.reset();
            put(&mut field, &record.moment(first));
            field.rewrite();
            compare(&field, &record.moment(first), None, &mut whole);
            for step in 0..steps {
                let next = record.moment(first + step + 1);
                let outcome = field.step(&next.actions);
                compare(&field, &next, Some(outcome), &mut whole);
            }
            first += steps + 1;
        }
        assert!(single.steps > 100 && decisions > 500, "{name} holds whole battles");
        println!(
            "{name}: {} episodes, {} steps; whole episodes: {} steps off, largest other difference \
             {:.1e}; single steps: {} of {} off, {:.1e}; decisions: {odd_decisions} of {decisions} \
             differ",
            record.steps.len(),
            single.steps,
            whole.bad,
            whole.worst,
            single.bad,
            single.steps,
            single.worst,
        );
        for first in [whole.first.as_ref(), single.first.as_ref()].into_iter().flatten() {
            println!("    {first}");
        }
        let whole_bad = whole.bad > 0 && record.n_units <= SUMMED_IN_ORDER;
        if whole_bad || single.bad > 0 || odd_decisions > 0 {
            failures.push(name);
        }
    }
    assert!(failures.is_empty(), "they differ: {failures:?}");
}
