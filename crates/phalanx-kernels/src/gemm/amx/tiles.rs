//! The instructions of the matrix unit.
//!
//! The compiler has no stable intrinsics for them, so they are written in assembly. Bounds are
//! asserted once for each block of up to two by two tiles.
#![allow(unsafe_code)]

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

use super::{DEPTH, PARTS, SIDE};

/// Sixteen rows of sixteen pairs of `bf16`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Tile([[u32; SIDE]; SIDE]);

impl Tile {
    pub(crate) const ZERO: Self = Self([[0; SIDE]; SIDE]);

    #[inline(always)]
    pub(crate) fn set_row(&mut self, row: usize, pairs: [u32; SIDE]) {
        self.0[row] = pairs;
    }
}

/// The number of bytes in a row of a tile.
const ROW: usize = 4 * SIDE;

const _: () = assert!(size_of::<Tile>() == 1024 && PARTS == 3 && DEPTH == 2 * SIDE);

/// Returns whether this processor has the unit and this process may use it.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const BF16: u32 = 1 << 22;
        const TILES: u32 = 1 << 24;
        if pulp::x86::V4::try_new().is_none() || __cpuid(0).eax < 7 {
            return false;
        }
        let features = __cpuid_count(7, 0).edx;
        features & BF16 != 0 && features & TILES != 0 && permitted()
    })
}

/// Asks the operating system for permission to use the unit, whose registers it has to save on
/// context switches. It grants it to the whole process, once.
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: this system call reads and writes no memory of the process.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// The configuration of the registers.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_row: [u16; 16],
    rows: [u8; 16],
}

/// Eight registers of a whole tile each.
static WHOLE_TILES: Configuration = {
    let mut configuration = Configuration {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes_of_row: [0; 16],
        rows: [0; 16],
    };
    let mut register = 0;
    while register < 8 {
        configuration.bytes_of_row[register] = ROW as u16;
        configuration.rows[register] = SIDE as u8;
        register += 1;
    }
    configuration
};

/// While a session exists, this thread has the unit's registers configured.
pub(crate) struct Session(());

impl Session {
    pub(crate) fn begin() -> Self {
        assert!(available(), "the matrix unit is available");
        // SAFETY: the unit is available and permitted, and the configuration is valid and has 64
        // bytes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE_TILES, options(nostack, readonly));
        }
        Self(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the unit is available, and its registers are no longer needed.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

/// Operands of a block of up to two by two tiles, `[step, part]` each.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    /// The tiles of the upper rows, and of the lower ones if any.
    pub(crate) left: (&'a [Tile], Option<&'a [Tile]>),
    /// The tiles of the left columns, and of the right ones if any.
    pub(crate) right: (&'a [Tile], Option<&'a [Tile]>),
}

/// Initial value of a result.
pub(crate) enum Start<'a> {
    /// The same in every row.
    Row(&'a [f32]),
    /// The current value.
    Present,
}

/// The place of a result.
pub(crate) struct Place<'a> {
    /// The result matrix from the block's first row and column on.
    pub(crate) c: &'a mut [f32],
    /// The distance between rows.
    pub(crate) stride: usize,
    /// The distance from the first tile to the one below it.
    pub(crate) down: usize,
    /// The distance from the first tile to the one on its right.
    pub(crate) right: usize,
}

/// A line of assembly that is left out for a block with one row or one column of tiles.
macro_rules! only {
    (yes, $line:expr) => {
        $line
    };
    (no, $line:expr) => {
        concat!("# ", $line)
    };
}

/// Computes `sums += left right` for the loaded tiles.
macro_rules! dots {
    ($lower:tt, $second:tt, $both:tt) => {
        concat!(
            "tdpbf16ps tmm0, tmm4, tmm6\n",
            only!($second, "tdpbf16ps tmm1, tmm4, tmm7\n"),
            only!($lower, "tdpbf16ps tmm2, tmm5, tmm6\n"),
            only!($both, "tdpbf16ps tmm3, tmm5, tmm7\n"),
        )
    };
}

/// Loads one part of the left tiles; parts are 1024 bytes apart.
macro_rules! left {
    ($lower:tt, $bytes:literal) => {
        concat!(
            "tileloadd tmm4, [{a0} + {row}*1 + ",
            $bytes,
            "]\n",
            only!($lower, concat!("tileloadd tmm5, [{a1} + {row}*1 + ", $bytes, "]\n")),
        )
    };
}

/// Loads one part of the right tiles.
macro_rules! right {
    ($second:tt, $bytes:literal) => {
        concat!(
            "tileloadd tmm6, [{b0} + {row}*1 + ",
            $bytes,
            "]\n",
            only!($second, concat!("tileloadd tmm7, [{b1} + {row}*1 + ", $bytes, "]\n")),
        )
    };
}

/// Computes a block of tiles: first all products with small parts, then, from the last step to the
/// first, the products of the largest parts, so that the small products are rounded relative to
/// their own size.
macro_rules! block {
    ($lower:tt, $second:tt, $both:tt, $p:expr) => {
        asm!(
            "tileloadd tmm0, [{i0} + {is}*1]",
            only!($lower, "tileloadd tmm2, [{i1} + {is}*1]"),
            "add {i0}, {d}",
            "add {i1}, {d}",
            only!($second, "tileloadd tmm1, [{i0} + {is}*1]"),
            only!($both, "tileloadd tmm3, [{i1} + {is}*1]"),
            "mov {i0}, {n}",
            "2:",
            left!($lower, "0"),
            right!($second, "2048"),
            dots!($lower, $second, $both),
            right!($second, "1024"),
            dots!($lower, $second, $both),
            left!($lower, "1024"),
            dots!($lower, $second, $both),
            right!($second, "0"),
            dots!($lower, $second, $both),
            left!($lower, "2048"),
            dots!($lower, $second, $both),
            "add {a0}, 3072",
            "add {a1}, 3072",
            "add {b0}, 3072",
            "add {b1}, 3072",
            "dec {n}",
            "jnz 2b",
            "3:",
            "sub {a0}, 3072",
            "sub {a1}, 3072",
            "sub {b0}, 3072",
            "sub {b1}, 3072",
            left!($lower, "0"),
            right!($second, "0"),
            dots!($lower, $second, $both),
            "dec {i0}",
            "jnz 3b",
            "tilestored [{c0} + {cs}*1], tmm0",
            only!($lower, "tilestored [{c1} + {cs}*1], tmm2"),
            "add {c0}, {d}",
            "add {c1}, {d}",
            only!($second, "tilestored [{c0} + {cs}*1], tmm1"),
            only!($both, "tilestored [{c1} + {cs}*1], tmm3"),
            a0 = inout(reg) $p.a[0] => _,
            a1 = inout(reg) $p.a[1] => _,
            b0 = inout(reg) $p.b[0] => _,
            b1 = inout(reg) $p.b[1] => _,
            n = inout(reg) $p.steps => _,
            i0 = inout(reg) $p.start[0] => _,
            i1 = inout(reg) $p.start[1] => _,
            is = in(reg) $p.start_stride,
            c0 = inout(reg) $p.c[0] => _,
            c1 = inout(reg) $p.c[1] => _,
            cs = in(reg) $p.stride,
            d = in(reg) $p.right,
            row = in(reg) ROW,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// Pointers to the operands of a block of tiles and its result; lengths and distances are in bytes.
struct Pointers {
    a: [*const Tile; 2],
    b: [*const Tile; 2],
    steps: usize,
    start: [*const f32; 2],
    start_stride: usize,
    c: [*mut f32; 2],
    stride: usize,
    right: usize,
}

impl Session {
    /// Computes `c = start + left right` for a block of tiles. Tiles may overlap in the result: all
    /// are read before any is written.
    pub(crate) fn accumulate(
        &mut self,
        operands: Operands<'_>,
        start: Start<'_>,
        place: Place<'_>,
    ) {
        let Operands { left: (upper, lower), right: (first, second) } = operands;
        let Place { c, stride, down, right } = place;
        let steps = upper.len() / PARTS;
        for tiles in [Some(upper), lower, Some(first), second].into_iter().flatten() {
            assert!(
                steps > 0 && tiles.len() == steps * PARTS,
                "all operands have the same number of steps"
            );
        }
        let down = if lower.is_some() { down } else { 0 };
        let right = if second.is_some() { right } else { 0 };
        let last = down + right + (SIDE - 1) * stride + SIDE;
        assert!(last <= c.len(), "the tiles are within the result");
        let c = c.as_mut_ptr();
        // Still within `c`, as asserted above.
        let c = [c, c.wrapping_add(down)];
        let (start, start_stride) = match start {
            Start::Present => ([c[0].cast_const(), c[1].cast_const()], 4 * stride),
            Start::Row(row) => {
                assert!(right + SIDE <= row.len(), "the row is as wide as the tiles");
                ([row.as_ptr(); 2], 0)
            }
        };
        let pointers = Pointers {
            a: [upper.as_ptr(), lower.unwrap_or(upper).as_ptr()],
            b: [first.as_ptr(), second.unwrap_or(first).as_ptr()],
            steps,
            start,
            start_stride,
            c,
            stride: 4 * stride,
            right: 4 * right,
        };
        // SAFETY: a session configures the registers as whole tiles. `steps` is positive, and every
        // operand has three times as many tiles, which are the only ones read. Starts and results
        // are within their slices, as asserted above.
        unsafe {
            match (lower.is_some(), second.is_some()) {
                (true, true) => block!(yes, yes, yes, pointers),
                (true, false) => block!(yes, no, no, pointers),
                (false, true) => block!(no, yes, no, pointers),
                (false, false) => block!(no, no, no, pointers),
            }
        }
    }
}
