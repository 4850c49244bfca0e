//! The commands in the READMEs of the sample retailers do what the text says.

use crate::host::{Host, root};
use crate::sample_days;
use std::process::Command;

/// Makes `galleria` the binary of this test, with the settings of its host.
const PREAMBLE: &str = r#"
    set -euo pipefail
    SETTINGS=("$@")
    galleria() { "$GALLERIA" "$@" "${SETTINGS[@]}"; }
"#;

/// The fenced blocks of a page as one script, except what `cargo` runs.
fn commands(page: &str) -> String {
    let blocks = page.split("\n```").skip(1).step_by(2);
    let lines = blocks.flat_map(|block| block.lines().skip(1));
    let lines = lines.filter(|line| !line.starts_with("cargo "));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Runs the commands of a retailer's README. Returns their output.
fn run(host: &Host, retailer: &str) -> String {
    let page = root().join("retailers").join(retailer).join("README.md");
    let script = commands(&std::fs::read_to_string(page).expect("a README"));
    assert!(!script.is_empty(), "{retailer}");
    let script = script.replace("target/debug/galleria", "galleria");
    let script = script.replace("http://127.0.0.1:8080", &host.url(""));
    let galleria = host.galleria(&[]);
    let set = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        value.map(|value| (name.to_owned(), value.to_owned()))
    };
    let output = Command::new("bash")
        .args(["-c", &format!("{PREAMBLE}\n{script}"), "bash"])
        .args(galleria.get_args())
        .envs(galleria.get_envs().filter_map(set))
        .env("GALLERIA", galleria.get_program())
        .current_dir(root())
        .output()
        .expect("bash");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{retailer}: {script}\n{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_sample_retailers_work() {
    let mut host = Host::new();
    host.start().await;
    let days = sample_days::all();
    for day in &days {
        if day.retailer != "eroski" {
            day.put_stores(&host).await;
        }
    }
    for day in &days {
        let output = run(&host, &day.retailer);
        if day.retailer == "eroski" {
            let member =
                r#"{"member":{"id":"2941002388179","programme":"eroski-club","attributes":[]}}"#;
            assert!(output.contains(member), "{output}");
        }
    }
    host.stop();
}
