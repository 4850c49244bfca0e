//! Running other programs, most of all cargo.

use crate::root::root;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Cargo, as it called us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a program with our own output; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let told = told(command);
    let status = command.status().with_context(|| told.clone())?;
    if !status.success() {
        bail!("`{told}` ended with {status}");
    }
    Ok(())
}

/// Runs a program and reads what it writes.
pub fn read(command: &mut Command) -> Result<String> {
    let told = told(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| told.clone())?;
    if !output.status.success() {
        bail!("`{told}` ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started and likes its arguments.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    let silent = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// The target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Whether what cannot be checked on this machine is a failure.
pub fn strict() -> bool {
    std::env::var("GALLERIA_STRICT").is_ok_and(|value| value == "1")
}

fn told(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name)
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
