//! Finds what tests need: PostgreSQL, Kafka, Python with venv and pip, and the standard of POSLOG with its tools. Without
//! them, the result of a test run lists the tests as ignored. With `GALLERIA_STRICT=1` they run, and fail with what is
//! missing.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    galleria_test_postgres::set_cfg();
    galleria_test_kafka::set_cfg();
    for name in ["POSLOG_XSD", "GALLERIA_STRICT", "PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let strict = std::env::var_os("GALLERIA_STRICT").is_some_and(|value| value == "1");
    let set = |name: &str, is_found: bool| {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if is_found || strict {
            println!("cargo::rustc-cfg={name}");
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let named = std::env::var_os("POSLOG_XSD").map(PathBuf::from);
    let schema =
        root.join(named.unwrap_or_else(|| "../shared/standards/poslog/POSLogV6.0.0.xsd".into()));
    println!("cargo::rerun-if-changed={}", schema.display());
    println!("cargo::rustc-env=POSLOG_SCHEMA={}", schema.display());
    let runs = |program: &str, arguments: &[&str]| {
        let ran = Command::new(program).args(arguments).output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    let poslog = schema.is_file() && runs("xmllint", &["--version"]) && runs("python3", &["-V"]);
    set("poslog_standard", poslog);
    set(
        "python_packages",
        runs("python3", &["-c", "import venv, pip"]),
    );
}
