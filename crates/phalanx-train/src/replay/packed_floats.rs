//! Numbers that are mostly zero or one, in little memory.

use half::f16;
use half::slice::HalfFloatSliceExt;
use serde::{Deserialize, Serialize};

use super::bits::{BitWriter, Bits, low};

/// How observations and states are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Every bit survives.
    #[default]
    F32,
    /// Numbers other than zero and one are rounded to half precision: a relative error of at most
    /// 2^-11 between 6.1e-5 and 65504, beyond which they become ±65504. Half the memory.
    F16,
}

/// A row of numbers; zeros take a bit, ones take two, others take two bits and their value.
///
/// Features of agents out of sight are zero, flags and one-hot numbers are zero or one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PackedFloats {
    /// Which numbers are not `0.0`; `-0.0` is kept as a value.
    nonzero: Bits,
    /// Which of those are `1.0`.
    one: Bits,
    values: Values,
}

/// The numbers that are neither zero nor one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Values {
    F32(Box<[f32]>),
    /// Little-endian, because the binary form of a checkpoint spends three bytes on many a `u16`.
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

    /// The number of numbers.
    pub(super) fn len(&self) -> usize {
        self.nonzero.len()
    }

    /// Reads the numbers in order, from number `start` on.
    pub(super) fn reader(&self, start: usize) -> Reader<'_> {
        let nonzero = self.nonzero.count(start);
        Reader { packed: self, at: start, nonzero, value: nonzero - self.one.count(nonzero) }
    }

    /// The bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let values = match &self.values {
            Values::F32(values) => size_of_val(&**values),
            Values::F16(values) => size_of_val(&**values),
        };
        self.nonzero.heap_bytes() + self.one.heap_bytes() + values
    }

    /// The bytes on the heap of `len` numbers, none of which is zero or one.
    pub(super) fn most_heap_bytes(len: usize, precision: Precision) -> usize {
        let each = match precision {
            Precision::F32 => size_of::<f32>(),
            Precision::F16 => size_of::<[u8; 2]>(),
        };
        2 * Bits::heap_bytes_of(len) + len * each
    }

    /// Whether the parts fit each other.
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

/// Values on their way into a [`PackedFloats`].
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

/// A place in a [`PackedFloats`].
pub(super) struct Reader<'a> {
    packed: &'a PackedFloats,
    /// The next number.
    at: usize,
    /// How many numbers before it are not zero.
    nonzero: usize,
    /// How many of those are not one.
    value: usize,
}

impl Reader<'_> {
    /// Writes the next numbers.
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

/// Writes up to 64 numbers: zeros where `present` is not set; where it is, ones and `values`.
#[inline]
fn scatter(mut present: u64, mut one: u64, values: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    let mut next = 0;
    while present != 0 {
        let is_one = one & 1 == 1;
        // Chosen without a jump: whether a number is one cannot be predicted.
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
