//! Matrix products.

#[cfg(all(feature = "flex", target_arch = "x86_64", target_os = "linux"))]
pub(crate) mod amx;
#[cfg(not(all(feature = "flex", target_arch = "x86_64", target_os = "linux")))]
#[path = "no_amx.rs"]
pub(crate) mod amx;
#[cfg(feature = "flex")]
pub(crate) mod backward_matmul;
pub(crate) mod matmul;
pub(crate) mod pack;
#[cfg(all(test, feature = "flex"))]
pub(crate) mod tests;
mod tile;
