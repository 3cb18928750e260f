//! Criterion benches. Run one with `cargo bench --bench updates`.

/// Lets everything that follows run on one core.
pub fn one_core() {
    // It fails where this was done before, and then there is nothing to do.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}
