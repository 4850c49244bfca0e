//! Clients in Python, generated from the `.proto` and from the OpenAPI document.

use super::{address, host, open_stores};
use crate::host::{Database, root};
use std::path::Path;
use std::process::Command;

/// From PyPI. The versions are fixed, so that the generated code does not change.
const PACKAGES: [&str; 4] = [
    "grpcio==1.85.3",
    "grpcio-tools==1.85.1",
    "grpcio-status==1.85.3",
    "openapi-python-client==0.29.1",
];

/// Runs a program that must succeed, and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("started");
    let texts =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}{}", texts[0], texts[1]);
    texts[0].clone()
}

/// Creates a virtual environment with the packages. Returns whether this machine has Python with `venv` and access to
/// PyPI; strict tests fail without.
fn has_environment(folder: &Path) -> bool {
    let venv = Command::new("python3")
        .args(["-m", "venv"])
        .arg(folder)
        .output();
    let installed = venv.is_ok_and(|output| output.status.success()) && {
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check"])
            .args(PACKAGES);
        pip.output().is_ok_and(|output| output.status.success())
    };
    let strict = std::env::var("GALLERIA_STRICT").is_ok_and(|value| value == "1");
    assert!(
        installed || !strict,
        "python3 with venv and access to PyPI are required"
    );
    installed
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_clients_in_python_call_a_running_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let venv = folder.path().join("venv");
    if !has_environment(&venv) {
        return;
    }
    let mut host = host(folder.path(), Database::Sqlite, &[]);
    host.start().await;
    open_stores(&host).await;
    let key = host.key(&["--name", "office", "--scope", "operator", "--everywhere"]);

    let python = venv.join("bin/python");
    run(Command::new(&python)
        .args(["-m", "grpc_tools.protoc", "-I"])
        .arg(root().join("host/crates/tax/proto"))
        .arg(format!("--python_out={}", folder.path().display()))
        .arg(format!("--grpc_python_out={}", folder.path().display()))
        .arg("tax.proto"));
    let document = host.get("/openapi.json").await.expect("a document");
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.to_string()).expect("written");
    run(Command::new(venv.join("bin/openapi-python-client"))
        .args(["generate", "--meta", "none", "--path"])
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
