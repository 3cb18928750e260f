//! A pool of buffers for intermediate results.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that are not in use.
static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
/// The largest number of buffers kept.
const MOST: usize = 48;

/// A buffer whose memory is reused, once it is dropped, for the next one of about this size. New
/// memory has to be zeroed and mapped, which takes as long as computing the intermediate results of
/// an update.
#[derive(Debug)]
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    /// Returns `len` numbers with unspecified values.
    pub(crate) fn take(len: usize) -> Self {
        if len == 0 {
            return Self(Vec::new());
        }
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = (0..spare.len()).filter(|&at| spare[at].capacity() >= len);
        let best = fitting.min_by_key(|&at| spare[at].capacity());
        // If none fits, the largest is freed to make room for a larger one.
        let largest = (0..spare.len()).max_by_key(|&at| spare[at].capacity());
        let found =
            best.or(largest.filter(|_| spare.len() >= MOST)).map(|at| spare.swap_remove(at));
        drop(spare);
        let mut numbers = found.unwrap_or_default();
        if numbers.capacity() < len {
            numbers = vec![0.0; len];
        } else {
            numbers.resize(len, 0.0);
        }
        Self(numbers)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST && self.0.capacity() > 0 {
            spare.push(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
