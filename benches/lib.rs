//! Criterion benchmarks. Run one with `cargo bench --bench updates`.

/// Restricts rayon to one thread.
pub fn one_core() {
    // This fails if the pool was already built, in which case there is nothing to do.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}
