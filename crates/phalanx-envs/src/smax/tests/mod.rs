//! Promises of SMAX that need its inside.

mod chance;
mod golden;
mod interface;
mod records;
mod rules;
mod scripted;

use super::*;
use phalanx_core::rng::Purpose;

/// Arguments for JaxMARL's `options`, with both teams as agents and without chance in the rules.
fn arguments(options: &Value) -> SmaxArgs {
    let mut args = options.as_object().expect("options are an object").clone();
    args.remove("heuristic_memory");
    if let Some(mode) = args.remove("mode") {
        args.insert("attack_mode".to_owned(), mode);
    }
    args.insert("self_play".to_owned(), true.into());
    args.insert("deterministic".to_owned(), true.into());
    serde_json::from_value(Value::Object(args)).expect("every option of JaxMARL is an argument")
}

fn named(scenario: &str) -> Scenario {
    Scenario::named(scenario).expect("a known scenario")
}

type Field = crate::fixture::Fixture<Smax>;

impl Field {
    fn new(scenario: &str, args: &str) -> Self {
        let table = args.parse().expect("valid TOML");
        Self::with(scenario, SmaxArgs::from_table(&table).expect("the test's arguments are valid"))
    }

    fn with(scenario: &str, args: SmaxArgs) -> Self {
        Self::start(Smax::new(named(scenario), args).expect("the test's arguments are valid"))
    }

    fn put(&mut self, unit: usize, x: f32, y: f32) {
        (self.env.battle.x[unit], self.env.battle.y[unit]) = (x, y);
    }

    /// For each unit, the bits of the actions that the script could choose now, over all outcomes
    /// of its random choices; the policy keeps the last one. `fresh` clears its internal state.
    fn script_options(&self, script: &mut ScriptedPolicy, fresh: bool) -> Vec<u64> {
        let mut rng = Rng::stream(5, Purpose::Check, 0);
        let options = |unit: usize| {
            let mut options = 0;
            let before = script.clone();
            // One of 30 outcomes is missed by all draws less than once in 10^5 times.
            for _ in 0..350 {
                *script = before.clone();
                if fresh {
                    script.forget();
                }
                options |= 1 << script.act(&self.env.battle, unit, &mut rng);
            }
            options
        };
        (0..self.env.battle.n_units).map(options).collect()
    }

    /// Writes observations and masks again after the test has moved units.
    fn rewrite(&mut self) {
        self.env.battle.refresh();
        self.play(|env, _, out| env.write(out));
    }

    /// Returns the masks as numbers.
    fn masks(&self) -> Vec<f32> {
        self.rows.avail.iter().map(|&open| f32::from(u8::from(open))).collect()
    }
}
