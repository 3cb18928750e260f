//! Numbers that every language can repeat.

/// `n` values in `±scale` from an integer hash, the same in every language.
pub(crate) fn hashed(n: usize, seed: u64, scale: f32) -> Vec<f32> {
    (1..=n as u64)
        .map(|i| {
            let mut x = (i * 2_654_435_761 + seed * 40_503) & 0xffff_ffff;
            for _ in 0..2 {
                x ^= x >> 16;
                x = (x * 0x045d_9f3b) & 0xffff_ffff;
            }
            x ^= x >> 16;
            (x as f64 / 4_294_967_296.0 * 2.0 - 1.0) as f32 * scale
        })
        .collect()
}
