//! The environment: reset, step, save and load.

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde_json::{Map, Value};

use super::args::PredatorPreyArgs;
use super::describe;
use super::entities::entities;
use super::observation::ObservationWriter;
use super::scripted::GreedyHunt;
use super::state::{State, World};
use super::{SCRIPTED_POLICIES, rules};
use crate::arguments::ArgumentError;

/// Agents on a grid must cooperate to catch prey.
///
/// Actions are *right*, *down*, *left*, *up*, *stay* and *catch*. With the defaults, observations
/// `[agent, 5, 5, 3]` are the surroundings of each agent, and the state `[10, 10, 3]` is the whole grid;
/// the features of a cell mark an agent, a stag and a hare.
///
/// ```
/// use phalanx_core::env::{Env, check_env};
/// use phalanx_envs::predator_prey::{PredatorPrey, PredatorPreyArgs};
///
/// let make = || PredatorPrey::new(PredatorPreyArgs::default()).expect("the defaults are valid");
/// assert_eq!(make().spec().max_return, Some(40.0));
/// check_env(make, 2000).expect("the environment meets the contract");
/// ```
#[derive(Clone, Debug)]
pub struct PredatorPrey {
    pub(super) spec: EnvSpec,
    pub(super) world: World,
    pub(super) writer: ObservationWriter,
    greedy: GreedyHunt,
}

impl PredatorPrey {
    /// A one-sentence summary of the task.
    pub const SUMMARY: &'static str = "Two agents must catch a prey together; solo attempts \
        are punished (Böhmer et al. 2020, DCG; Rashid et al. 2020, Weighted QMIX).";

    /// Creates the environment.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value or contradicts another.
    pub fn new(args: PredatorPreyArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        let writer = ObservationWriter::new(&args);
        let spec = EnvSpec {
            n_actions: writer.n_actions,
            obs_dim: writer.obs_dim,
            state_dim: writer.state_dim,
            episode_limit: args.episode_limit,
            timeout_is_terminal: !args.truncate_episodes,
            info: ["prey_caught", "miscaptures"].map(str::to_owned).to_vec(),
            max_return: args.max_return(),
            max_reward: args.max_return(),
            agent_rewards: args.individual_rewards,
            entities: entities(&args, writer.features),
            ..EnvSpec::new("predator_prey", args.n_agents)
        };
        Ok(Self { spec, writer, greedy: GreedyHunt::new(&args), world: World::new(args) })
    }

    /// Returns the arguments.
    pub fn args(&self) -> &PredatorPreyArgs {
        &self.world.args
    }

    pub(super) fn write(&mut self, mut out: StepBuffers<'_>) {
        self.writer.write(&self.world, &mut out);
        if self.spec.agent_rewards {
            out.agent_rewards.copy_from_slice(&self.world.shares);
        }
    }
}

impl Env for PredatorPrey {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.world.randomize(rng);
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        for (agent, &action) in actions.iter().enumerate() {
            let known = usize::from(action) < self.spec.n_actions;
            assert!(known, "agent {agent} has no action {action}");
        }
        let (reward, over) = self.world.play(actions, rng);
        self.write(out);
        let end = if over {
            StepStatus::Terminated
        } else if self.world.state.step >= self.spec.episode_limit {
            StepStatus::Truncated
        } else {
            StepStatus::Running
        };
        StepResult { reward, status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.world.state, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let state: State = unpack(&self.spec.id, bytes)?;
        if !self.world.is_compatible(&state) {
            let reason = "it is the state of a hunt with other arguments".to_owned();
            return Err(EnvError::BadState { what: self.spec.id.clone(), reason });
        }
        self.world.restore(state);
        Ok(())
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        SCRIPTED_POLICIES
    }

    fn scripted_actions(&mut self, policy: usize, _: &[bool], rng: &mut Rng, actions: &mut [u16]) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        assert!(policy < SCRIPTED_POLICIES.len(), "there is no scripted policy {policy}");
        actions.fill(rules::STAY);
        self.greedy.choose(&self.world, rng, actions);
    }

    fn describe(&self) -> Description {
        describe::describe(self)
    }

    fn frame(&self) -> Map<String, Value> {
        describe::frame(&self.world)
    }
}
