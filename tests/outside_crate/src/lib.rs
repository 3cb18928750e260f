//! A user's crate, which depends on `phalanx` alone: a mixer with a network and settings, an
//! environment, and a program.

use phalanx::burn; // `#[derive(Module)]` refers to a crate called `burn`.
use phalanx::prelude::*;
use phalanx::serde::{Deserialize, Serialize};

/// A sum of the utilities, and a linear function of the state times `scale`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(crate = "phalanx::serde")]
pub struct SumAndState {
    /// Multiplies the function of the state.
    pub state_scale: f32,
}

impl Default for SumAndState {
    fn default() -> Self {
        Self { state_scale: 1.0 }
    }
}

/// The network of [`SumAndState`].
#[derive(Module, Debug)]
pub struct SumAndStateNetwork {
    value: Linear,
}

impl Mixer for SumAndState {
    const ID: &str = "sum_and_state";
    const SUMMARY: &str = "VDN with a value of the state";
    type Network = SumAndStateNetwork;

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> SumAndStateNetwork {
        SumAndStateNetwork { value: Linear::new(sizes.state_dim, 1, rng, device) }
    }

    fn forward(&self, network: &SumAndStateNetwork, input: MixerInput) -> Tensor<2> {
        let value = network.value.forward(input.state, Activation::Identity);
        input.q_chosen.sum_dim(1) + value * self.state_scale
    }
}

/// Two agents are rewarded for pulling the same one of three levers, three times in a row.
pub struct Levers {
    spec: EnvSpec,
    pulls: u32,
}

impl Default for Levers {
    fn default() -> Self {
        let spec = EnvSpec { n_actions: 3, episode_limit: 3, ..EnvSpec::new("levers", 2) };
        Self { spec, pulls: 0 }
    }
}

impl Levers {
    fn observe(&self, out: StepBuffers<'_>) {
        out.obs.fill(self.pulls as f32);
        out.state.fill(self.pulls as f32);
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for Levers {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.pulls = 0;
        self.observe(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.pulls += 1;
        self.observe(out);
        let reward = if actions[0] == actions[1] { 1.0 } else { 0.0 };
        let status = if self.pulls == 3 { StepStatus::Truncated } else { StepStatus::Running };
        StepResult { reward, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.pulls, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.pulls = unpack("the levers", bytes)?;
        Ok(())
    }

    fn frame(&self) -> phalanx::serde_json::Map<String, phalanx::serde_json::Value> {
        [("pulls".to_owned(), self.pulls.into())].into_iter().collect()
    }
}

/// Returns the program `phalanx` with the mixer and the environment.
pub fn program() -> Program {
    Program::builtin().algorithm::<QLearning<SumAndState>>().environment(EnvEntry::new(
        "levers",
        "Two agents must pull the same lever.",
        &[],
        |args| {
            phalanx::envs::arguments::check_keys(args, &[])?;
            Ok(Factory::new(Levers::default))
        },
    ))
}

#[cfg(test)]
mod tests {
    use phalanx::train::trace::{Trace, TracePolicy};

    use super::*;

    #[test]
    fn an_own_environment_and_an_own_mixer_train_deploy_and_are_traced() {
        check_env(Levers::default, 1000).expect("the environment meets the contract");
        let algorithm = QLearning::<SumAndState>::default();
        let mut trainer = Trainer::new(algorithm, Levers::default).t_max(60);
        while trainer.iterate().expect("losses are finite").t_env < 60 {}
        let mut player = Player::new(trainer.policy().expect("the device works"));
        player.begin();
        let actions = player.act(&[0.0; 2], &[true, false, false, false, false, true]);
        assert_eq!(actions.expect("valid arguments"), [0, 2]);

        let mut lines = Vec::new();
        let recorded = Trace { episodes: 2, ..Trace::default() }
            .record(&mut Levers::default(), &mut player.into(), &mut lines)
            .expect("the player fits");
        assert_eq!((recorded.episodes, recorded.steps), (2, 6));
        let last = String::from_utf8(lines).expect("text").lines().last().map(str::to_owned);
        let last: phalanx::serde_json::Value =
            phalanx::serde_json::from_str(&last.expect("lines")).expect("JSON");
        assert_eq!((&last["pulls"], &last["t"]), (&3.into(), &3.into()));

        let error = TracePolicy::named("random_", &Levers::default()).expect_err("a slip");
        assert!(error.to_string().contains("did you mean `random`"), "{error}");
    }

    #[test]
    fn a_program_knows_the_names_of_an_outside_crate() {
        let program = program();
        assert!(program.algorithms.get("sum_and_state").is_ok());
        let args: phalanx::toml::Table = "lever = 1".parse().expect("TOML");
        let error = program.environments.make("levers", &args).err().expect("no such argument");
        assert!(error.to_string().contains("lever"), "{error}");
    }
}
