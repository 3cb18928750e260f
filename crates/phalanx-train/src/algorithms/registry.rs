//! The algorithms of the command line.

use phalanx_core::nn::{Mixer, MixerVisitor, visit_mixers};
use phalanx_envs::arguments::{closest_match, shortened};
use serde::de::DeserializeOwned;
use toml::Table;

use super::{
    Algorithm, ConcaveQ, CwQmix, Dqn, GnnDqn, Happo, Ia2c, Ippo, Maa2c, Mappo, OwQmix, PqnIql,
    PqnVdn, QLearning, Qtran, ResQ, SequentialPpo,
};
use crate::config::{ConfigError, renamed, run_defaults};

/// The algorithms that a program knows by name.
#[derive(Clone, Debug)]
pub struct Algorithms {
    entries: Vec<AlgorithmEntry>,
}

impl Algorithms {
    /// Returns the algorithms of this crate: Q-learning with every mixer ([`visit_mixers`]), and
    /// those listed in this function.
    pub fn builtin() -> Self {
        let mut mixers = OfMixers(Vec::new());
        visit_mixers(&mut mixers);
        let others = [
            AlgorithmEntry::of::<Qtran>(),
            AlgorithmEntry::of::<OwQmix>(),
            AlgorithmEntry::of::<CwQmix>(),
            AlgorithmEntry::of::<ResQ>(),
            AlgorithmEntry::of::<ConcaveQ>(),
            AlgorithmEntry::of::<Dqn>(),
            AlgorithmEntry::of::<GnnDqn>(),
            AlgorithmEntry::of::<PqnVdn>(),
            AlgorithmEntry::of::<PqnIql>(),
            AlgorithmEntry::of::<Ippo>(),
            AlgorithmEntry::of::<Mappo>(),
            AlgorithmEntry::of::<Happo>(),
            AlgorithmEntry::of::<SequentialPpo>(),
            AlgorithmEntry::of::<Ia2c>(),
            AlgorithmEntry::of::<Maa2c>(),
        ];
        mixers.0.extend(others);
        Self { entries: mixers.0 }
    }

    /// Adds the algorithm `A`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is taken, or if a key of the algorithm is also a key of every
    /// run. Nothing is replaced.
    pub fn register<A>(&mut self) -> Result<(), ConfigError>
    where
        A: Algorithm + Default + DeserializeOwned + 'static,
    {
        let entry = AlgorithmEntry::of::<A>();
        if self.entries.iter().any(|known| known.id == entry.id) {
            return Err(ConfigError::DuplicateAlgorithm { name: entry.id.to_owned() });
        }
        let keys = entry.defaults();
        if let Some(key) = run_defaults().keys().find(|key| keys.contains_key(*key)) {
            return Err(ConfigError::KeyOfRuns { name: entry.id.to_owned(), key: key.clone() });
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Iterates over the algorithms in the order of the list.
    pub fn iter(&self) -> impl Iterator<Item = &AlgorithmEntry> {
        self.entries.iter()
    }

    /// Returns the algorithm with this current or former name.
    ///
    /// # Errors
    ///
    /// Returns an error with the closest name if there is no such algorithm.
    pub fn get(&self, name: &str) -> Result<AlgorithmEntry, ConfigError> {
        let current = renamed::algorithm(name).unwrap_or(name);
        self.entries.iter().find(|entry| entry.id == current).copied().ok_or_else(|| {
            let nearest = closest_match(name, self.entries.iter().map(|entry| entry.id));
            ConfigError::UnknownAlgorithm {
                name: shortened(name).into_owned(),
                nearest: nearest.unwrap_or_default().to_owned(),
            }
        })
    }
}

/// Collects the algorithms of all mixers.
struct OfMixers(Vec<AlgorithmEntry>);

impl MixerVisitor for OfMixers {
    fn visit<M: Mixer>(&mut self) {
        self.0.push(AlgorithmEntry::of::<QLearning<M>>());
    }
}

/// Returns the built-in algorithm with this current or former name.
///
/// # Errors
///
/// Returns an error with the closest name if there is no such algorithm.
pub fn algorithm(name: &str) -> Result<AlgorithmEntry, ConfigError> {
    Algorithms::builtin().get(name)
}

/// An algorithm and its name.
#[derive(Clone, Copy, Debug)]
pub struct AlgorithmEntry {
    /// The name on the command line.
    pub id: &'static str,
    /// A one-line summary.
    pub summary: &'static str,
    defaults: fn() -> Table,
    run_defaults: fn() -> Table,
    read: fn(&Table) -> Result<Box<dyn Algorithm>, toml::de::Error>,
}

impl AlgorithmEntry {
    /// Creates the entry of the algorithm `A`.
    pub fn of<A: Algorithm + Default + DeserializeOwned + 'static>() -> Self {
        let algorithm = A::default();
        Self {
            id: algorithm.id(),
            summary: algorithm.summary(),
            defaults: || A::default().defaults(),
            run_defaults: || A::default().run_defaults(),
            read: |table| Ok(Box::new(table.clone().try_into::<A>()?)),
        }
    }

    /// Returns the algorithm's keys and their defaults.
    pub fn defaults(&self) -> Table {
        (self.defaults)()
    }

    /// Returns the keys of every run whose defaults differ with this algorithm.
    pub fn run_defaults(&self) -> Table {
        (self.run_defaults)()
    }

    /// Returns all keys of a run with this algorithm and their defaults.
    pub fn all_defaults(&self) -> Table {
        let mut table = run_defaults();
        table.extend(self.run_defaults());
        table.extend(self.defaults());
        table
    }

    /// Reads the algorithm's settings from a table, which may also hold other keys.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is missing or has the wrong type.
    pub fn read(&self, table: &Table) -> Result<Box<dyn Algorithm>, toml::de::Error> {
        (self.read)(table)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor};
    use phalanx_core::nn::{MixerInput, MixerSizes};
    use phalanx_core::rng::Rng;

    use super::*;
    use crate::algorithms::{Ippo, Qmix};

    #[test]
    fn an_algorithm_name_is_unique() {
        let mut algorithms = Algorithms::builtin();
        let error = algorithms.register::<Qmix>().expect_err("QMIX is built in").to_string();
        assert_eq!(
            error,
            "there is already an algorithm `qmix`; register yours under another name"
        );
        let mut algorithms = Algorithms { entries: Vec::new() };
        algorithms.register::<Ippo>().expect("the name is free");
        assert_eq!(algorithms.get("ippo").expect("it was registered").id, "ippo");
    }

    /// Defines a mixer with one setting.
    macro_rules! mixer_with {
        ($mixer:ident, $key:ident) => {
            #[derive(Module, Debug, Default, serde::Serialize, serde::Deserialize)]
            struct $mixer {
                #[module(skip)]
                $key: u32,
            }

            impl Mixer for $mixer {
                const ID: &str = stringify!($mixer);
                const SUMMARY: &str = "a sum";
                type Network = Self;

                fn init(&self, _: MixerSizes, _: &mut Rng, _: &Device) -> Self {
                    self.clone()
                }

                fn forward(&self, _: &Self, input: MixerInput) -> Tensor<2> {
                    input.q_chosen.sum_dim(1)
                }
            }
        };
    }

    mixer_with!(KeyOfRuns, seed);
    mixer_with!(KeyOfQLearning, gamma);

    #[test]
    fn a_key_has_one_meaning() {
        let error = Algorithms::builtin().register::<QLearning<KeyOfRuns>>();
        let error = error.expect_err("every run has a seed").to_string();
        assert!(error.contains("`KeyOfRuns`") && error.contains("`seed`"), "{error}");
        let invalid = QLearning::<KeyOfQLearning>::default();
        let invalid = Algorithm::validate(&invalid);
        assert_eq!(invalid[0].key, "gamma");
    }

    #[test]
    fn every_mixer_is_an_algorithm_with_its_name() {
        struct Named(Algorithms);
        impl MixerVisitor for Named {
            fn visit<M: Mixer>(&mut self) {
                let entry = self.0.get(M::ID).expect("it is registered");
                assert_eq!(entry.summary, M::SUMMARY);
                let keys = toml::Table::try_from(M::default()).expect("settings are plain values");
                let all = entry.defaults();
                assert!(keys.iter().all(|(key, value)| all.get(key) == Some(value)), "{}", M::ID);
            }
        }
        visit_mixers(&mut Named(Algorithms::builtin()));
    }
}
