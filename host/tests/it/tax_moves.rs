//! Stores that move to another tax route: a shadow shows what changes, and moves are refused or forced. The services are
//! other hosts.

mod under_load;

use crate::host::{Database, Host};
use crate::tax_routes::command;
use crate::tax_service::{STORE, address, host};
use galleria_db::Db;
use galleria_domain::tax::TaxRoute;
use galleria_ports::in_tx;
use galleria_ports::records::{ComparisonCount, ComparisonFilter, Records, ShadowOutcome};
use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

on_both!(a_shadow_shows_what_a_move_would_change);

const STORES: &str = "\
id,external_id,retailer,store_type,country,currency,minor_digits,zone
tax-1,1,corner,kiosk,ES,EUR,2,Europe/Madrid
";

const TABLE: &str = "\
tax_code,tax_level,retailer_tax_level_id,tax_percent
STD,IVA 21,1,21
RED,IVA 10,2,10
SUPER,IVA 4,3,4
";

/// The table in which one rate was altered on purpose.
fn altered() -> String {
    TABLE.replace("2,10\n", "2,4\n")
}

/// The output of `galleria tax compare` after three baskets, of which two have items with the altered rate.
const COMPARED: &str = "\
┌──────────┬────────┬──────────┬───────┬───────────┬────────┬─────────┐
│ route    ┆ shadow ┆ compared ┆ equal ┆ different ┆ failed ┆ dropped │
╞══════════╪════════╪══════════╪═══════╪═══════════╪════════╪═════════╡
│ embedded ┆ http   ┆ 3        ┆ 1     ┆ 2         ┆ 0      ┆ 0       │
└──────────┴────────┴──────────┴───────┴───────────┴────────┴─────────┘
";

/// The differences of the same baskets.
const DIFFERENCES: &str = "\
┌──────┬───────────────────┬───────────────┬──────────────────┬───────────────┬────────────┬─────────┬───────┬─────────────────────────┐
│ code ┆ rate of the route ┆ of the shadow ┆ tax of the route ┆ of the shadow ┆ difference ┆ baskets ┆ items ┆ first baskets and items │
╞══════╪═══════════════════╪═══════════════╪══════════════════╪═══════════════╪════════════╪═════════╪═══════╪═════════════════════════╡
│ RED  ┆ 10.00             ┆ 4.00          ┆ 3.50             ┆ 1.48          ┆ -2.02      ┆ 2       ┆ 3     ┆ 3: 1, 3; 1: 1           │
└──────┴───────────────────┴───────────────┴──────────────────┴───────────────┴────────────┴─────────┴───────┴─────────────────────────┘
┌─────────────────────────┬───────┬────────┬────────────┬─────────┐
│ amount                  ┆ route ┆ shadow ┆ difference ┆ baskets │
╞═════════════════════════╪═══════╪════════╪════════════╪═════════╡
│ item_tax.taxable_amount ┆ 35.00 ┆ 37.02  ┆ 2.02       ┆ 2       │
│ item_tax.total_tax      ┆ 3.50  ┆ 1.48   ┆ -2.02      ┆ 2       │
│ total_tax               ┆ 7.70  ┆ 5.68   ┆ -2.02      ┆ 2       │
│ total_taxable_amount    ┆ 55.00 ┆ 57.02  ┆ 2.02       ┆ 2       │
└─────────────────────────┴───────┴────────┴────────────┴─────────┘
";

const NOT_READY: &str = "not ready to move to http: 3 of 5 required baskets compared since the last change of the tax \
                         table or tax settings, 2 different\n";

/// The counts of baskets that the other route evaluated again: compared, equal, different.
fn replayed(compared: u32, equal: u32, different: u32) -> String {
    format!(
        "\
┌──────────┬───────────────┬──────────┬───────┬───────────┬────────┬─────────┐
│ route    ┆ compared with ┆ compared ┆ equal ┆ different ┆ failed ┆ dropped │
╞══════════╪═══════════════╪══════════╪═══════╪═══════════╪════════╪═════════╡
│ embedded ┆ http          ┆ {compared}        ┆ {equal}     ┆ {different}         ┆ 0      ┆ 0       │
└──────────┴───────────────┴──────────┴───────┴───────────┴────────┴─────────┘
"
    )
}

/// The differences of two baskets of a file.
const OF_FILE: &str = "\
┌──────┬───────────────────┬───────────────┬──────────────────┬───────────────┬────────────┬─────────┬───────┬─────────────────────────┐
│ code ┆ rate of the route ┆ of the shadow ┆ tax of the route ┆ of the shadow ┆ difference ┆ baskets ┆ items ┆ first baskets and items │
╞══════╪═══════════════════╪═══════════════╪══════════════════╪═══════════════╪════════════╪═════════╪═══════╪═════════════════════════╡
│ RED  ┆ 10.00             ┆ 4.00          ┆ 1.00             ┆ 0.42          ┆ -0.58      ┆ 1       ┆ 1     ┆ line 1: 1               │
└──────┴───────────────────┴───────────────┴──────────────────┴───────────────┴────────────┴─────────┴───────┴─────────────────────────┘
┌─────────────────────────┬───────┬────────┬────────────┬─────────┐
│ amount                  ┆ route ┆ shadow ┆ difference ┆ baskets │
╞═════════════════════════╪═══════╪════════╪════════════╪═════════╡
│ item_tax.taxable_amount ┆ 10.00 ┆ 10.58  ┆ 0.58       ┆ 1       │
│ item_tax.total_tax      ┆ 1.00  ┆ 0.42   ┆ -0.58      ┆ 1       │
│ total_tax               ┆ 1.00  ┆ 0.42   ┆ -0.58      ┆ 1       │
│ total_taxable_amount    ┆ 10.00 ┆ 10.58  ┆ 0.58       ┆ 1       │
└─────────────────────────┴───────┴────────┴────────────┴─────────┘
";

/// The arguments of a command that names its actor.
const BY: [&str; 4] = ["--actor", "ana", "--reason", "ticket 12"];

fn import(host: &Host, table: &str) {
    std::fs::create_dir_all(host.data()).expect("a folder");
    let file = host.data().join("table.csv");
    std::fs::write(&file, table).expect("a file");
    let file = file.display().to_string();
    command(
        host,
        &["tax", "import", &file, "--store", STORE, "--replace"],
    );
}

fn add_store(host: &Host) {
    std::fs::create_dir_all(host.data()).expect("a folder");
    let file = host.data().join("stores.csv");
    std::fs::write(&file, STORES).expect("a file");
    command(host, &["stores", "import", &file.display().to_string()]);
}

/// A tax service: a host with the role `tax`, a database and a table of its own. Its callers have no credentials.
async fn service(folder: &Path, table: &str) -> Host {
    let settings = [
        "tax.server.http_listen=127.0.0.1:0",
        "tax.server.identity.name=tax-network",
        "tax.server.identity.stores=[\"tax-1\"]",
    ];
    let mut service = host(folder, Database::Sqlite, &settings);
    service.role("tax");
    add_store(&service);
    import(&service, table);
    service.start().await;
    service
}

fn set(host: &Host, arguments: &[&str]) -> String {
    let set = ["tax", "settings", "set", "--store", STORE];
    command(host, &[&set, arguments, &BY].concat())
}

/// Runs a command that fails, and returns its error.
#[track_caller]
fn refused(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).expect("text")
}

/// Standard output of a command that succeeds.
#[track_caller]
fn shown(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn report(host: &Host, arguments: &[&str]) -> Value {
    let compare = ["tax", "compare", "--store", STORE, "--json"];
    let text = shown(host, &[&compare, arguments].concat());
    serde_json::from_str(&text).expect("JSON")
}

/// The items are numbered from 1.
fn basket(items: &[(&str, &str)]) -> Value {
    let items = (1..).zip(items).map(|(number, (amount, code))| {
        json!({"item_id": number.to_string(), "total_amount": amount, "tax_code": code})
    });
    json!({"store_data": {"store_id": STORE}, "items": items.collect::<Vec<_>>()})
}

/// Status, route, fallback and tax.
async fn evaluated(host: &Host, basket: &Value) -> String {
    let sent = host.send("POST", "/v1/taxes/evaluate", "k", basket).await;
    let (status, body) = sent.expect("an answer");
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    match status {
        200 => format!(
            "{} {} {}",
            text("route"),
            body["fallback"],
            text("total_tax")
        ),
        status => format!("{status} {}: {}", text("code"), text("detail")),
    }
}

/// Waits until at least this many baskets were compared since the last change of the settings, and returns the counts.
async fn compared(host: &Host, baskets: u64) -> Value {
    let begun = Instant::now();
    loop {
        let path = format!("/v1/stores/{STORE}/tax-comparisons?limit=1");
        let page = host.get(&path).await.expect("comparisons");
        let counts = &page["summary"]["readiness"];
        if counts["compared"].as_u64() >= Some(baskets) {
            return counts.clone();
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{page:#}\n{}",
            host.log()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Tables and errors of the commands, word for word.
async fn a_shadow_shows_what_a_move_would_change(database: Database) {
    let folders = tempfile::tempdir().expect("a folder");
    let newer = service(&folders.path().join("newer"), &altered()).await;
    let settings = ["tax.move.baskets=5", "tax.shadow.sample=1"];
    let mut host = host(&folders.path().join("host"), database, &settings);
    host.set(&format!(
        "tax.http.address=http://{}",
        address(&newer, "http")
    ));
    add_store(&host);
    import(&host, TABLE);
    host.start().await;
    let changed = set(&host, &["--shadow", "http"]);
    assert_eq!(changed, "store tax-1: shadow none to http\n");
    let first = basket(&[("11.00", "RED"), ("12.10", "STD")]);
    assert_eq!(evaluated(&host, &first).await, "embedded false 3.10");
    compared(&host, 1).await;
    assert_eq!(
        evaluated(&host, &basket(&[("10.40", "SUPER")])).await,
        "embedded false 0.40"
    );
    compared(&host, 2).await;
    let third = basket(&[("5.50", "RED"), ("12.10", "STD"), ("22.00", "RED")]);
    assert_eq!(evaluated(&host, &third).await, "embedded false 4.60");
    compared(&host, 3).await;

    let compare = ["tax", "compare", "--store", STORE];
    let expected = [COMPARED, DIFFERENCES, NOT_READY].concat();
    assert_eq!(shown(&host, &compare), expected);
    let to_http = ["tax", "move", "--store", STORE, "--to", "http"];
    let expected = "\
        galleria: store tax-1 cannot move from embedded to http: 2 of 3 compared baskets differ, and 3 of 5 required \
        baskets were compared with http, since the last change of its tax table or tax settings. `galleria tax compare \
        --store tax-1` shows the comparisons; `force` with a reason moves it nevertheless\n";
    assert_eq!(refused(&host, &to_http), expected);
    let json = report(&host, &[]);
    let row = json!({
        "tax_code": "RED", "route_percent": "10.00", "shadow_percent": "4.00", "route_amount": "3.50",
        "shadow_amount": "1.48", "difference": "-2.02", "baskets": 2, "items": 3,
        "examples": [{"basket": "3", "items": ["1", "3"]}, {"basket": "1", "items": ["1"]}],
    });
    let differences = &json["differences"];
    assert_eq!(
        (&differences["taxes"], &differences["baskets"]),
        (&json!([row]), &json!(2))
    );
    assert_eq!(
        (&differences["rejected"], &differences["failed"]),
        (&json!([]), &json!([]))
    );
    let counts = json!({"route": "embedded", "shadow": "http", "compared": 3, "equal": 1, "different": 2, "failed": 0,
        "dropped": 0});
    assert_eq!(json["routes"], json!([counts]));
    assert_eq!(
        (&json["readiness"]["ready"], &json["readiness"]["required"]),
        (&json!(false), &json!(5))
    );
    replays(&host, &newer, folders.path());

    let forced = [&to_http[..], &["--keep-shadow", "--force"]].concat();
    let error = refused(&host, &forced);
    assert!(
        error.contains("not provided:\n  --reason <REASON>"),
        "{error}"
    );
    let error = refused(&host, &[&forced[..], &["--reason", " "]].concat());
    assert!(
        error.contains("reason: must not be empty if `force` is set"),
        "{error}"
    );
    let moved = command(&host, &[&forced[..], &BY].concat());
    let expected = "\
        store tax-1 moved from embedded to http, with the shadow embedded: 3 baskets compared, 2 different\n\
        the move was forced\n";
    assert_eq!(moved, expected);
    assert_eq!(evaluated(&host, &first).await, "http false 2.52");
    // The comparison continues the other way round.
    let counts = compared(&host, 1).await;
    assert_eq!(
        (&counts["route"], &counts["shadow"], &counts["different"]),
        (&json!("http"), &json!("embedded"), &json!(1))
    );
    let log = host
        .get("/v1/operations?action=tax_move")
        .await
        .expect("a log");
    let log = log["operations"].as_array().expect("operations");
    assert_eq!(log.len(), 1);
    let operation = &log[0];
    assert_eq!(
        [
            &operation["actor"],
            &operation["reason"],
            &operation["subject"]
        ],
        ["ana", "ticket 12", "store tax-1"]
    );
    let (before, after) = (&operation["before"], &operation["after"]);
    assert_eq!(
        (&before["route"], &before["shadow"]),
        (&json!("embedded"), &json!("http"))
    );
    assert_eq!(
        (&after["route"], &after["shadow"]),
        (&json!("http"), &json!("embedded"))
    );
    assert_eq!(after["forced"], true);
    assert_eq!(
        after["comparison"],
        json!({"compared": 3, "equal": 1, "different": 2, "failed": 0, "dropped": 0})
    );
    old_comparisons_are_removed(&mut host).await;
}

/// Recorded baskets, and those of a file, are evaluated by the other route now.
fn replays(host: &Host, newer: &Host, folder: &Path) {
    let with_http = ["tax", "compare", "--store", STORE, "--with", "http"];
    assert_eq!(shown(host, &with_http), replayed(3, 1, 2) + DIFFERENCES);
    import(newer, TABLE);
    assert_eq!(shown(host, &with_http), replayed(3, 3, 0));
    import(newer, &altered());

    let with_grpc = ["tax", "compare", "--store", STORE, "--with", "grpc"];
    assert_eq!(
        refused(host, &with_grpc),
        "galleria: --with grpc: this host has no address of the tax service grpc: set tax.grpc.address\n"
    );
    let blank = [
        "tax", "settings", "delete", "--store", STORE, "--reason", " ",
    ];
    let error = refused(host, &blank);
    assert!(error.contains("must not be blank: state why"), "{error}");

    let file = folder.join("baskets.jsonl");
    let lines = [
        basket(&[("11.00", "RED")]).to_string(),
        String::new(),
        basket(&[("12.10", "STD")]).to_string(),
        "{\"store_data\": {}".to_owned(),
    ];
    std::fs::write(&file, lines.join("\n")).expect("a file");
    let file = file.display().to_string();
    let output = host.run(&[&with_http[..], &["--baskets", &file]].concat());
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert!(!output.status.success(), "an invalid line");
    assert_eq!(stdout, replayed(2, 1, 1) + OF_FILE);
    let expected = "FILE: line 4, column 17: missing field `store_id`\n";
    assert_eq!(stderr.replace(&file, "FILE"), expected);
}

/// The host removes comparisons and counts that are older than 30 days when it starts.
async fn old_comparisons_are_removed(host: &mut Host) {
    let db = Db::open(&host.database()).await.expect("the database");
    let records: &dyn Records = &db;
    let filter = ComparisonFilter {
        store_id: STORE.into(),
        since: Timestamp::UNIX_EPOCH,
        outcome: None,
    };
    let list = async |filter: &ComparisonFilter| {
        let filter = filter.clone();
        let read = records.read(in_tx!(|tx, filter| {
            let first = ComparisonCount::day_of(Timestamp::UNIX_EPOCH);
            let rows = tx.tax_comparison_list(&filter, None, 100).await?;
            Ok((
                rows,
                tx.tax_comparison_count_list(&filter.store_id, first)
                    .await?,
            ))
        }));
        read.await.expect("comparisons")
    };
    let (rows, counts) = list(&filter).await;
    let mut old = rows[0].1.clone();
    old.at -= Span::new().hours(31 * 24);
    let count = ComparisonCount {
        terms: old.terms.clone(),
        day: ComparisonCount::day_of(old.at),
        outcome: ShadowOutcome::Different,
        baskets: 7,
        recorded: 1,
    };
    assert_eq!(old.terms.route, TaxRoute::Http);
    let write = records.write(in_tx!(|tx, old, count| {
        tx.tax_comparison_insert_many(&[old]).await?;
        tx.tax_comparison_count_add(&count).await
    }));
    write.await.expect("an old comparison");
    let (more, _) = list(&filter).await;
    assert_eq!(more.len(), rows.len() + 1);
    host.stop();
    host.start().await;
    let begun = Instant::now();
    loop {
        let left = list(&filter).await;
        if left.0.len() == rows.len() {
            assert_eq!(left, (rows, counts));
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
