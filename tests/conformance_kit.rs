//! The conformance kit detects every kind of contract violation and names it.

use phalanx::env::{pack, unpack};
use phalanx::prelude::*;

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
}

/// Two agents walk for eight steps; the second dies after three.
struct Walk {
    spec: EnvSpec,
    fault: Fault,
    t: u16,
    place: f32,
}

/// Number of environments created, on which no environment may depend.
static BUILT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);

const LIMIT: u16 = 8;

impl Walk {
    fn new(fault: Fault) -> Self {
        let built = BUILT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let agents = if fault == Fault::NoAgents { 0 } else { 2 };
        let growth = if fault == Fault::UnsteadySpec { usize::from(built) } else { 0 };
        let spec = EnvSpec {
            n_actions: 3,
            obs_dim: 2,
            state_dim: 1 + growth,
            episode_limit: LIMIT.into(),
            agent_rewards: true,
            ..EnvSpec::new("walk", agents)
        };
        Self { spec, fault, t: 0, place: 0.0 }
    }

    fn write(&self, out: &mut StepBuffers<'_>) {
        let second_is_dead = self.t >= 3 && !(self.fault == Fault::DeadAgentReturns && self.t >= 6);
        out.obs.fill(self.place);
        if self.fault != Fault::AgentRewardNotWritten {
            out.agent_rewards.fill(self.place);
        }
        out.state.fill(f32::from(self.t));
        out.avail.fill(true);
        out.alive[0] = true;
        out.alive[1] = !second_is_dead;
        if second_is_dead {
            out.avail[3..].copy_from_slice(&[true, false, false]);
        }
        match self.fault {
            Fault::NotANumber if self.t == 5 => out.obs[1] = f32::NAN,
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
        self.t = 0;
        self.place = rng.uniform();
        self.write(&mut out);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        self.place += f32::from(actions[0]) + rng.uniform();
        if self.fault == Fault::OwnRandomness {
            let built = BUILT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
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
        StepResult { reward: self.place, status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        let t = if self.fault == Fault::ForgetsTheClock { 0 } else { self.t };
        pack(&(t, self.place), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (self.t, self.place) = unpack("the walk", bytes)?;
        Ok(())
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
        (Fault::ObservationNotWritten, "observation index 3"),
        (Fault::MaskNotWritten, "mask index 1"),
        (Fault::NotANumber, "observation index 1 is NaN"),
        (Fault::AgentRewardNotWritten, "agent reward index 0"),
        (Fault::AgentRewardNotANumber, "agent reward index 1 is inf"),
        (Fault::NoAvailableAction, "agent 0 has no available action"),
        (Fault::DeadAgentMayChoose, "agent 1 is dead and has 2 available actions"),
        (Fault::DeadAgentReturns, "agent 1 came back to life"),
        (Fault::OwnRandomness, "a second copy with the same seed"),
        (Fault::ForgetsTheClock, "a copy restored in mid-episode"),
        (Fault::NeverEnds, "no end is reported at the limit of 8 steps"),
        (Fault::TruncatesEarly, "truncated after 4 steps, the limit is 8"),
        (Fault::CallsItselfCrashed, "must not report a crash"),
        (Fault::NoAgents, "there is no agent"),
        (Fault::UnsteadySpec, "a second copy has another specification"),
    ] {
        let error = check_env(|| Walk::new(fault), 4000)
            .expect_err("the environment violates the contract")
            .to_string();
        assert!(error.contains("`walk`") && error.contains(complaint), "{fault:?}: {error}");
    }
}
