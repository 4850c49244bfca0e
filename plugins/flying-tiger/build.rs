//! Sets `poslog_standard` if this machine can run the tests against the standard: they need its schema, which may
//! not be copied here, and two programs. Without them the result lists these tests as ignored; with
//! `GALLERIA_STRICT=1` they run, and fail with what is missing.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(poslog_standard)");
    for name in ["POSLOG_XSD", "GALLERIA_STRICT", "PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("POSLOG_XSD").map(PathBuf::from);
    let schema =
        root.join(named.unwrap_or_else(|| "../shared/standards/poslog/POSLogV6.0.0.xsd".into()));
    println!("cargo::rerun-if-changed={}", schema.display());
    println!("cargo::rustc-env=POSLOG_SCHEMA={}", schema.display());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = |program: &str| std::env::split_paths(&path).any(|p| p.join(program).is_file());
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    if strict || (schema.is_file() && installed("xmllint") && installed("python3")) {
        println!("cargo::rustc-cfg=poslog_standard");
    }
}
