//! Division of work over the threads of the current rayon pool. Results do not depend on the number
//! of threads: a thread computes whole elements, never part of a sum.

use std::cell::Cell;
use std::ops::Range;

/// The smallest number of multiply-adds per thread: waking one takes up to 0.1 milliseconds on a
/// virtual machine.
const MIN_WORK: usize = 1 << 22;

thread_local! {
    /// Whether this thread computes one of several shards of a batch.
    static IN_SHARD: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on this thread alone, because other threads compute sibling shards.
pub fn in_shard<R>(work: impl FnOnce() -> R) -> R {
    let before = IN_SHARD.replace(true);
    let result = work();
    IN_SHARD.set(before);
    result
}

/// Returns whether this thread computes one of several shards of a batch.
#[inline]
pub fn is_in_shard() -> bool {
    IN_SHARD.get()
}

/// Sets whether this thread computes one of several shards of a batch.
#[cfg(all(test, feature = "flex"))]
pub(crate) fn set_in_shard(on: bool) {
    IN_SHARD.set(on);
}

/// Divides `0..n` into ranges of nearly equal length, one for each thread that `work` multiply-adds
/// justify. Returns `None` if one thread should compute everything.
pub fn row_ranges(n: usize, work: usize) -> Option<Vec<Range<usize>>> {
    let most = if IN_SHARD.get() { 1 } else { n.min(work / MIN_WORK) };
    let threads = if most > 1 { rayon::current_num_threads().min(most) } else { 1 };
    (threads > 1).then(|| even_ranges(n, threads))
}

/// Divides `0..n` into `parts` ranges of nearly equal length.
pub(crate) fn even_ranges(n: usize, parts: usize) -> Vec<Range<usize>> {
    (0..parts).map(|part| part * n / parts..(part + 1) * n / parts).collect()
}

/// Splits a matrix, `[row, width]`, into one slice for each of `ranges`, which must be contiguous
/// from row zero on.
pub fn split_rows<'a>(
    mut matrix: &'a mut [f32],
    width: usize,
    ranges: &[Range<usize>],
) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (part, rest) = matrix.split_at_mut(range.len() * width);
        parts.push(part);
        matrix = rest;
    }
    parts
}

/// Splits every step of a sequence, `[time, row, width]`: returns for each range its rows, step by
/// step.
#[cfg(feature = "flex")]
pub(crate) fn split_steps<'a>(
    sequence: &'a mut [f32],
    (rows, width): (usize, usize),
    ranges: &[Range<usize>],
) -> Vec<Vec<&'a mut [f32]>> {
    let mut parts: Vec<Vec<&'a mut [f32]>> = ranges.iter().map(|_| Vec::new()).collect();
    for step in sequence.chunks_mut((rows * width).max(1)) {
        for (part, slice) in parts.iter_mut().zip(split_rows(step, width, ranges)) {
            part.push(slice);
        }
    }
    parts
}

/// Runs `work` on every task in parallel; a single task runs on this thread.
pub fn parallel_for<T: Send>(tasks: Vec<T>, work: impl Fn(T) + Sync) {
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
