//! Every registered environment meets the contract of `Env`.
//!
//! `PHALANX_CHECK_STEPS=1000000 cargo test --release -p phalanx-tests --test conformance` plays a
//! million random steps on each.

#![allow(clippy::print_stdout)]

use phalanx::env::check_env;
use phalanx::envs::registry::{factory, list};

#[test]
fn every_environment_meets_the_contract() {
    let steps = std::env::var("PHALANX_CHECK_STEPS")
        .map_or(20_000, |text| text.parse().expect("PHALANX_CHECK_STEPS is a number of steps"));
    for entry in list().iter().filter(|entry| entry.required_argument().is_none()) {
        let make = factory(&entry.id, &Default::default()).expect("the environment is registered");
        let spec = make().spec().clone();
        let report = check_env(make, steps).unwrap_or_else(|error| panic!("{error}"));
        println!("{}: {report:?}", entry.id);
        assert!(report.episodes > 0);
        if let Some(largest) = spec.max_return {
            assert!(report.max_return <= largest + 1e-3, "{}: {report:?}", entry.id);
        }
    }
}
