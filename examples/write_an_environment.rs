//! A custom environment: two robots must press two buttons at the same time.
//!
//! ```sh
//! cargo run --release --example write_an_environment
//! cargo run --release --example write_an_environment -- train qmix corridor t_max=20000
//! ```
//!
//! The conformance kit checks the environment, then VDN learns it. With arguments, the example is the
//! program `phalanx` with one more environment.

#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use phalanx::prelude::*;

/// A corridor of five cells with a button at either end. Both robots start in random cells.
struct Corridor {
    spec: EnvSpec,
    /// The cell of each robot. Everything that changes during an episode is saved; see `save`.
    cells: [u16; 2],
    /// Steps played.
    t: usize,
}

const LENGTH: u16 = 5;
const LIMIT: usize = 20;
// The actions.
const STAY: u16 = 0;
const LEFT: u16 = 1;
const RIGHT: u16 = 2;

impl Corridor {
    fn new() -> Self {
        let spec = EnvSpec {
            n_actions: 3,
            obs_dim: 2 * usize::from(LENGTH),
            state_dim: 2 * usize::from(LENGTH),
            episode_limit: LIMIT,
            // Logged as `pressed_mean` and `test_pressed_mean`.
            info: vec!["pressed".to_owned()],
            ..EnvSpec::new("corridor", 2)
        };
        Self { spec, cells: [0; 2], t: 0 }
    }

    fn pressed(&self) -> bool {
        self.cells.contains(&0) && self.cells.contains(&(LENGTH - 1))
    }

    /// Each robot observes its own cell and the other's, one-hot; walls make an action unavailable.
    fn observe(&self, mut out: StepBuffers<'_>) {
        out.clear();
        out.info[0] = f32::from(u8::from(self.pressed()));
        for (agent, &cell) in self.cells.iter().enumerate() {
            let other = self.cells[1 - agent];
            out.state[agent * usize::from(LENGTH) + usize::from(cell)] = 1.0;
            let row = out.agent(agent);
            row.obs[usize::from(cell)] = 1.0;
            row.obs[usize::from(LENGTH + other)] = 1.0;
            row.avail[usize::from(LEFT)] = cell > 0;
            row.avail[usize::from(RIGHT)] = cell + 1 < LENGTH;
        }
    }
}

impl Env for Corridor {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.t = 0;
        self.cells = [rng.below(LENGTH.into()) as u16, rng.below(LENGTH.into()) as u16];
        self.observe(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        for (cell, &action) in self.cells.iter_mut().zip(actions) {
            match action {
                STAY => {}
                LEFT => *cell -= 1,
                RIGHT => *cell += 1,
                _ => unreachable!("there are three actions"),
            }
        }
        self.t += 1;
        self.observe(out);
        if self.pressed() {
            StepResult { reward: 10.0, status: StepStatus::Terminated }
        } else if self.t == LIMIT {
            StepResult { reward: -0.1, status: StepStatus::Truncated }
        } else {
            StepResult { reward: -0.1, status: StepStatus::Running }
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&(self.cells, self.t), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (self.cells, self.t) = unpack("the corridor", bytes)?;
        Ok(())
    }
}

fn check_and_learn() -> anyhow::Result<()> {
    let report = check_env(Corridor::new, 100_000)?;
    println!("the environment meets the contract: {report:?}");

    let learning =
        QLearningSettings { epsilon_anneal_time: 10_000, ..QLearningSettings::default() };
    let outcome = Trainer::new(Vdn::new(learning), Corridor::new)
        .t_max(20_000)
        .run_overwriting("results/examples/write_an_environment")?;
    let pressed = outcome.best.1.means["test_pressed_mean"];
    println!("the robots press both buttons in {:.0}% of the episodes", 100.0 * pressed);
    anyhow::ensure!(pressed > 0.9, "VDN did not learn the task");
    Ok(())
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        let summary = "Two robots must press two buttons at the same time.";
        let corridor = EnvEntry::simple("corridor", summary, Corridor::new);
        return Program::builtin().environment(corridor).main();
    }
    match check_and_learn() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
