//! Packed bit masks.

use serde::{Deserialize, Serialize};

/// 64 bits, lowest byte first.
///
/// An array of bytes, because checkpoints would need up to ten bytes for a `u64`.
type Word = [u8; 8];

/// A bit mask of fixed length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bits {
    len: usize,
    words: Box<[Word]>,
}

impl Bits {
    /// Packs a mask into one bit per entry.
    pub(super) fn pack(mask: &[bool]) -> Self {
        let mut writer = BitWriter::new(mask.len());
        for chunk in mask.chunks(64) {
            let bits = chunk.iter().rev().fold(0, |bits, &bit| (bits << 1) | u64::from(bit));
            writer.push(bits, chunk.len());
        }
        writer.finish()
    }

    /// Returns the number of bits.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the 64 bits from `start` on, lowest first; bits past the end are zero.
    #[inline]
    pub(super) fn word(&self, start: usize) -> u64 {
        let at = |word: usize| self.words.get(word).map_or(0, |word| u64::from_le_bytes(*word));
        let (word, shift) = (start / 64, start % 64);
        if shift == 0 { at(word) } else { (at(word) >> shift) | (at(word + 1) << (64 - shift)) }
    }

    /// Writes the bits from `start` on to `mask`.
    pub(super) fn unpack(&self, start: usize, mask: &mut [bool]) {
        for (chunk, out) in mask.chunks_mut(64).enumerate() {
            let bits = self.word(start + chunk * 64);
            for (bit, out) in out.iter_mut().enumerate() {
                *out = (bits >> bit) & 1 == 1;
            }
        }
    }

    /// Returns the number of set bits among the first `end` ones.
    pub(super) fn count(&self, end: usize) -> usize {
        let whole =
            self.words[..end / 64].iter().map(|word| u64::from_le_bytes(*word).count_ones());
        let rest = self.word(end / 64 * 64) & low(end % 64);
        (whole.sum::<u32>() + rest.count_ones()) as usize
    }

    /// Returns the size on the heap in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Returns the size on the heap of `len` bits, in bytes.
    pub(super) const fn heap_bytes_of(len: usize) -> usize {
        len.div_ceil(64) * size_of::<Word>()
    }

    /// Returns whether the number of words matches the number of bits, and no bit is set past the
    /// end.
    pub(super) fn is_sound(&self) -> bool {
        let words = self.words.len() == self.len.div_ceil(64);
        words && self.word(self.len) == 0
    }
}

/// Returns a mask of the lowest `n` bits, with `n` at most 64.
#[inline]
pub(super) fn low(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}

/// Builds a mask of known length.
pub(super) struct BitWriter {
    len: usize,
    /// The bits after the last complete word.
    tail: u64,
    words: Vec<Word>,
}

impl BitWriter {
    /// Creates an empty builder for `len` bits.
    pub(super) fn new(len: usize) -> Self {
        Self { len: 0, tail: 0, words: Vec::with_capacity(len.div_ceil(64)) }
    }

    /// Appends the lowest `n` bits of `bits`, with `n` at most 64; higher bits must be zero.
    #[inline]
    pub(super) fn push(&mut self, bits: u64, n: usize) {
        let used = self.len % 64;
        self.tail |= bits << used;
        self.len += n;
        if used + n >= 64 {
            self.words.push(self.tail.to_le_bytes());
            self.tail = if used == 0 { 0 } else { bits >> (64 - used) };
        }
    }

    /// Returns the mask.
    pub(super) fn finish(mut self) -> Bits {
        if !self.len.is_multiple_of(64) {
            self.words.push(self.tail.to_le_bytes());
        }
        Bits { len: self.len, words: self.words.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::{Purpose, Rng};

    #[test]
    fn bits_are_read_back_from_every_position() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        for len in [0, 1, 63, 64, 65, 128, 300] {
            let mask: Vec<bool> = (0..len).map(|_| rng.below(3) == 0).collect();
            let bits = Bits::pack(&mask);
            assert!(bits.is_sound());
            assert_eq!(bits.heap_bytes(), Bits::heap_bytes_of(len));
            for start in 0..=len {
                let mut out = vec![true; len - start];
                bits.unpack(start, &mut out);
                assert_eq!(out, mask[start..]);
                assert_eq!(bits.count(start), mask[..start].iter().filter(|&&bit| bit).count());
            }
        }
    }

    #[test]
    fn pieces_of_any_size_follow_each_other() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let mut expected = Vec::new();
        let mut writer = BitWriter::new(0);
        for _ in 0..500 {
            let n = rng.below(65);
            let bits = rng.next_u64() & low(n);
            writer.push(bits, n);
            expected.extend((0..n).map(|bit| (bits >> bit) & 1 == 1));
        }
        assert_eq!(writer.finish(), Bits::pack(&expected));
    }
}
