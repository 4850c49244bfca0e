//! Reports by command: progress, one run for each window, nothing left behind by a stopped one.

use crate::host::{Database, Host};
use crate::sample_days;
use serde_json::Value;

/// A report that writes every sale line as a row; other reports write sums.
const LINES: &str = "daily-sales";

/// The retailer's slot that writes every line of a day, as `galleria check` lists it.
fn report_slot(host: &Host, retailer: &str) -> Option<String> {
    let checked = host.run(&["check"]);
    let table = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{table}");
    let cells = |row: &str| -> Vec<String> {
        row.split(['│', '┆'])
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let rows = table.lines().map(cells);
    rows.filter(|cells| cells.len() > 5 && cells[1] == retailer && cells[3] == LINES)
        .map(|cells| cells[2].clone())
        .next()
}

/// The lines of sales and refunds that the report must contain, from the requests.
fn sold_lines(day: &sample_days::Day) -> usize {
    let lines = |body: &Value| body["lines"].as_array().map_or(0, Vec::len);
    let orders = day.requests.iter();
    orders
        .filter(|request| request.path == "/v1/orders")
        .map(|request| lines(&request.body))
        .sum()
}

on_both!(a_days_lines_become_one_file);

async fn a_days_lines_become_one_file(database: Database) {
    let mut reported = 0;
    for day in sample_days::all() {
        let mut host = Host::new().on(database);
        let Some(slot) = report_slot(&host, &day.retailer) else {
            continue;
        };
        host.start().await;
        day.feed(&mut host).await;
        host.settle().await;
        host.stop();
        let before = host.files();
        let arguments = [
            "report",
            "run",
            "--retailer",
            &day.retailer,
            "--plugin",
            &slot,
            "--from",
            &day.date,
        ];
        let ran = host.run(&arguments);
        let output = String::from_utf8_lossy(&ran.stdout).into_owned();
        let why = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{output}{why}");
        let new: Vec<_> = host
            .files()
            .into_iter()
            .filter(|(name, _)| !before.contains_key(name))
            .collect();
        let [(name, content)] = new.as_slice() else {
            panic!(
                "one file, not {:?}",
                new.iter().map(|f| &f.0).collect::<Vec<_>>()
            );
        };
        let name = name.rsplit('/').next().expect("a name");
        assert!(!name.starts_with('.') && output.contains(name), "{output}");
        let rows = content.iter().filter(|byte| **byte == b'\n').count();
        assert!(rows > sold_lines(&day) / 2, "{rows} rows");
        let again = host.run(&arguments);
        assert!(again.status.success());
        let output = String::from_utf8_lossy(&again.stdout).into_owned();
        assert!(
            output.contains("already run") && output.contains(name),
            "{output}"
        );
        assert_eq!(host.files().len(), before.len() + 1);
        reported += 1;
    }
    assert!(reported > 0, "no retailer has such a report");
}

#[test]
fn an_unknown_report_is_named() {
    let host = Host::new();
    let day = &sample_days::all()[0];
    let ran = host.run(&[
        "report",
        "run",
        "--retailer",
        &day.retailer,
        "--plugin",
        "nowhere",
        "--from",
        &day.date,
    ]);
    assert!(!ran.status.success());
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(why.contains("there is no plugin nowhere"), "{why}");
    let backwards = ["--from", "2026-11-20", "--to", "2026-11-19"];
    let run = [
        "report",
        "run",
        "--retailer",
        &day.retailer,
        "--plugin",
        "nowhere",
    ];
    let ran = host.run(&[&run[..], &backwards].concat());
    assert!(!ran.status.success());
    let why = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        why.contains("--to 2026-11-19: must not be before --from 2026-11-20"),
        "{why}"
    );
}
