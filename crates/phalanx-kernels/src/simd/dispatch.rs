//! Selection of a processor's vectors, and loads and stores that the end of a slice may cut short.

#[cfg(all(test, feature = "flex"))]
use std::cell::Cell;

use pulp::{Arch, Simd, WithSimd};

/// Runs `work` with the widest vectors of this processor, detected at run time: AVX-512, AVX2 or
/// none.
#[inline]
pub(crate) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    #[cfg(all(test, feature = "flex"))]
    if let Some(vectors) = VECTORS.get() {
        return vectors.dispatch(work);
    }
    Arch::new().dispatch(work)
}

/// Returns whether a product may be computed on the matrix unit, if there is one; only `large`
/// products benefit. The environment variable `PHALANX_AMX=off` disables the unit.
#[cfg(all(feature = "flex", target_arch = "x86_64", target_os = "linux"))]
pub(crate) fn amx_takes(large: bool) -> bool {
    #[cfg(all(test, feature = "flex"))]
    if let Some(vectors) = VECTORS.get() {
        return matches!(vectors, Vectors::Amx(_));
    }
    static ALLOWED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    let allowed = || std::env::var_os("PHALANX_AMX").is_none_or(|value| value != "off");
    large && *ALLOWED.get_or_init(allowed)
}

#[cfg(all(test, feature = "flex"))]
thread_local! {
    /// Overrides the vectors that [`dispatch`] uses on this thread.
    static VECTORS: Cell<Option<Vectors>> = const { Cell::new(None) };
}

/// A kind of vectors.
#[cfg(all(test, feature = "flex"))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Vectors {
    /// One number at a time, on any processor.
    None,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    /// AVX-512, with all products, however small, on the matrix unit.
    #[cfg(target_arch = "x86_64")]
    Amx(pulp::x86::V4),
}

#[cfg(all(test, feature = "flex"))]
impl Vectors {
    /// Iterates over all kinds of vectors of this processor; [`dispatch`] uses the current one on
    /// this thread.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        let mut all = vec![Self::None];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Self::Avx2));
            all.extend(pulp::x86::V4::try_new().map(Self::Avx512));
            #[cfg(target_os = "linux")]
            if crate::gemm::amx::available() {
                all.extend(pulp::x86::V4::try_new().map(Self::Amx));
            }
        }
        let mut all = all.into_iter();
        std::iter::from_fn(move || {
            let next = all.next();
            VECTORS.set(next);
            // Other threads would use the widest vectors.
            crate::threads::set_in_shard(next.is_some());
            next
        })
    }

    fn dispatch<W: WithSimd>(self, work: W) -> W::Output {
        struct On<S, W>(S, W);
        impl<S: Simd, W: WithSimd> pulp::NullaryFnOnce for On<S, W> {
            type Output = W::Output;
            #[inline(always)]
            fn call(self) -> W::Output {
                self.1.with_simd(self.0)
            }
        }
        match self {
            Self::None => pulp::Scalar.vectorize(On(pulp::Scalar, work)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(On(simd, work)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) | Self::Amx(simd) => simd.vectorize(On(simd, work)),
        }
    }
}

/// Loads the first elements of `from` as a vector, with zeros past the end of the slice.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from).0.first() {
        Some(&full) => full,
        None => simd.partial_load_f32s(from),
    }
}

/// Stores as many elements of a vector as `into` has room for.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, into: &mut [f32], values: S::f32s) {
    match S::as_mut_simd_f32s(into).0.first_mut() {
        Some(full) => *full = values,
        None => simd.partial_store_f32s(into, values),
    }
}
