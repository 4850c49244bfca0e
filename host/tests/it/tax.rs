//! `galleria tax evaluate`: tables, JSON Lines, rejected baskets, and a comparison with Python.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const REFERENCE: &str = include_str!("tax/reference.py");

const BASKETS: usize = 10_000;

fn evaluate(basket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_galleria"));
    command.args(["tax", "evaluate", "--basket"]).arg(basket);
    command
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("basket.json");
    std::fs::write(&path, text).expect("written");
    path
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The folder's name is replaced in messages.
fn run(folder: &Path, basket: &str, arguments: &[&str]) -> (bool, String, String) {
    let path = file(folder, basket);
    let Output {
        status,
        stdout,
        stderr,
    } = evaluate(&path).args(arguments).output().expect("started");
    let stderr = text(&stderr).replace(&folder.display().to_string(), "FOLDER");
    (status.success(), text(&stdout), stderr)
}

/// The basket of `TAX.md`.
fn documented() -> &'static str {
    let after = include_str!("../../TAX.md")
        .split_once("```json\n")
        .expect("a basket")
        .1;
    after.split_once("```").expect("the end of the basket").0
}

#[test]
fn a_basket_is_printed_as_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let (success, stdout, stderr) = run(folder.path(), documented(), &[]);
    assert!(success, "{stderr}");
    let expected = "\
┌───────┬────────┬──────────┬───────┬───────────────┬───────┐
│ item  ┆ amount ┆ discount ┆ net   ┆ taxes         ┆ gross │
╞═══════╪════════╪══════════╪═══════╪═══════════════╪═══════╡
│ bread ┆ 1.04   ┆ 0.08     ┆ 0.92  ┆ IVA 4 % 0.04  ┆ 0.96  │
│ wine  ┆ 12.10  ┆ 0.92     ┆ 9.24  ┆ IVA 21 % 1.94 ┆ 11.18 │
│ total ┆ 13.14  ┆ 1.00     ┆ 10.16 ┆ 1.98          ┆ 12.14 │
└───────┴────────┴──────────┴───────┴───────────────┴───────┘
┌───────────┬──────────┬───────────┬──────────────┬─────────┬────────┐
│ authority ┆ tax      ┆ treatment ┆ in the price ┆ taxable ┆ amount │
╞═══════════╪══════════╪═══════════╪══════════════╪═════════╪════════╡
│ ES        ┆ IVA 4 %  ┆ reduced   ┆ yes          ┆ 0.92    ┆ 0.04   │
│ ES        ┆ IVA 21 % ┆ standard  ┆ yes          ┆ 9.24    ┆ 1.94   │
└───────────┴──────────┴───────────┴──────────────┴─────────┴────────┘
";
    assert_eq!(stdout, expected);
}

#[test]
fn json_has_exact_decimals_in_strings() {
    let folder = tempfile::tempdir().expect("a folder");
    let (success, stdout, stderr) = run(folder.path(), documented(), &["--json"]);
    assert!(success, "{stderr}");
    let result: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(result["tax"], "1.98");
    assert_eq!(result["items"][1]["discount"], "0.92");
    assert_eq!(
        result["breakdown"][0],
        serde_json::json!({
            "code": "IVA", "authority": "ES", "kind": "percent", "rate": "4", "treatment": "reduced",
            "included": true, "taxable": "0.92", "amount": "0.04",
        })
    );
}

#[test]
fn each_line_gives_a_result_or_its_problems() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [
        r#"{"items": [{"id": "a", "amount": "10", "taxes": [{"code": "V", "rate": "20"}]}]}"#,
        "",
        r#"{"items": [{"id": "b", "amount": "10", "quantity": "0"}]}"#,
        r#"{"items": [{"id": "c", "amount": 10.5}]}"#,
        r#"{"items": [{"id": "d", "amount": "1""#,
        r#"{"items": [{"id": "e", "amount": "-10", "taxes": [{"code": "V", "rate": "20"}]}]}"#,
    ];
    let (success, stdout, stderr) = run(folder.path(), &lines.join("\n"), &["--json"]);
    assert!(!success);
    let results: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert_eq!(results.len(), 5);
    assert_eq!(
        (&results[0]["tax"], &results[4]["tax"]),
        (&"2.00".into(), &"-2.00".into())
    );
    assert_eq!(results[1]["problems"][0]["field"], "items.0.quantity");
    let expected = "\
FOLDER/basket.json: line 3: items.0.quantity: must not be 0 (item b)
FOLDER/basket.json: line 4: basket: invalid type: floating point `10.5`, expected a decimal string such as \"1.25\", \
with at most 18 digits after the point and no exponent, at column 37
FOLDER/basket.json: line 5: basket: EOF while parsing an object, at column 36
";
    assert_eq!(stderr, expected);
}

#[test]
fn a_mistake_in_one_basket_names_its_line_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let basket = documented().replace(r#""rate": "21""#, r#""rates": "21""#);
    let (success, _, stderr) = run(folder.path(), &basket, &[]);
    assert!(!success);
    assert!(
        stderr.starts_with(
            "FOLDER/basket.json: line 6: basket: unknown field `rates`, expected one of `code`"
        ),
        "{stderr}"
    );
}

#[test]
fn standard_input_is_read_and_missing_baskets_are_reported() {
    let mut child = evaluate(Path::new("-"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(documented().as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("finished");
    assert!(output.status.success() && text(&output.stdout).contains("│ total ┆ 13.14"));

    let folder = tempfile::tempdir().expect("a folder");
    let (success, _, stderr) = run(folder.path(), "\n", &[]);
    assert!(!success);
    assert_eq!(stderr, "galleria: FOLDER/basket.json: has no basket\n");
    let missing = evaluate(&folder.path().join("missing.json"))
        .output()
        .expect("started");
    assert!(text(&missing.stderr).contains("missing.json: No such file or directory"));
}

#[test]
fn drawn_baskets_have_the_taxes_of_a_python_implementation() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let create = |name: &str| File::create(path(name)).expect(name);
    let python = || {
        let mut python = Command::new("python3");
        python.args(["-c", REFERENCE]);
        python
    };
    let drawn = python()
        .args(["draw", &BASKETS.to_string()])
        .stdout(create("baskets"))
        .status();
    assert!(drawn.expect("python3 is required").success());
    let evaluated = evaluate(&path("baskets"))
        .arg("--json")
        .stdout(create("results"))
        .status();
    assert!(evaluated.expect("started").success());
    let compared = python()
        .arg("compare")
        .args([path("baskets"), path("results")])
        .output();
    let compared = compared.expect("python3 is required");
    let report = text(&compared.stdout);
    assert!(compared.status.success(), "{report}");
    assert!(
        report.ends_with(&format!("{BASKETS} baskets compared, 0 differ\n")),
        "{report}"
    );
}
