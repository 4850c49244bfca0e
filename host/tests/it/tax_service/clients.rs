//! Clients in Python, generated from the `.proto` and from the OpenAPI document.

use super::{address, host, open_stores};
use crate::host::{Database, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// From PyPI, with all packages that these need. The versions are fixed, so that the generated code does not change.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Runs a program that must succeed, and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("started");
    let texts =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}{}", texts[0], texts[1]);
    texts[0].clone()
}

/// Returns a virtual environment with the packages, which later test runs use again: installing it takes most of a
/// first run. It needs access to PyPI.
fn environment() -> PathBuf {
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = shared.join("tax-clients");
    let of = |folder: &Path| std::fs::read_to_string(folder.join("requirements.txt"));
    if of(&folder).is_ok_and(|text| text == REQUIREMENTS) {
        return folder;
    }
    // Another run may install it at the same time.
    let new = tempfile::tempdir_in(shared).expect("a folder");
    let new = new.path().join("tax-clients");
    let python =
        |arguments: &[&str]| run(Command::new("python3").args(arguments).current_dir(shared));
    let at = new.to_str().expect("text");
    let file = new.join("requirements.txt");
    // Without pip of its own, without the compilation of all modules, and without a search for compatible versions.
    python(&["-m", "venv", "--without-pip", at]);
    std::fs::write(&file, REQUIREMENTS).expect("written");
    let file = file.to_str().expect("text");
    let pip = ["-m", "pip", "--disable-pip-version-check", "--python", at];
    let install = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "-r",
        file,
    ];
    python(&[&pip[..], &install].concat());
    let _ = std::fs::remove_dir_all(&folder);
    // Another run may have been faster.
    if let Err(error) = std::fs::rename(&new, &folder) {
        assert!(folder.exists(), "{error}");
    }
    folder
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(python_packages), ignore = "needs python3 with venv and pip")]
async fn generated_clients_in_python_call_a_running_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = environment();
    let mut host = host(folder.path(), Database::Sqlite, &[]);
    host.start().await;
    open_stores(&host).await;
    let key = host.key(&["--name", "office", "--scope", "operator", "--everywhere"]);

    let python = environment.join("bin/python");
    run(Command::new(&python)
        .args(["-m", "grpc_tools.protoc", "-I"])
        .arg(root().join("host/crates/tax/proto"))
        .arg(format!("--python_out={}", folder.path().display()))
        .arg(format!("--grpc_python_out={}", folder.path().display()))
        .arg("tax.proto"));
    let document = host.get("/openapi.json").await.expect("a document");
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).expect("written");
    run(Command::new(&python)
        .args(["-m", "openapi_python_client", "generate"])
        .args(["--meta", "none", "--config"])
        .arg(root().join("host/xtask/src/api/client.yml"))
        .arg("--path")
        .arg(&file)
        .arg("--output-path")
        .arg(folder.path().join("openapi")));
    let script = folder.path().join("clients.py");
    std::fs::write(&script, include_str!("clients.py")).expect("written");
    let result =
        run(Command::new(&python)
            .arg(&script)
            .args([address(&host, "grpc"), host.url(""), key]));
    assert_eq!(result, "all calls succeeded\n");
    host.stop();
}
