//! Runs by schedule, and by a command that is stopped or killed.

use crate::host::{Database, Host, staged};
use galleria_test_database::TestDatabase;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Enough lines that a command cannot finish before it is stopped.
const LINES: u32 = 150_000;

const RETAILER: &str = r#"
name = "example"

[plugins.lines]
plugin = "daily-sales"
[plugins.lines.grants]
capabilities = ["sale-lines", "output"]
directories = ["additional_reports"]

[plugins.quiet]
plugin = "daily-sales"
[plugins.quiet.grants]
capabilities = ["sale-lines", "output"]
directories = ["additional_reports"]
[plugins.quiet.settings]
file_name = "quiet-{scope}-{first}-{last}.csv"
"#;

/// Every second is the shortest interval of a schedule.
const SCHEDULED: &str = r#"
[schedules.often]
plugin = "lines"
at = "* * * * * *"
per = "store"
window = "yesterday"
"#;

/// A host of one retailer; the folder must outlive it.
fn host(schedule: &str, database: Database) -> (tempfile::TempDir, Host) {
    let retailers = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(retailers.path().join("example")).expect("a folder");
    let file = retailers.path().join("example/retailer.toml");
    std::fs::write(file, format!("{RETAILER}{schedule}")).expect("a retailer");
    let mut host = Host::with(retailers.path().to_owned(), staged()).on(database);
    host.set("runs.lease=1s");
    (retailers, host)
}

/// Creates a store with sales on 1 October.
async fn fill(host: &Host, lines: u32) {
    let migrated = host.run(&["migrate"]);
    assert!(migrated.status.success(), "{migrated:?}");
    let store = json!({
        "id": "s", "external_id": "S", "retailer": "example", "store_type": "scan-and-go",
        "country": "ES", "minor_digits": 2, "currency": "EUR", "zone": "Europe/Madrid",
    });
    let stores = format!(
        "INSERT INTO stores (id, retailer, external_id, body) VALUES ('s', 'example', 'S', '{store}')"
    );
    let sold = format!(
        "INSERT INTO sale_lines (store_id, business_date, begun_at, entry_id, number,
             store_external_id, returned, sku, description, category, quantity_unscaled,
             quantity_scale, currency, amount, net, discount, tax_code, tax, accepted_ms)
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {lines} - 1)
         SELECT 's', '2026-10-01', '2026-10-01T10:00:00.000+02:00', 'pay-' || (10000000 + i), 1, 'S',
             0, 'A', 'Article', 'all', 1, 0, 'EUR', 121, 100, 0, 'VAT', 21, 1700000000000
         FROM n"
    );
    let mut database = TestDatabase::connect(&host.database().url).await;
    database.run(&stores).await;
    database.run(&sold).await;
}

fn arguments(slot: &str) -> [&str; 8] {
    [
        "report",
        "run",
        "--retailer",
        "example",
        "--plugin",
        slot,
        "--from",
        "2026-10-01",
    ]
}

/// Starts a run by command and waits until it has written something.
fn begun(host: &Host) -> Child {
    let mut command = host.galleria(&arguments("lines"));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let since = Instant::now();
    while host.files().values().all(Vec::is_empty) {
        assert!(child.try_wait().expect("asked").is_none(), "too soon");
        assert!(since.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn visible_files(host: &Host) -> Vec<String> {
    let names = host.files().into_keys();
    let names = names.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

on_both!(
    a_stopped_command_leaves_nothing_and_a_killed_one_is_repeated_with_the_same_result,
    a_schedule_runs_and_an_operator_sees_its_result,
);

async fn a_stopped_command_leaves_nothing_and_a_killed_one_is_repeated_with_the_same_result(
    database: Database,
) {
    let (_retailers, host) = host("", database);
    fill(&host, LINES).await;
    assert!(host.run(&["check"]).status.success());

    let child = begun(&host);
    let result = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(result.expect("kill").success());
    let ended = child.wait_with_output().expect("an end");
    let output = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{output}");
    assert!(output.contains("nothing was left behind"), "{output}");
    assert!(host.files().is_empty(), "{:?}", host.files().keys());
    let listed = host.run(&["runs", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(!listed.contains("lines"), "{listed}");

    let mut child = begun(&host);
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(
        visible_files(&host).is_empty(),
        "{:?}",
        visible_files(&host)
    );
    // No process may restart the run until the lease of the killed one has expired.
    let since = Instant::now();
    let again = loop {
        let again = host.run(&arguments("lines"));
        let why = String::from_utf8_lossy(&again.stderr).into_owned();
        if again.status.success() {
            break String::from_utf8_lossy(&again.stdout).into_owned();
        }
        assert!(why.contains("running on another host"), "{why}");
        assert!(since.elapsed() < Duration::from_secs(30), "{why}");
    };
    assert!(again.contains(&format!("{LINES} rows")), "{again}");
    let quiet = host.run(&arguments("quiet"));
    assert!(quiet.status.success(), "{quiet:?}");
    let files = host.files();
    assert_eq!(files.len(), 2, "{:?}", files.keys());
    let mut contents = files.into_values();
    assert!(
        contents.next() == contents.next(),
        "the second attempt wrote other bytes"
    );
}

async fn a_schedule_runs_and_an_operator_sees_its_result(database: Database) {
    let (_retailers, mut host) = host(SCHEDULED, database);
    fill(&host, 10).await;
    host.start().await;
    let since = Instant::now();
    let run: Value = loop {
        let page = host
            .get("/v1/runs?state=ended&plugin=lines")
            .await
            .expect("runs");
        if let Some(run) = page["runs"].get(0) {
            break run.clone();
        }
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "{page:#}\n{}",
            host.log()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(run["schedule"], "often");
    assert_eq!(run["store"], "s");
    assert_eq!(run["first"], run["last"]);
    // The schedule fires every second, but the window of a day is one run.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let all = host.get("/v1/runs").await.expect("runs");
    let count = all["runs"].as_array().map_or(0, Vec::len);
    assert!(
        (1..=2).contains(&count),
        "two only around midnight: {all:#}"
    );
    host.settle().await;
    assert_eq!(visible_files(&host).len(), count);
    let id = run["id"].as_str().expect("an id");
    let one = host.get(&format!("/v1/runs/{id}")).await.expect("a run");
    assert_eq!(one["files"][0]["directory"], "additional_reports");
    host.stop();
    let listed = host.run(&["runs", "list", "--state", "ended"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains(id) && listed.contains("by often"),
        "{listed}"
    );
    let replayed = host.run(&["runs", "replay", id]);
    let why = String::from_utf8_lossy(&replayed.stderr).into_owned();
    assert!(
        !replayed.status.success() && why.contains("needs no replay"),
        "{why}"
    );
}

#[test]
fn a_schedule_of_a_point_without_export_is_rejected_at_load() {
    let wrong = "\n[schedules.nightly]\nplugin = \"lines\"\npoint = \"write-settlement\"\n\
                 at = \"30 2 * * *\"\nper = \"store\"\nwindow = \"yesterday\"\n";
    let (_retailers, host) = host(wrong, Database::Sqlite);
    let checked = host.run(&["check"]);
    let why = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!checked.status.success());
    let result = "schedules.nightly.point: must be a point that daily-sales serves: report";
    assert!(why.contains(result), "{why}");
}

#[test]
fn a_file_name_that_two_runs_would_have_is_rejected_at_load() {
    let checked = |settings: &str, schedules: &[(&str, &str)]| {
        let retailers = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(retailers.path().join("example")).expect("a folder");
        let schedules = schedules.iter().map(|(name, at)| {
            format!(
                "[schedules.{name}]\nplugin = \"feed\"\nat = \"{at}\"\nzone = \"Europe/Paris\"\n\
                 per = \"retailer\"\nwindow = \"yesterday\"\n"
            )
        });
        let text = format!(
            "name = \"example\"\n[plugins.feed]\nplugin = \"relay-catalogue\"\n[plugins.feed.grants]\n\
             capabilities = [\"products\", \"output\"]\ndirectories = [\"product_data\"]\n\
             [plugins.feed.settings]\n{settings}\n{}",
            schedules.collect::<String>()
        );
        std::fs::write(retailers.path().join("example/retailer.toml"), text).expect("a retailer");
        let host = Host::with(retailers.path().to_owned(), staged());
        let checked = host.run(&["check"]);
        let why = String::from_utf8_lossy(&checked.stderr).into_owned();
        (checked.status.success(), why)
    };
    let by_window = "file_name = \"products-{mode}-{scope}-{window}.csv\"";
    for (settings, schedules, valid) in [
        ("", &[("daily", "0 6 * * *")][..], true),
        ("", &[("twice", "0 6,18 * * *")], false),
        ("", &[("often", "*/15 * * * *")], false),
        ("", &[("early", "0 6 * * *"), ("late", "0 18 * * *")], false),
        (
            by_window,
            &[("often", "*/15 * * * *"), ("late", "0 18 * * *")],
            true,
        ),
    ] {
        let (accepted, why) = checked(settings, schedules);
        assert_eq!(accepted, valid, "{schedules:?}: {why}");
        let rule = "plugins.feed.settings.file_name: must distinguish the runs of schedule ";
        assert!(valid || why.contains(rule), "{why}");
    }
}
