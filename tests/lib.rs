//! End-to-end promises, one file per promise.
//!
//! `cargo test --doc` compiles and runs every Rust block of README.md and of `docs/`. The pages are found
//! by `build.rs`, so a new one needs no registration. It shortens blocks that train (`<!-- doctest: A => B -->`).

pub mod markdown;
pub mod metrics;
pub mod reliability;
pub mod short_runs;

/// The pages whose Rust blocks are doctests, relative to the repository.
pub const DOCTESTED_PAGES: &[&str] = include!(concat!(env!("OUT_DIR"), "/doctested_pages.rs"));

#[cfg(doctest)]
mod doctests {
    include!(concat!(env!("OUT_DIR"), "/doctests.rs"));
}
