//! The environment: two robots on a ring must meet.

use phalanx::envs::arguments::{Argument, read};
use phalanx::prelude::*;
use phalanx::serde::Deserialize;
use phalanx::serde_json::{Map, Value, json};

const LIMIT: usize = 12;
const LEFT: u16 = 1;
const RIGHT: u16 = 2;

const ARGUMENTS: &[Argument] = &[Argument { key: "cells", allowed: "a number from 3 to 50" }];

/// The arguments on the command line, `env_args.cells=9`.
#[derive(Clone, Deserialize)]
#[serde(crate = "phalanx::serde", default)]
struct Args {
    cells: usize,
}

impl Default for Args {
    fn default() -> Self {
        Self { cells: 5 }
    }
}

/// Two robots start in random cells of a ring and are rewarded for meeting, the sooner the better.
pub struct Meeting {
    spec: EnvSpec,
    robots: [usize; 2],
    t: usize,
}

impl Meeting {
    /// Creates the environment with a ring of `cells` cells.
    pub fn new(cells: usize) -> Self {
        let spec = EnvSpec {
            n_actions: 3,
            obs_dim: 2 * cells,
            state_dim: 2 * cells,
            episode_limit: LIMIT,
            info: vec!["met".to_owned()],
            ..EnvSpec::new("meeting", 2)
        };
        Self { spec, robots: [0; 2], t: 0 }
    }

    fn cells(&self) -> usize {
        self.spec.obs_dim / 2
    }

    fn met(&self) -> bool {
        self.robots[0] == self.robots[1]
    }

    fn observe(&self, mut out: StepBuffers<'_>) {
        let cells = self.cells();
        out.clear();
        out.info[0] = f32::from(u8::from(self.met()));
        for (robot, &at) in self.robots.iter().enumerate() {
            out.state[robot * cells + at] = 1.0;
            let row = out.agent(robot);
            row.obs[at] = 1.0;
            row.obs[cells + self.robots[1 - robot]] = 1.0;
        }
    }
}

impl Env for Meeting {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        let cells = self.cells();
        let first = rng.below(cells);
        self.robots = [first, (first + 1 + rng.below(cells - 1)) % cells];
        self.t = 0;
        self.observe(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        let cells = self.cells();
        for (at, &action) in self.robots.iter_mut().zip(actions) {
            *at = match action {
                LEFT => (*at + cells - 1) % cells,
                RIGHT => (*at + 1) % cells,
                _ => *at,
            };
        }
        self.t += 1;
        self.observe(out);
        let status = match self.t {
            _ if self.met() => StepStatus::Terminated,
            LIMIT => StepStatus::Truncated,
            _ => StepStatus::Running,
        };
        StepResult { reward: if self.met() { 1.0 } else { -0.1 }, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&(self.robots, self.t), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (self.robots, self.t) = unpack("the meeting", bytes)?;
        Ok(())
    }

    fn frame(&self) -> Map<String, Value> {
        let cell = |cell| self.robots.iter().position(|&at| at == cell);
        let text: String = (0..self.cells())
            .map(|at| cell(at).map_or('.', |robot| char::from(b'0' + robot as u8)))
            .collect();
        [("robots".to_owned(), json!(self.robots)), ("text".to_owned(), json!(text))]
            .into_iter()
            .collect()
    }
}

/// Returns the environment by its name on the command line.
pub fn entry() -> EnvEntry {
    EnvEntry::new("meeting", "Two robots on a ring must meet.", ARGUMENTS, |args| {
        let args: Args = read(args, ARGUMENTS)?;
        if !(3..=50).contains(&args.cells) {
            return Err("`cells` must be a number from 3 to 50".into());
        }
        Ok(Factory::new(move || Meeting::new(args.cells)))
    })
}
