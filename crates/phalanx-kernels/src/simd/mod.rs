//! Vectorised loops over slices.

pub(crate) mod activation;
pub(crate) mod convex;
pub(crate) mod dispatch;
pub(crate) mod elementwise;
pub(crate) mod elu;
pub(crate) mod exp;
pub(crate) mod optimizer_step;
#[cfg(all(test, feature = "flex"))]
mod tests;
