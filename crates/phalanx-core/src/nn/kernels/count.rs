//! How many multiply-adds the products of this process take.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
static DONE: AtomicU64 = AtomicU64::new(0);

/// Notes a product, if anybody counts.
#[inline]
pub(super) fn count(multiply_adds: usize) {
    if COUNTING.load(Ordering::Relaxed) {
        DONE.fetch_add(multiply_adds as u64, Ordering::Relaxed);
    }
}

/// Does `work` and counts the multiply-adds of the matrix products that all threads of the process compute
/// meanwhile, acting and learning on the device `cpu`. Those of other devices, and what is no matrix product,
/// are not counted. Beside [`multiply_adds_per_second`](super::multiply_adds_per_second) it tells how fast work
/// could be at most.
///
/// Not to be called inside itself.
pub fn count_multiply_adds<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = DONE.load(Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    let result = work();
    COUNTING.store(false, Ordering::Relaxed);
    (result, DONE.load(Ordering::Relaxed) - before)
}
