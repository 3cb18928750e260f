//! A scenario as an environment: its construction and its specification.

use phalanx_core::env::{AgentSpec, EnvSpec};
use serde::{Deserialize, Serialize};

use super::args::{ActionSet, FootballArgs, Reward, TeamReward};
use super::ending::{Ending, Umpire};
use super::observation::{Frames, Writer};
use super::reward::{self, Rewarder};
use super::view::View;
use crate::arguments::ArgumentError;
use crate::football::engine::Match;
use crate::football::scenarios::Scenario;

/// The names of the values that are reported at the end of an episode.
const INFO: [&str; 7] = [
    "battle_won",
    "goals_scored",
    "goals_conceded",
    "goal_difference",
    "out_of_play",
    "possession_lost",
    "checkpoints",
];

/// A football scenario: agents control players of the left team against the built-in players of the
/// right one.
///
/// Actions, observations, rewards and ends are those of Google Research Football (Kurach et al.
/// 2020); [`Env::describe`](phalanx_core::env::Env::describe) names every index. The match is
/// simulated by our own engine.
///
/// ```
/// use phalanx_core::env::Env;
/// use phalanx_envs::football::{Football, FootballArgs, SCENARIOS};
///
/// let scenario = SCENARIOS.iter().find(|scenario| scenario.name == "academy_3_vs_1_with_keeper");
/// let env = Football::new(scenario.expect("it exists"), FootballArgs::default())?;
/// assert_eq!((env.spec().n_agents(), env.spec().n_actions, env.spec().obs_dim), (3, 19, 115));
/// # Ok::<(), phalanx_envs::arguments::ArgumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Football {
    pub(super) spec: EnvSpec,
    pub(super) scenario: &'static Scenario,
    pub(super) args: FootballArgs,
    pub(super) writer: Writer,
    pub(super) episode: Episode,
    /// What the left team sees; computed from the match after every step.
    pub(super) view: View,
}

/// Everything that changes during an episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) game: Match,
    pub(super) step: usize,
    pub(super) rewarder: Rewarder,
    pub(super) umpire: Umpire,
    pub(super) ending: Option<Ending>,
    /// The steps for which a restart has been awaited.
    pub(super) waiting: u32,
    pub(super) frames: Frames,
}

impl Football {
    /// Creates the environment.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value or does not fit the scenario.
    pub fn new(scenario: &'static Scenario, args: FootballArgs) -> Result<Self, ArgumentError> {
        let args = args.for_scenario(scenario)?;
        let writer = Writer::new(&args, scenario);
        let episode = Episode {
            game: Match::new(&Default::default()),
            step: 0,
            rewarder: Rewarder::default(),
            umpire: Umpire::default(),
            ending: None,
            waiting: 0,
            frames: Frames::default(),
        };
        let spec = spec(scenario, &args, &writer);
        Ok(Self { spec, scenario, args, writer, episode, view: View::default() })
    }

    /// Returns the scenario.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Returns the arguments, with those of the scenario filled in.
    pub fn args(&self) -> &FootballArgs {
        &self.args
    }

    /// Returns the match that is being played.
    pub fn game(&self) -> &Match {
        &self.episode.game
    }

    /// Returns the match that is being played, to arrange a position.
    pub fn game_mut(&mut self) -> &mut Match {
        &mut self.episode.game
    }
}

/// Returns the specification.
fn spec(scenario: &Scenario, args: &FootballArgs, writer: &Writer) -> EnvSpec {
    let agents = args.agents;
    let agent = |i: usize| AgentSpec { name: format!("player {i}"), group: 0, team: 0 };
    let once = scenario.end_on_score;
    let shared = if args.team_reward == TeamReward::Sum { agents as f32 } else { 1.0 };
    let largest = match args.reward {
        Reward::ScoringCheckpoints => reward::MAX_RETURN,
        Reward::Scoring => 1.0,
        Reward::Cds => reward::CDS_GOAL,
    };
    EnvSpec {
        agents: (0..agents).map(agent).collect(),
        n_actions: if args.action_set == ActionSet::V2 { 20 } else { 19 },
        obs_dim: writer.obs_dim(),
        state_dim: writer.state_dim(),
        episode_limit: args.episode_limit,
        timeout_is_terminal: args.timeout_is_terminal,
        info: INFO.map(str::to_owned).to_vec(),
        max_return: once.then_some(largest * shared),
        agent_rewards: args.reward == Reward::ScoringCheckpoints,
        entities: writer.entities(),
        ..EnvSpec::new(format!("football/{}", scenario.name), 0)
    }
}
