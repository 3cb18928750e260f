//! Tests of every rule on hand-drawn positions.

mod arguments;
mod catching;
mod episodes;
mod moving;
mod seeing;

use phalanx_core::env::{Env, StepResult, StepRows};
use phalanx_core::rng::{Purpose, Rng};

use super::describe::text;
use super::state::State;
use super::{PredatorPrey, PredatorPreyArgs};

const RIGHT: u16 = 0;
const DOWN: u16 = 1;
const LEFT: u16 = 2;
const UP: u16 = 3;
const STAY: u16 = 4;
const CATCH: u16 = 5;

/// Arguments for prey that never moves on its own.
fn still() -> PredatorPreyArgs {
    PredatorPreyArgs { p_stags_rest: 1.0, p_hare_rest: 1.0, ..PredatorPreyArgs::default() }
}

/// An environment in a position drawn as [`text`] prints it.
struct Scene {
    env: PredatorPrey,
    rows: StepRows,
    rng: Rng,
}

impl Scene {
    fn new(drawing: &str, args: PredatorPreyArgs) -> Self {
        let lines: Vec<&str> = drawing.split_whitespace().collect();
        let columns = lines[0].len();
        assert!(lines.iter().all(|line| line.len() == columns), "{drawing}");
        let cells = lines.concat();
        let all = |wanted: char| cells.match_indices(wanted).map(|(cell, _)| cell as u32);
        let agents: Vec<u32> = ('0'..='9').flat_map(all).collect();
        let prey: Vec<u32> = ['S', 'H'].into_iter().flat_map(all).collect();
        let args = PredatorPreyArgs {
            world_shape: [lines.len(), columns],
            n_agents: agents.len(),
            n_stags: all('S').count(),
            n_hare: all('H').count(),
            ..args
        };
        let mut env = PredatorPrey::new(args).expect("the arguments are valid");
        let spec = env.spec().clone();
        env.world.restore(State {
            frozen: vec![false; agents.len()],
            caught: vec![false; prey.len()],
            agents,
            prey,
            step: 0,
            miscaptures: 0,
        });
        let mut rows = StepRows::new(&spec, 1, 1);
        env.write(rows.at_mut(0).row(&spec, 0));
        Self { env, rows, rng: Rng::stream(0, Purpose::Check, 0) }
    }

    /// Returns the same position with another random stream.
    fn seeded(drawing: &str, args: &PredatorPreyArgs, seed: u32) -> Self {
        let rng = Rng::stream(0, Purpose::Check, seed);
        Self { rng, ..Self::new(drawing, args.clone()) }
    }

    fn act(&mut self, actions: &[u16]) -> StepResult {
        let spec = self.env.spec().clone();
        self.env.step(actions, &mut self.rng, self.rows.at_mut(0).row(&spec, 0))
    }

    /// Returns the reward of one step.
    fn reward(&mut self, actions: &[u16]) -> f32 {
        self.act(actions).reward
    }

    fn text(&self) -> String {
        text(&self.env.world)
    }

    fn frozen(&self) -> &[bool] {
        &self.env.world.state.frozen
    }

    fn mask(&self, agent: usize) -> &[bool] {
        let n_actions = self.env.spec().n_actions;
        &self.rows.avail[agent * n_actions..][..n_actions]
    }

    fn obs(&self, agent: usize) -> &[f32] {
        let width = self.env.spec().obs_dim;
        &self.rows.obs[agent * width..][..width]
    }
}

/// Asserts that the number of times an event of probability `p` was seen in `n` trials is within five
/// standard deviations.
fn assert_frequency(seen: usize, n: usize, p: f64, what: &str) {
    let (mean, deviation) = (n as f64 * p, (n as f64 * p * (1.0 - p)).sqrt());
    assert!((seen as f64 - mean).abs() < 5.0 * deviation, "{what}: {seen} of {n}, not {mean}");
}
