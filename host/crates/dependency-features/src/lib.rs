//! One set of features for shared dependencies. This crate has no code.
//!
//! Cargo turns on the features that the packages of one command need. `cargo xtask` alone, the host that
//! the demo builds, and `cargo test` need different features of `serde_json`, `hashbrown`, `tokio` and
//! others, so each command would compile these again, and with them everything above them: wasmtime and
//! Cranelift, the HTTP stack and the crates of the host. That is several minutes for each switch on two
//! cores.
//!
//! `galleria` and `xtask` depend on this crate, whose `Cargo.toml` turns on the union of these features.
//! So all commands share one build.
//!
//! To find new differences, compare the units of two commands:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo build -p galleria --unit-graph -Zunstable-options
//! RUSTC_BOOTSTRAP=1 cargo test --no-run --unit-graph -Zunstable-options
//! ```

#![forbid(unsafe_code)]
