use super::*;
use phalanx_core::rng::{Purpose, Rng};

const SPECIAL: [f32; 9] = [
    -0.0,
    -1.0,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MIN_POSITIVE,
    1e-45,
    f32::MAX,
    1.0 + f32::EPSILON,
];

/// Returns random numbers, about `share` of which are neither zero nor one.
fn numbers(rng: &mut Rng, len: usize, share: f32) -> Vec<f32> {
    let mut number = || match rng.uniform() {
        u if u < 0.05 * share => SPECIAL[rng.below(SPECIAL.len())],
        u if u < share => rng.range(-2.0, 2.0),
        u if u < 0.5 + 0.5 * share => 1.0,
        _ => 0.0,
    };
    (0..len).map(|_| number()).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn single_precision_is_lossless_from_any_offset_in_pieces() {
    let mut rng = Rng::stream(2, Purpose::Check, 0);
    for round in 0..60 {
        let len = rng.below(700);
        let numbers = numbers(&mut rng, len, round as f32 / 59.0);
        let packed = PackedFloats::pack(&numbers, Precision::F32);
        assert!(packed.is_sound());
        assert_eq!(packed.len(), len);
        let start = rng.below(len + 1);
        let mut out = vec![f32::NAN; len - start];
        let mut reader = packed.reader(start);
        let mut at = 0;
        while at < out.len() {
            let piece = (1 + rng.below(150)).min(out.len() - at);
            reader.read(&mut out[at..at + piece]);
            at += piece;
        }
        assert_eq!(bits(&out), bits(&numbers[start..]));
    }
}

#[test]
fn half_precision_is_the_nearest_half_and_never_overflows() {
    let mut rng = Rng::stream(3, Purpose::Check, 0);
    let mut numbers = numbers(&mut rng, 5000, 0.6);
    numbers.extend([65519.0, 65520.0, -1e9, 6.1e-5, 1e-6]);
    let packed = PackedFloats::pack(&numbers, Precision::F16);
    let mut out = vec![0.0; numbers.len()];
    packed.reader(0).read(&mut out);
    for (&ours, &exact) in out.iter().zip(&numbers) {
        if exact.is_nan() {
            assert!(ours.is_nan());
        } else if exact.is_infinite() || exact == 0.0 || exact == 1.0 {
            assert_eq!(ours.to_bits(), exact.to_bits());
        } else if exact.abs() > 65504.0 {
            assert_eq!(ours, 65504.0_f32.copysign(exact));
        } else {
            // Half a unit in the last of 11 binary digits; 2^-25 among the subnormal numbers.
            let allowed = (exact.abs() * 2.0_f32.powi(-11)).max(2.0_f32.powi(-25));
            assert!((ours - exact).abs() <= allowed, "{exact} became {ours}");
        }
    }
}

#[test]
fn zeros_and_ones_take_bits_and_the_worst_case_is_the_stated_one() {
    let flags: Vec<f32> = (0..640).map(|i| f32::from(u8::from(i % 2 == 0))).collect();
    let packed = PackedFloats::pack(&flags, Precision::F32);
    assert_eq!(packed.heap_bytes(), 640 / 8 + 320 / 8);
    for precision in [Precision::F32, Precision::F16] {
        let packed = PackedFloats::pack(&[0.5; 1001], precision);
        assert_eq!(packed.heap_bytes(), PackedFloats::most_heap_bytes(1001, precision));
    }
}
