//! The conformance kit also checks the scripted policies of an environment.

use phalanx_core::env::{
    Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, check_env, pack, unpack,
};
use phalanx_core::rng::Rng;

/// The fault of the scripted policies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Unavailable,
    LeavesAnAgentOut,
    MovesTheClock,
    ForgetsWhenRestored,
}

/// An episode of ten steps with a policy that counts its calls.
struct Counter {
    spec: EnvSpec,
    fault: Fault,
    t: u16,
    asked: u16,
}

impl Counter {
    fn new(fault: Fault) -> Self {
        let spec = EnvSpec { n_actions: 4, episode_limit: 10, ..EnvSpec::new("counter", 2) };
        Self { spec, fault, t: 0, asked: 0 }
    }

    fn write(&self, out: StepBuffers<'_>) {
        out.obs.fill(f32::from(self.t));
        out.state.fill(f32::from(self.t));
        out.alive.fill(true);
        out.avail.copy_from_slice(&[true, true, true, false, true, true, true, false]);
    }
}

impl Env for Counter {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        (self.t, self.asked) = (0, 0);
        self.write(out);
    }

    fn step(&mut self, _: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        self.write(out);
        let status = if self.t >= 10 { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward: 0.0, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&(self.t, self.asked), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        (self.t, self.asked) = unpack("counter", bytes)?;
        if self.fault == Fault::ForgetsWhenRestored {
            self.asked = 0;
        }
        Ok(())
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        &[("chance", "Chooses at random."), ("count", "Counts its calls.")]
    }

    fn scripted_actions(
        &mut self,
        policy: usize,
        avail: &[bool],
        rng: &mut Rng,
        actions: &mut [u16],
    ) {
        self.asked += 1;
        for (action, mask) in actions.iter_mut().zip(avail.chunks_exact(4)) {
            let chance = rng.choose(mask).expect("an action is available") as u16;
            *action = if policy == 0 { chance } else { self.asked % 3 };
        }
        match self.fault {
            Fault::Unavailable if policy == 1 && self.t == 9 => actions[1] = 3,
            Fault::LeavesAnAgentOut => actions[1] = u16::MAX,
            Fault::MovesTheClock if self.t == 4 => self.t += 1,
            _ => {}
        }
    }
}

#[test]
fn scripted_policies_are_checked_for_availability_side_effects_and_saved_state() {
    let check = |fault| check_env(|| Counter::new(fault), 5_000);
    let report = check(Fault::None).expect("the policies have no fault");
    assert!(report.restores > 10);
    for (fault, expected) in [
        (Fault::Unavailable, "scripted policy `count`: action 3 of agent 1 is not available"),
        (Fault::LeavesAnAgentOut, "scripted policy `chance`: action 65535 of agent 1"),
        (Fault::MovesTheClock, "second copy with the same seed"),
        (Fault::ForgetsWhenRestored, "restored in mid-episode"),
    ] {
        let error = check(fault).expect_err("the fault must be found").to_string();
        assert!(error.contains(expected), "{fault:?}: {error}");
    }
}
