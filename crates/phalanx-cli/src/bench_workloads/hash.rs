//! Deterministic data that any programming language can reproduce.

/// Returns `n` numbers between `-scale` and `scale`. With 32-bit integers,
///
/// ```text
/// x = 2654435761 i + 40503 seed            i = 1, …, n
/// x = 73244475 (x xor (x >> 16))           twice
/// x = x xor (x >> 16)
/// y = scale (2 x / 2^32 - 1)
/// ```
pub fn numbers(n: usize, seed: u64, scale: f32) -> Vec<f32> {
    (1..=n as u64)
        .map(|i| {
            let mut x = i.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) as u32;
            for _ in 0..2 {
                x = (x ^ (x >> 16)).wrapping_mul(0x45d_9f3b);
            }
            x ^= x >> 16;
            (f64::from(x) / 4_294_967_296.0 * 2.0 - 1.0) as f32 * scale
        })
        .collect()
}
