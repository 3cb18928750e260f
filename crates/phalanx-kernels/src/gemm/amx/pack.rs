//! Packing of matrices: split into `bf16` parts, in tiles.

use std::arch::x86_64::{__m512, __m512i};
use std::ops::Range;

use pulp::x86::V4;
use pulp::{NullaryFnOnce, Simd, cast};

use super::tiles::Tile;
use super::{DEPTH, PARTS, SIDE};
use crate::simd::dispatch::load;

/// A stored matrix.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) matrix: &'a [f32],
    /// The distance between lines.
    pub(crate) stride: usize,
    pub(crate) lines: usize,
    /// The length of a line.
    pub(crate) width: usize,
}

/// Writes the tiles of a matrix for each of `starts`, which are rows of a left or columns of a
/// right matrix, `[step, part]` each.
///
/// With `INNER_IS_LINES` the inner dimension runs across the lines of the source instead of along
/// them. A row of a tile holds pairs of the inner elements `k` and `k + 16` of a step: all pairs of
/// one row of a left matrix, or one pair of every column of a right matrix. `TURNED` transposes
/// blocks of the source if they are stored the other way.
pub(crate) fn pack<const INNER_IS_LINES: bool, const TURNED: bool>(
    source: Source<'_>,
    starts: &[usize],
    steps: Range<usize>,
    tiles: &mut [Tile],
) {
    let simd = V4::try_new().expect("a processor with AMX has AVX-512");
    simd.vectorize(Pack::<INNER_IS_LINES, TURNED> { simd, source, starts, steps, tiles });
}

struct Pack<'a, const INNER_IS_LINES: bool, const TURNED: bool> {
    simd: V4,
    source: Source<'a>,
    starts: &'a [usize],
    steps: Range<usize>,
    tiles: &'a mut [Tile],
}

impl<const INNER_IS_LINES: bool, const TURNED: bool> NullaryFnOnce
    for Pack<'_, INNER_IS_LINES, TURNED>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, source, starts, steps, tiles } = self;
        let mut tiles = tiles.chunks_exact_mut(PARTS);
        for &start in starts {
            for (step, tiles) in steps.clone().zip(&mut tiles) {
                let tiles: &mut [Tile; PARTS] = tiles.try_into().expect("chunks have this length");
                // Line and position of each half of the step.
                let [one, other] = [0, DEPTH / 2].map(|half| {
                    let inner = step * DEPTH + half;
                    if INNER_IS_LINES { (inner, start) } else { (start, inner) }
                });
                if TURNED {
                    let one = turn(simd, source.block(simd, one));
                    let other = turn(simd, source.block(simd, other));
                    for row in 0..SIDE {
                        write(simd, [one[row], other[row]], row, tiles);
                    }
                } else if source.has_block(one) && source.has_block(other) {
                    for row in 0..SIDE {
                        let halves = [one, other].map(|at| source.load_whole(at, row));
                        write(simd, halves, row, tiles);
                    }
                } else {
                    for row in 0..SIDE {
                        let halves = [one, other].map(|at| source.load(simd, at, row));
                        write(simd, halves, row, tiles);
                    }
                }
            }
        }
    }
}

impl Source<'_> {
    /// Loads sixteen numbers of the line `line` from a position on, with zeros past the end of the
    /// matrix.
    #[inline(always)]
    fn load(&self, simd: V4, (first, place): (usize, usize), line: usize) -> __m512 {
        let line = first + line;
        if line >= self.lines || place >= self.width {
            return cast(simd.splat_f32s(0.0));
        }
        let begin = line * self.stride + place;
        cast(load(simd, &self.matrix[begin..begin + (self.width - place).min(SIDE)]))
    }
}

impl Source<'_> {
    /// Returns whether a whole block of sixteen by sixteen numbers starts at this position.
    #[inline(always)]
    fn has_block(&self, (line, place): (usize, usize)) -> bool {
        line + SIDE <= self.lines && place + SIDE <= self.width
    }

    /// Loads the same as [`load`](Self::load) within a whole block.
    #[inline(always)]
    fn load_whole(&self, (first, place): (usize, usize), line: usize) -> __m512 {
        let begin = (first + line) * self.stride + place;
        cast(V4::as_simd_f32s(&self.matrix[begin..begin + SIDE]).0[0])
    }

    /// Loads sixteen lines.
    #[inline(always)]
    fn block(&self, simd: V4, at: (usize, usize)) -> [__m512; SIDE] {
        let mut lines = [cast(simd.splat_f32s(0.0)); SIDE];
        if self.has_block(at) {
            for (line, to) in lines.iter_mut().enumerate() {
                *to = self.load_whole(at, line);
            }
        } else {
            for (line, to) in lines.iter_mut().enumerate() {
                *to = self.load(simd, at, line);
            }
        }
        lines
    }
}

/// Writes a row of pairs to the tiles of the three parts.
#[inline(always)]
fn write(simd: V4, [one, other]: [__m512; 2], row: usize, tiles: &mut [Tile; PARTS]) {
    let (one, other) = (parts(simd, one), parts(simd, other));
    for (part, tile) in tiles.iter_mut().enumerate() {
        let pair = simd
            .avx512f
            ._mm512_or_si512(simd.avx512f._mm512_srli_epi32::<16>(one[part]), other[part]);
        tile.set_row(row, cast(pair));
    }
}

/// Returns the parts of numbers, the largest first, each in the upper half of its element.
#[inline(always)]
fn parts(simd: V4, x: __m512) -> [__m512i; PARTS] {
    let avx = simd.avx512f;
    let upper: __m512i = cast(simd.splat_u32s(0xFFFF_0000));
    // The first part is rounded, which makes the second half as large; the third is the remainder.
    let rounded = avx._mm512_add_epi32(cast(x), cast(simd.splat_u32s(0x8000)));
    let first = avx._mm512_and_si512(rounded, upper);
    let rest = avx._mm512_sub_ps(x, cast(first));
    let second = avx._mm512_and_si512(cast(rest), upper);
    let third = avx._mm512_sub_ps(rest, cast(second));
    [first, second, cast(third)]
}

/// Returns the transpose of a block.
#[inline(always)]
fn turn(simd: V4, lines: [__m512; SIDE]) -> [__m512; SIDE] {
    let avx = simd.avx512f;
    // Pairs of lines, then groups of four, within each quarter of a vector; then the quarters.
    let mut twos = lines;
    for i in 0..SIDE / 2 {
        let (a, b) = (lines[2 * i], lines[2 * i + 1]);
        twos[2 * i] = avx._mm512_unpacklo_ps(a, b);
        twos[2 * i + 1] = avx._mm512_unpackhi_ps(a, b);
    }
    let mut fours = lines;
    for i in 0..SIDE / 4 {
        for j in 0..2 {
            let (a, b) = (cast(twos[4 * i + j]), cast(twos[4 * i + 2 + j]));
            fours[4 * i + 2 * j] = cast(avx._mm512_unpacklo_pd(a, b));
            fours[4 * i + 2 * j + 1] = cast(avx._mm512_unpackhi_pd(a, b));
        }
    }
    let mut turned = lines;
    for j in 0..4 {
        let [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
        let ab_even = avx._mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
        let ab_odd = avx._mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
        let cd_even = avx._mm512_shuffle_f32x4::<0b10_00_10_00>(c, d);
        let cd_odd = avx._mm512_shuffle_f32x4::<0b11_01_11_01>(c, d);
        turned[j] = avx._mm512_shuffle_f32x4::<0b10_00_10_00>(ab_even, cd_even);
        turned[8 + j] = avx._mm512_shuffle_f32x4::<0b11_01_11_01>(ab_even, cd_even);
        turned[4 + j] = avx._mm512_shuffle_f32x4::<0b10_00_10_00>(ab_odd, cd_odd);
        turned[12 + j] = avx._mm512_shuffle_f32x4::<0b11_01_11_01>(ab_odd, cd_odd);
    }
    turned
}
