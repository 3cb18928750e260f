//! Compact storage of numbers that are mostly zero or one.

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};

use super::bits::{BitWriter, Bits, low};

/// The precision of stored observations and states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Exact.
    #[default]
    F32,
    /// Rounds numbers other than zero and one to half precision: a relative error of at most 2^-11
    /// between 6.1e-5 and 65504; larger ones become ±65504. Halves the memory of these numbers.
    F16,
}

/// A packed row of numbers. A zero takes one bit, a one takes two bits, and any other number two
/// bits and its value.
///
/// Features of agents that are not visible are zero; flags and one-hot entries are zero or one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PackedFloats {
    /// Marks the numbers that are not `0.0`; `-0.0` is stored as a value.
    nonzero: Bits,
    /// Marks, among these, the numbers that are `1.0`.
    one: Bits,
    values: Values,
}

/// The numbers that are neither zero nor one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Values {
    F32(Box<[f32]>),
    /// Little-endian bytes, because checkpoints would need up to three bytes for a `u16`.
    F16(Box<[[u8; 2]]>),
}

const ONE: u32 = 1.0_f32.to_bits();

impl PackedFloats {
    pub(super) fn pack(numbers: &[f32], precision: Precision) -> Self {
        let (mut nonzeros, mut ones) = (0_usize, 0_usize);
        for x in numbers {
            nonzeros += usize::from(x.to_bits() != 0);
            ones += usize::from(x.to_bits() == ONE);
        }
        let others = nonzeros - ones;
        let mut nonzero = BitWriter::new(numbers.len());
        let mut one = BitWriter::new(nonzeros);
        let mut values = Values::with_capacity(others, precision);
        let mut gathered = [0.0_f32; 64];
        for chunk in numbers.chunks(64) {
            let mut present = 0_u64;
            for (byte, eight) in chunk.chunks(8).enumerate() {
                let bits = eight.iter().rev();
                let bits = bits.fold(0, |bits, x| (bits << 1) | u64::from(x.to_bits() != 0));
                present |= bits << (8 * byte);
            }
            nonzero.push(present, chunk.len());
            let (mut ones, mut here, mut found) = (0_u64, 0, 0);
            while present != 0 {
                let x = chunk[present.trailing_zeros() as usize];
                present &= present - 1;
                let is_one = x.to_bits() == ONE;
                ones |= u64::from(is_one) << here;
                here += 1;
                gathered[found] = x;
                found += usize::from(!is_one);
            }
            one.push(ones, here);
            values.extend(&gathered[..found]);
        }
        Self { nonzero: nonzero.finish(), one: one.finish(), values: values.finish() }
    }

    /// Returns the number of entries.
    pub(super) fn len(&self) -> usize {
        self.nonzero.len()
    }

    /// Returns a reader of the entries from index `start` on.
    pub(super) fn reader(&self, start: usize) -> Reader<'_> {
        let nonzero = self.nonzero.count(start);
        Reader { packed: self, at: start, nonzero, value: nonzero - self.one.count(nonzero) }
    }

    /// Returns the size on the heap in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        let values = match &self.values {
            Values::F32(values) => size_of_val(&**values),
            Values::F16(values) => size_of_val(&**values),
        };
        self.nonzero.heap_bytes() + self.one.heap_bytes() + values
    }

    /// Returns the largest size on the heap of `len` entries, in bytes.
    pub(super) fn most_heap_bytes(len: usize, precision: Precision) -> usize {
        let each = match precision {
            Precision::F32 => size_of::<f32>(),
            Precision::F16 => size_of::<[u8; 2]>(),
        };
        2 * Bits::heap_bytes_of(len) + len * each
    }

    /// Returns whether the parts are consistent.
    pub(super) fn is_sound(&self) -> bool {
        let values = match &self.values {
            Values::F32(values) => values.len(),
            Values::F16(values) => values.len(),
        };
        self.nonzero.is_sound()
            && self.one.is_sound()
            && self.nonzero.count(self.nonzero.len()) == self.one.len()
            && self.one.count(self.one.len()) + values == self.one.len()
    }
}

/// Builds the values of a [`PackedFloats`].
enum GrowingValues {
    F32(Vec<f32>),
    F16(Vec<[u8; 2]>),
}

impl Values {
    fn with_capacity(n: usize, precision: Precision) -> GrowingValues {
        match precision {
            Precision::F32 => GrowingValues::F32(Vec::with_capacity(n)),
            Precision::F16 => GrowingValues::F16(Vec::with_capacity(n)),
        }
    }
}

impl GrowingValues {
    #[inline]
    fn extend(&mut self, numbers: &[f32]) {
        match self {
            Self::F32(values) => values.extend_from_slice(numbers),
            Self::F16(values) => {
                let mut rounded = [f16::ZERO; 64];
                let rounded = &mut rounded[..numbers.len()];
                rounded.convert_from_f32_slice(numbers);
                values.extend(rounded.iter().zip(numbers).map(|(&half, &number)| {
                    let too_large = half.is_infinite() && number.is_finite();
                    let half = if too_large { f16::MAX.copysign(half) } else { half };
                    half.to_le_bytes()
                }));
            }
        }
    }

    fn finish(self) -> Values {
        match self {
            Self::F32(values) => Values::F32(values.into_boxed_slice()),
            Self::F16(values) => Values::F16(values.into_boxed_slice()),
        }
    }
}

/// A read position in a [`PackedFloats`].
pub(super) struct Reader<'a> {
    packed: &'a PackedFloats,
    /// The index of the next entry.
    at: usize,
    /// The number of nonzero entries before it.
    nonzero: usize,
    /// The number of those that are not one.
    value: usize,
}

impl Reader<'_> {
    /// Writes the next entries to `out`.
    #[inline]
    pub(super) fn read(&mut self, out: &mut [f32]) {
        for chunk in out.chunks_mut(64) {
            let present = self.packed.nonzero.word(self.at) & low(chunk.len());
            let presents = present.count_ones() as usize;
            let one = self.packed.one.word(self.nonzero) & low(presents);
            let n_values = presents - one.count_ones() as usize;
            let values = self.value..self.value + n_values;
            match &self.packed.values {
                Values::F32(all) => scatter(present, one, &all[values], chunk),
                Values::F16(all) => {
                    let mut halves = [f16::ZERO; 64];
                    for (half, bytes) in halves.iter_mut().zip(&all[values]) {
                        *half = f16::from_le_bytes(*bytes);
                    }
                    let mut numbers = [0.0; 64];
                    let numbers = &mut numbers[..n_values];
                    halves[..n_values].convert_to_f32_slice(numbers);
                    scatter(present, one, numbers, chunk);
                }
            }
            self.at += chunk.len();
            self.nonzero += presents;
            self.value += n_values;
        }
    }
}

/// Writes up to 64 entries: zero where `present` is not set, one where `one` is set, and otherwise
/// the next of `values`.
#[inline]
fn scatter(mut present: u64, mut one: u64, values: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    let mut next = 0;
    while present != 0 {
        let is_one = one & 1 == 1;
        // Branchless, because whether an entry is one is unpredictable.
        let value = values.get(next).copied().unwrap_or(1.0);
        out[present.trailing_zeros() as usize] = if is_one { 1.0 } else { value };
        next += usize::from(!is_one);
        one >>= 1;
        present &= present - 1;
    }
}

#[cfg(test)]
#[path = "packed_floats_tests.rs"]
mod tests;
