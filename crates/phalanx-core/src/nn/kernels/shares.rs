//! Work shared out over the threads of the current rayon pool, so that the bits of the result do not
//! depend on their number: a thread computes whole elements, never a part of a sum.

use std::cell::Cell;
use std::ops::Range;

/// Multiply-adds below which waking another thread costs more than it brings: it takes up to 0.1
/// milliseconds on a virtual machine.
const WORTH_A_THREAD: usize = 1 << 22;

thread_local! {
    /// Whether what this thread computes is one of several shards.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, of which the other threads have their share, without sharing out parts of it.
pub(in super::super) fn alone<R>(work: impl FnOnce() -> R) -> R {
    let before = ALONE.replace(true);
    let result = work();
    ALONE.set(before);
    result
}

/// Whether what this thread computes is one of several shards.
pub(in super::super) fn is_alone() -> bool {
    ALONE.get()
}

/// Whether this thread is to do all its work itself.
#[cfg(test)]
pub(super) fn stay_alone(on: bool) {
    ALONE.set(on);
}

/// `0..n` in ranges of nearly equal length, one for each thread, as far as `work` multiply-adds are
/// worth it; `None` where one thread is to do it all.
pub(in super::super) fn shares(n: usize, work: usize) -> Option<Vec<Range<usize>>> {
    let most = if ALONE.get() { 1 } else { n.min(work / WORTH_A_THREAD) };
    let threads = if most > 1 { rayon::current_num_threads().min(most) } else { 1 };
    (threads > 1).then(|| divided(n, threads))
}

/// `0..n` in `parts` ranges of nearly equal length.
pub(super) fn divided(n: usize, parts: usize) -> Vec<Range<usize>> {
    (0..parts).map(|part| part * n / parts..(part + 1) * n / parts).collect()
}

/// The rows of a matrix that is `width` wide, one slice for each of `shares`, which follow one another
/// from row zero.
pub(in super::super) fn split<'a>(
    mut matrix: &'a mut [f32],
    width: usize,
    shares: &[Range<usize>],
) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(shares.len());
    for share in shares {
        let (part, rest) = matrix.split_at_mut(share.len() * width);
        parts.push(part);
        matrix = rest;
    }
    parts
}

/// The same for every step of a sequence `[time, row, width]`: for each share, its rows step by step.
#[cfg(feature = "flex")]
pub(super) fn split_steps<'a>(
    sequence: &'a mut [f32],
    (rows, width): (usize, usize),
    shares: &[Range<usize>],
) -> Vec<Vec<&'a mut [f32]>> {
    let mut parts: Vec<Vec<&'a mut [f32]>> = shares.iter().map(|_| Vec::new()).collect();
    for step in sequence.chunks_mut((rows * width).max(1)) {
        for (part, slice) in parts.iter_mut().zip(split(step, width, shares)) {
            part.push(slice);
        }
    }
    parts
}

/// Does every task; several may be done at the same time, a single one is done on this thread.
pub(in super::super) fn each<T: Send>(tasks: Vec<T>, work: impl Fn(T) + Sync) {
    if tasks.len() == 1 {
        return tasks.into_iter().for_each(work);
    }
    let work = &work;
    rayon::scope(|scope| {
        for task in tasks {
            scope.spawn(move |_| work(task));
        }
    });
}
