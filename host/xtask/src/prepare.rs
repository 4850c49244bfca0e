//! `cargo xtask prepare`: what this machine needs; what can be fetched is fetched.

use crate::process::{read, run, strict, works};
use crate::show;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// What components are compiled for.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The one command that installs what the system lacks.
const INSTALL: &str = "apt-get install -y build-essential perl python3 libxml2-utils";

/// Adds the wasm target where it is missing, and names what else is.
pub fn prepare() -> Result<()> {
    show::step("looking at what this machine has");
    let mut sysroot = Command::new("rustc");
    sysroot.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let there = read(&mut sysroot).is_ok_and(|folder| Path::new(folder.trim()).is_dir());
    if there {
        show::line(&format!("    {WASM_TARGET}: there"));
    } else {
        // A toolchain file does not add targets to a toolchain that is already installed.
        show::line(&format!("    {WASM_TARGET}: adding it"));
        run(Command::new("rustup").args(["target", "add", WASM_TARGET]))?;
    }
    let mut needed = Vec::new();
    if !works("cc", &["--version"]) {
        needed.push("a C compiler, for SQLite");
    }
    if !["c++", "make"]
        .iter()
        .all(|tool| works(tool, &["--version"]))
    {
        needed.push("a C++ compiler and make, for Kafka's client");
    }
    if !works("perl", &["-MIPC::Cmd", "-MFindBin", "-e1"]) {
        needed.push("Perl, for its TLS");
    }
    if !needed.is_empty() {
        bail!("missing: {}; `{INSTALL}` installs it", needed.join(", "));
    }
    let mut wanted = Vec::new();
    if !works("python3", &["--version"]) {
        wanted.push("python3");
    }
    if !works("xmllint", &["--version"]) && !works("python3", &["-c", "import lxml"]) {
        wanted.push("xmllint or Python's lxml");
    }
    if !wanted.is_empty() {
        let what = format!(
            "missing: {}, which check POSLOGs; `{INSTALL}` installs them",
            wanted.join(", ")
        );
        if strict() {
            bail!(what);
        }
        show::warn(&what);
    }
    Ok(())
}
