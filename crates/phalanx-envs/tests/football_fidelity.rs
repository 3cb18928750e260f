//! Our football behaves like the recorded original engine; no engine is needed.

mod fidelity;

use fidelity::{ball, golden};

#[test]
fn football_flights_follow_the_engine() {
    let recorded = golden::read("ball");
    for flight in golden::list(&recorded, "flights") {
        let deviation = ball::deviation(&recorded, flight);
        assert!(deviation.flying < 0.005, "{deviation:?} in the air: {}", flight["kind"]);
        assert!(deviation.at_end < 0.1, "{deviation:?} at the end: {}", flight["kind"]);
    }
}
