//! Elementary functions with the same bits on every platform.
//!
//! The standard library's `sin`, `powf` and their relatives call the platform's mathematical library, whose last bits
//! differ between systems, versions and processors. A battle or a match would then take another course elsewhere. The
//! functions here consist of IEEE 754 additions, multiplications, divisions and square roots, which are exactly
//! specified. They compute in `f64` and round once, so that a result in `f32` is within one unit in the last place.
//! `clippy.toml` of this crate disallows the platform's functions.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_6, LN_2, LOG2_E, PI};

/// Adding and subtracting this rounds an `f64` below 2^51 to a whole number, which lies in the lowest bits meanwhile.
const TO_WHOLE: f64 = 6_755_399_441_055_744.0;
/// π/2 as a sum: the first 33 bits, and the rest.
const HALF_PI: [f64; 2] = [1.570_796_326_734_125_6, 6.077_100_506_506_192e-11];
/// √3 and the tangent of π/12.
const SQRT_3: f64 = 1.732_050_807_568_877_2;
const TAN_PI_12: f64 = 0.267_949_192_431_122_7;

/// The coefficients of `(sin r - r) / r³` in `r²`.
const SIN: [f64; 8] = [
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];
/// The coefficients of `(cos r - 1) / r²` in `r²`.
const COS: [f64; 8] = [
    -1.0 / 2.0,
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
];
/// The coefficients of `(atan t - t) / t³` in `t²`.
const ATAN: [f64; 8] = [
    -1.0 / 3.0,
    1.0 / 5.0,
    -1.0 / 7.0,
    1.0 / 9.0,
    -1.0 / 11.0,
    1.0 / 13.0,
    -1.0 / 15.0,
    1.0 / 17.0,
];
/// The coefficients of `atanh(t) / t` in `t²`.
const ATANH: [f64; 8] =
    [1.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 7.0, 1.0 / 9.0, 1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0];
/// The coefficients of `(exp z - 1) / z` in `z`.
const EXP: [f64; 8] = [
    1.0,
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
];

/// Returns the sine and the cosine of an angle in radians, of at most 100 000 in magnitude.
#[inline]
pub(crate) fn sin_cos(angle: f64) -> (f64, f64) {
    let shifted = angle * FRAC_2_PI + TO_WHOLE;
    let quarters = shifted - TO_WHOLE;
    let r = angle - quarters * HALF_PI[0] - quarters * HALF_PI[1];
    let square = r * r;
    let sin = r + r * square * polynomial(&SIN, square);
    let cos = 1.0 + square * polynomial(&COS, square);
    match shifted.to_bits() & 3 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// Returns the sine of an angle in radians, of at most 100 000 in magnitude.
#[inline]
pub(crate) fn sin(angle: f32) -> f32 {
    sin_cos(f64::from(angle)).0 as f32
}

/// Returns the angle of the vector `(x, y)` in radians, from -π to π.
pub(crate) fn atan2(y: f32, x: f32) -> f32 {
    let (across, along) = (f64::from(y.abs()), f64::from(x.abs()));
    let (less, more) = if across > along { (along, across) } else { (across, along) };
    let ratio = if more > 0.0 { less / more } else { 0.0 };
    let (base, t) = if ratio > TAN_PI_12 {
        (FRAC_PI_6, (ratio * SQRT_3 - 1.0) / (ratio + SQRT_3))
    } else {
        (0.0, ratio)
    };
    let square = t * t;
    let mut angle = base + (t + t * square * polynomial(&ATAN, square));
    if across > along {
        angle = FRAC_PI_2 - angle;
    }
    if x.is_sign_negative() {
        angle = PI - angle;
    }
    (angle as f32).copysign(y)
}

/// Returns `base` to the power of `exponent`, for a finite base of at least zero and a positive exponent.
#[inline]
pub(crate) const fn pow(base: f32, exponent: f32) -> f32 {
    debug_assert!(base >= 0.0 && exponent > 0.0, "a power outside the domain");
    if base <= 0.0 {
        return 0.0;
    }
    // base = m 2^k with m from √½ to √2; log2(base) = k + 2 atanh((m - 1) / (m + 1)) / ln 2.
    let bits = (base as f64).to_bits();
    let k = (bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits()) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((k << 52) as u64));
    let t = (m - 1.0) / (m + 1.0);
    let log = k as f64 + t * polynomial(&ATANH, t * t) * (2.0 * LOG2_E);
    let wanted = (log * exponent as f64).clamp(-1000.0, 1000.0);
    let shifted = wanted + TO_WHOLE;
    let whole = shifted - TO_WHOLE;
    let z = (wanted - whole) * LN_2;
    let scale = f64::from_bits(((whole as i64 + 1023) << 52) as u64);
    (scale + scale * z * polynomial(&EXP, z)) as f32
}

/// Returns the lesser of two numbers, neither of which is NaN: a single instruction, unlike `f32::min`.
#[inline]
pub(crate) fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Returns the square of a number.
#[inline]
pub(crate) fn squared(x: f32) -> f32 {
    x * x
}

/// Returns the length of the vector `(x, y)`.
#[inline]
pub(crate) fn hypot(x: f32, y: f32) -> f32 {
    let (x, y) = (f64::from(x), f64::from(y));
    (x * x + y * y).sqrt() as f32
}

/// Returns the polynomial with coefficients from the lowest on at `x`.
#[inline]
const fn polynomial(c: &[f64; 8], x: f64) -> f64 {
    let square = x * x;
    let low = (c[0] + c[1] * x) + (c[2] + c[3] * x) * square;
    let high = (c[4] + c[5] * x) + (c[6] + c[7] * x) * square;
    low + high * (square * square)
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "the platform's functions are what ours are compared with"
)]
mod tests {
    use super::*;

    /// The steps between two numbers of the same sign in the order of all `f32`.
    fn apart(ours: f32, exact: f64) -> u32 {
        ours.to_bits().abs_diff((exact as f32).to_bits())
    }

    #[test]
    fn angles_are_within_one_unit_in_the_last_place_of_the_exact_ones() {
        for i in -1000_i16..=1000 {
            let x = f32::from(i) * 0.0137;
            let exact = f64::from(x).sin();
            assert!(apart(sin(x), exact) <= 1, "sin {x}");
            let (ours, cos) = sin_cos(f64::from(x));
            assert!((ours - exact).abs() < 3e-16, "sin {x}");
            assert!((cos - f64::from(x).cos()).abs() < 3e-16, "cos {x}");
            for j in -20_i16..=20 {
                let y = f32::from(j) * 0.71;
                let exact = f64::from(y).atan2(f64::from(x));
                assert!(apart(atan2(y, x), exact) <= 1, "atan2 {y} {x}");
            }
        }
    }

    #[test]
    fn angles_of_vectors_on_the_axes_have_the_signs_of_ieee_754() {
        for (y, x) in [(0.0, 1.0), (-0.0, 1.0), (0.0, -1.0), (-0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)]
        {
            assert_eq!(atan2(y, x).to_bits(), f32::atan2(y, x).to_bits(), "{y} {x}");
        }
        assert_eq!(atan2(0.0, 0.0).to_bits(), 0);
    }

    #[test]
    fn powers_are_within_one_unit_in_the_last_place_of_the_exact_ones() {
        for exponent in [0.2_f32, 0.4, 0.55, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6, 5.0 / 3.0] {
            assert_eq!(pow(0.0, exponent).to_bits(), 0);
            assert_eq!(pow(1.0, exponent), 1.0);
            for i in 1..=2000_u16 {
                for unit in [1e-6, 1e-3, 0.17] {
                    let x = f32::from(i) * unit;
                    let exact = f64::from(x).powf(f64::from(exponent));
                    assert!(apart(pow(x, exponent), exact) <= 1, "{x} to the power of {exponent}");
                }
            }
        }
        assert_eq!((pow(1e30, 2.0), pow(1e-30, 2.0)), (f32::INFINITY, 0.0));
    }

    #[test]
    fn lengths_of_vectors_are_rounded_once() {
        assert_eq!(hypot(3.0, -4.0), 5.0);
        assert_eq!(hypot(3e30, 4e30), 5e30);
        assert_eq!(hypot(0.1, 0.2), f64::hypot(0.1_f32.into(), 0.2_f32.into()) as f32);
    }

    #[test]
    fn the_bits_are_the_same_on_every_platform() {
        let sines =
            [(0.1_f32, 0x3dcc_7577), (-1.3, 0xbf76_abc0), (2.5, 0x3f19_3578), (40.7, 0x3e0f_9b0e)];
        for (x, bits) in sines {
            assert_eq!(sin(x).to_bits(), bits, "sin {x}");
        }
        let cosines = [
            (0.1_f64, 0x3fef_d712_f9a8_17c0),
            (-1.3, 0x3fd1_1eb3_682a_4c5f),
            (2.5, 0xbfe9_a2f7_ef85_8b7d),
            (40.7, 0xbfef_af0a_c685_2bb3),
        ];
        for (x, bits) in cosines {
            assert_eq!(sin_cos(x).1.to_bits(), bits, "cos {x}");
        }
        let angles = [
            ((0.3_f32, 1.7), 0x3e32_dd45),
            ((2.5, -0.4), 0x3fdd_5eab),
            ((-0.9, -1.1), 0xc01d_2cdd),
            ((-3.0, 0.7), 0xbfab_b862),
        ];
        for ((y, x), bits) in angles {
            assert_eq!(atan2(y, x).to_bits(), bits, "atan2 {y} {x}");
        }
        let powers = [
            ((0.3_f32, 0.7), 0x3edc_6c05),
            ((12.5, 0.2), 0x3fd4_2004),
            ((0.004, 1.6), 0x3918_b851),
            ((0.77, 0.4), 0x3f66_9677),
        ];
        for ((x, y), bits) in powers {
            assert_eq!(pow(x, y).to_bits(), bits, "{x} to the power of {y}");
        }
    }
}
