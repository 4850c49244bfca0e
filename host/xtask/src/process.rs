//! Running cargo and other programs.

use crate::root::root;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Returns a command for the cargo that started this process.
///
/// If the machine has the development files of OpenSSL, librdkafka links them: compiling the vendored
/// OpenSSL takes longer than any other dependency. This is the only place that decides it, because a
/// different decision in the next command would compile librdkafka again. A value of `OPENSSL_NO_VENDOR`
/// in the environment takes precedence.
pub fn cargo() -> Command {
    static SYSTEM_OPENSSL: LazyLock<bool> =
        LazyLock::new(|| works("pkg-config", &["--exists", "openssl"]));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    if std::env::var_os("OPENSSL_NO_VENDOR").is_none() && *SYSTEM_OPENSSL {
        command.env("OPENSSL_NO_VENDOR", "1");
    }
    command
}

/// Runs a program that shares our standard streams. Returns an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let text = command_line(command);
    let status = command.status().with_context(|| text.clone())?;
    if !status.success() {
        bail!("`{text}`: {status}");
    }
    Ok(())
}

/// Runs a program and returns its standard output.
pub fn read(command: &mut Command) -> Result<String> {
    let text = command_line(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| text.clone())?;
    if !output.status.success() {
        bail!("`{text}`: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns whether a program can be started and succeeds.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    let silent = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Returns the target folder of cargo.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Returns whether a check that needs a missing tool fails instead of being skipped.
pub fn strict() -> bool {
    std::env::var("GALLERIA_STRICT").is_ok_and(|value| value == "1")
}

fn command_line(command: &Command) -> String {
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
