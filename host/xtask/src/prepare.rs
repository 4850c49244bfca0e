//! `cargo xtask prepare`: checks the tools of this machine and installs the WebAssembly target.

use crate::process::{read, run, strict, works};
use crate::show;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// The compilation target of components.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The command that installs the missing packages.
const INSTALL: &str = "apt-get install -y build-essential perl python3 libxml2-utils";

/// Installs the WebAssembly target, and reports missing tools.
pub fn prepare() -> Result<()> {
    show::step("checking the tools of this machine");
    let mut sysroot = Command::new("rustc");
    sysroot.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let installed = read(&mut sysroot).is_ok_and(|folder| Path::new(folder.trim()).is_dir());
    if installed {
        show::line(&format!("    {WASM_TARGET}: installed"));
    } else {
        // A toolchain file does not add targets to an installed toolchain.
        show::line(&format!("    {WASM_TARGET}: installing"));
        run(Command::new("rustup").args(["target", "add", WASM_TARGET]))?;
    }
    let mut required = Vec::new();
    if !works("cc", &["--version"]) {
        required.push("a C compiler (for SQLite)");
    }
    if !["c++", "make"]
        .iter()
        .all(|tool| works(tool, &["--version"]))
    {
        required.push("a C++ compiler and make (for the Kafka client)");
    }
    if !works("perl", &["-MIPC::Cmd", "-MFindBin", "-e1"]) {
        required.push("Perl (for OpenSSL)");
    }
    if !required.is_empty() {
        bail!("missing: {}; run `{INSTALL}`", required.join(", "));
    }
    let mut optional = Vec::new();
    if !works("python3", &["--version"]) {
        optional.push("python3");
    }
    if !works("xmllint", &["--version"]) && !works("python3", &["-c", "import lxml"]) {
        optional.push("xmllint or Python's lxml");
    }
    if !optional.is_empty() {
        let message = format!(
            "missing: {}, for checking POSLOGs; run `{INSTALL}`",
            optional.join(", ")
        );
        if strict() {
            bail!(message);
        }
        show::warn(&message);
    }
    Ok(())
}
