//! The conformance kit detects every kind of contract violation and names it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU16, Ordering};

use phalanx::env::CheckError;
use phalanx::prelude::*;
use serde_json::{Map, Value, json};

/// A violation of the environment contract.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ObservationNotWritten,
    MaskNotWritten,
    NotANumber,
    NoAvailableAction,
    DeadAgentMayChoose,
    DeadAgentReturns,
    AgentRewardNotWritten,
    AgentRewardNotANumber,
    OwnRandomness,
    ForgetsTheClock,
    NeverEnds,
    TruncatesEarly,
    CallsItselfCrashed,
    NoAgents,
    UnsteadySpec,
    SpecChanges,
    InfosAreAlike,
    StateNotANumber,
    InfoNotANumber,
    RewardNotANumber,
    TextsAreMissing,
    TextIsEmpty,
    UnsteadyDescription,
    FrameChangesTheEnvironment,
    FrameHidesTheReward,
    UnsteadyFrame,
    FrameNeedsAReset,
    AcceptsDamage,
    ChangesOnDamage,
    PanicsWhenMade,
    PanicsInReset,
    PanicsInStep,
    PanicsInSave,
    PanicsInLoad,
    PanicsOnDamage,
    PanicsInDescribe,
}

/// Two agents walk for eight steps; the second dies after three.
struct Walk {
    spec: EnvSpec,
    fault: Fault,
    t: u16,
    place: f32,
    frames: Cell<u16>,
}

/// Number of environments created, on which no environment may depend.
static BUILT: AtomicU16 = AtomicU16::new(0);

const LIMIT: u16 = 8;

impl Walk {
    fn new(fault: Fault) -> Self {
        let built = BUILT.fetch_add(1, Ordering::Relaxed);
        assert!(fault != Fault::PanicsWhenMade, "out of boots");
        let agents = if fault == Fault::NoAgents { 0 } else { 2 };
        let growth = if fault == Fault::UnsteadySpec { usize::from(built) } else { 0 };
        let spec = EnvSpec {
            n_actions: 3,
            obs_dim: 2,
            state_dim: 1 + growth,
            episode_limit: LIMIT.into(),
            agent_rewards: true,
            info: ["place", if fault == Fault::InfosAreAlike { "place" } else { "clock" }]
                .map(str::to_owned)
                .to_vec(),
            ..EnvSpec::new("walk", agents)
        };
        Self { spec, fault, t: 0, place: 0.0, frames: Cell::new(0) }
    }

    fn write(&self, out: &mut StepBuffers<'_>) {
        let second_is_dead = self.t >= 3 && !(self.fault == Fault::DeadAgentReturns && self.t >= 6);
        out.obs.fill(self.place);
        if self.fault != Fault::AgentRewardNotWritten {
            out.agent_rewards.fill(self.place);
        }
        out.state.fill(f32::from(self.t));
        out.info.copy_from_slice(&[self.place, f32::from(self.t)]);
        out.avail.fill(true);
        out.alive[0] = true;
        out.alive[1] = !second_is_dead;
        if second_is_dead {
            out.avail[3..].copy_from_slice(&[true, false, false]);
        }
        match self.fault {
            Fault::NotANumber if self.t == 5 => out.obs[3] = f32::NAN,
            Fault::StateNotANumber if self.t == 5 => out.state[0] = f32::NEG_INFINITY,
            Fault::InfoNotANumber if self.t == 5 => out.info[1] = f32::NAN,
            Fault::FrameChangesTheEnvironment => out.obs[0] += f32::from(self.frames.get()),
            Fault::AgentRewardNotANumber if self.t == 5 => out.agent_rewards[1] = f32::INFINITY,
            Fault::NoAvailableAction if self.t == 5 => out.avail[..3].fill(false),
            Fault::DeadAgentMayChoose if second_is_dead => out.avail[4] = true,
            _ => {}
        }
    }
}

impl Env for Walk {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, mut out: StepBuffers<'_>) {
        assert!(self.fault != Fault::PanicsInReset, "no way back");
        self.t = 0;
        self.place = rng.uniform();
        self.write(&mut out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        assert!(self.fault != Fault::PanicsInStep || self.t < 6, "stumbled at {}", self.t);
        if self.fault == Fault::SpecChanges {
            self.spec.max_return = Some(self.place);
        }
        self.place += f32::from(actions[0]) + rng.uniform();
        if self.fault == Fault::OwnRandomness {
            let built = BUILT.fetch_add(1, Ordering::Relaxed);
            self.place += f32::from(built % 7);
        }
        let (obs, mask) = (out.obs[3], out.avail[1]);
        self.write(&mut out);
        match self.fault {
            Fault::ObservationNotWritten => out.obs[3] = obs,
            Fault::MaskNotWritten => out.avail[1] = mask,
            _ => {}
        }
        let end = match self.fault {
            Fault::NeverEnds => StepStatus::Running,
            Fault::TruncatesEarly if self.t == 4 => StepStatus::Truncated,
            Fault::CallsItselfCrashed if self.t == 4 => StepStatus::Crashed,
            _ if self.t == LIMIT => StepStatus::Truncated,
            _ => StepStatus::Running,
        };
        let reward = if self.fault == Fault::RewardNotANumber { f32::NAN } else { self.place };
        StepResult { reward, status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        assert!(self.fault != Fault::PanicsInSave, "no pencil");
        let t = if self.fault == Fault::ForgetsTheClock { 0 } else { self.t };
        pack(&(t, self.place), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        assert!(self.fault != Fault::PanicsInLoad, "cannot read");
        if bytes.len() < 3 {
            match self.fault {
                Fault::AcceptsDamage => return Ok(()),
                Fault::ChangesOnDamage => self.t += 1,
                Fault::PanicsOnDamage => panic!("range end index 4 out of range"),
                _ => {}
            }
        }
        (self.t, self.place) = unpack("the walk", bytes)?;
        Ok(())
    }

    fn describe(&self) -> Description {
        assert!(self.fault != Fault::PanicsInDescribe, "speechless");
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let mut state = vec!["steps taken".to_owned(); self.spec.state_dim];
        match self.fault {
            Fault::TextsAreMissing => state.clear(),
            Fault::TextIsEmpty => state[0] = " ".to_owned(),
            Fault::UnsteadyDescription => {
                state[0] += &BUILT.fetch_add(1, Ordering::Relaxed).to_string();
            }
            _ => {}
        }
        Description {
            summary: "A walk.".to_owned(),
            obs: texts(&["own place", "place"]),
            state,
            actions: texts(&["stand", "walk", "run"]),
        }
    }

    fn frame(&self) -> Map<String, Value> {
        assert!(self.fault != Fault::FrameNeedsAReset || self.place > 0.0, "no episode");
        self.frames.set(self.frames.get() + 1);
        let frames = if self.fault == Fault::UnsteadyFrame { self.frames.get() } else { self.t };
        let key = if self.fault == Fault::FrameHidesTheReward { "reward" } else { "frames" };
        Map::from_iter([(key.to_owned(), json!(frames))])
    }
}

#[test]
fn a_conforming_environment_passes_with_a_report() {
    let report =
        check_env(|| Walk::new(Fault::None), 4000).expect("the environment meets the contract");
    assert_eq!((report.steps, report.episodes, report.longest), (4000, 500, 8));
    assert!(report.restores > 40, "{report:?}");
}

#[test]
fn every_contract_violation_is_named() {
    for (fault, complaint) in [
        (Fault::ObservationNotWritten, "observation 1 of agent 1 (place) is not written"),
        (Fault::MaskNotWritten, "the availability of action 1 of agent 0 (walk) is not written"),
        (Fault::NotANumber, "observation 1 of agent 1 (place) is NaN"),
        (Fault::AgentRewardNotWritten, "the reward of agent 0 is not written"),
        (Fault::AgentRewardNotANumber, "the reward of agent 1 is inf"),
        (Fault::NoAvailableAction, "agent 0 has no available action"),
        (Fault::DeadAgentMayChoose, "agent 1 is dead but has 2 available actions"),
        (Fault::DeadAgentReturns, "agent 1 came back to life"),
        (Fault::OwnRandomness, "a second copy with the same seed"),
        (Fault::ForgetsTheClock, "a copy restored in mid-episode"),
        (Fault::NeverEnds, "the episode continues after its limit of 8 steps"),
        (Fault::TruncatesEarly, "the episode is truncated before its limit of 8 steps"),
        (Fault::CallsItselfCrashed, "the status is `Crashed`, which only the library reports"),
        (Fault::NoAgents, "there is no agent"),
        (Fault::UnsteadySpec, "a second copy has another specification"),
        (Fault::SpecChanges, "the specification has changed"),
        (Fault::InfosAreAlike, "two names in `info` are the same"),
        (Fault::StateNotANumber, "state 0 (steps taken) is -inf"),
        (Fault::InfoNotANumber, "info `clock` is NaN"),
        (
            Fault::RewardNotANumber,
            "episode 0, step 1 with the actions [1, 1] (seed 24301): the reward is NaN",
        ),
        (Fault::TextsAreMissing, "it has 0 state texts, but the specification has 1"),
        (Fault::TextIsEmpty, "the text of state 0 is empty"),
        (Fault::UnsteadyDescription, "a second copy has another description"),
        (
            Fault::FrameChangesTheEnvironment,
            "observation 0 of agent 0 (own place) is 1.0501207, but 0.05012071 in a second copy",
        ),
        (Fault::FrameHidesTheReward, "`frame` has the key `reward`"),
        (Fault::UnsteadyFrame, "`frame` returns two different values for the same step"),
        (Fault::FrameNeedsAReset, "`walk`: `frame` panicked: no episode"),
        (Fault::AcceptsDamage, "`load` accepts a state that was cut in half"),
        (Fault::ChangesOnDamage, "`load` refuses a damaged state, but changes the environment"),
        (Fault::PanicsWhenMade, "Walk`: the constructor panicked: out of boots"),
        (
            Fault::PanicsInReset,
            "`walk`, episode 0, reset (seed 24301): `reset` panicked: no way back",
        ),
        (Fault::PanicsInStep, "(seed 24301): `step` panicked: stumbled at 6"),
        (Fault::PanicsInSave, "`save` panicked: no pencil"),
        (Fault::PanicsInLoad, "`load` panicked: cannot read"),
        (Fault::PanicsOnDamage, "`load` panicked: range end index 4 out of range"),
        (Fault::PanicsInDescribe, "`describe` panicked: speechless"),
    ] {
        let error = check_env(|| Walk::new(fault), 4000)
            .expect_err("the environment violates the contract")
            .to_string();
        assert!(error.contains(complaint), "{fault:?}: {error}");
        assert!(fault == Fault::PanicsWhenMade || error.contains("`walk`"), "{fault:?}: {error}");
    }
}

#[test]
fn an_error_prints_as_a_sentence_from_main() {
    // `fn main() -> Result<(), CheckError>` prints `Error: {error:?}`.
    let error: CheckError =
        check_env(|| Walk::new(Fault::NotANumber), 4000).expect_err("an observation is NaN");
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(
        error.to_string().starts_with("`walk`, episode 0, step 5 with the actions ["),
        "{error}"
    );
    assert!(error.to_string().ends_with("observation 1 of agent 1 (place) is NaN"), "{error}");
}
