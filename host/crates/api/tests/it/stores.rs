//! Import of stores: thousands at once, all or none, with the rules of a single store.

use crate::host::Host;
use crate::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

on_both!(
    thousands_of_stores_are_imported_once,
    forty_invalid_cells_are_reported_together_and_nothing_changes,
    a_bound_caller_imports_only_within_its_reach,
    columns_have_any_order_and_files_are_limited,
);

const IMPORT: &str = "/v1/stores/import";
const HEADER: &str = "id,external_id,retailer,store_type,country,currency,minor_digits,zone,day_starts,attribute:region\n";

fn row(n: usize, currency: &str, region: &str) -> String {
    format!("m-{n:04},{n:04},example,scan-and-go,ES,{currency},2,Europe/Madrid,04:00,{region}\n")
}

fn file(count: usize, region: &str) -> String {
    let rows = (0..count).map(|n| row(n, "EUR", region));
    HEADER.to_owned() + &rows.collect::<String>()
}

async fn import(host: &Host, key: &str, text: &str) -> crate::host::Answer {
    host.upload(IMPORT, key, "text/csv", text).await
}

/// Every store, page by page.
async fn all(host: &Host) -> Vec<Value> {
    let (mut stores, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/stores?limit=1000&after={after}");
        let page = host.get(&path).await.expect(200);
        stores.extend(page["stores"].as_array().expect("stores").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return stores,
        }
    }
}

async fn operations(host: &Host) -> Vec<Value> {
    let log = host.get("/v1/operations?subject=stores").await.expect(200);
    log["operations"].as_array().expect("a list").clone()
}

async fn thousands_of_stores_are_imported_once(stage: &Stage) {
    let host = stage.host().await;
    let text = file(3000, "north");
    let path = format!("{IMPORT}?dry_run=true");
    let dry = host.upload(&path, "dry", "text/csv", &text).await;
    let counts = |added: u64, changed: u64, unchanged: u64| {
        json!({ "dry_run": false, "rows": added + changed + unchanged,
            "added": added, "changed": changed, "unchanged": unchanged })
    };
    assert_eq!(dry.expect(200)["added"], 3000);
    assert_eq!(all(&host).await.len(), 0);
    assert_eq!(
        operations(&host).await.len(),
        0,
        "a dry run is not recorded"
    );

    let path = format!("{IMPORT}?reason=a%20new%20chain");
    let first = host.upload(&path, "k", "text/csv", &text).await;
    assert_eq!(first.expect(200), counts(3000, 0, 0));
    let again = host.upload(&path, "k", "text/csv", &text).await;
    assert!(again.replayed());
    assert_eq!(again.text, first.text);
    let other = host.upload(&path, "k", "text/csv", &file(1, "")).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let stores = all(&host).await;
    assert_eq!(stores.len(), 3000);
    let wanted = json!({
        "id": "m-0042", "external_id": "0042", "retailer": "example", "store_type": "scan-and-go",
        "country": "ES", "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
        "day_starts_minute": 240, "attributes": [{ "name": "region", "value": "north" }],
    });
    assert_eq!(stores[42], wanted);

    // A row replaces the whole store: an attribute without a value is removed.
    let mut some = HEADER.to_owned();
    some += &row(1, "EUR", "north");
    some += &row(2, "EUR", "");
    some += &row(3000, "EUR", "south");
    assert_eq!(
        import(&host, "some", &some).await.expect(200),
        counts(1, 1, 1)
    );
    let second = host.get("/v1/stores/m-0002").await.expect(200);
    assert_eq!(second["attributes"], json!([]));
    let log = operations(&host).await;
    let log: Vec<_> = log
        .iter()
        .map(|one| (&one["actor"], &one["reason"], &one["after"]))
        .collect();
    let (actor, reason) = (json!("test-admin"), json!("a new chain"));
    let (first, second) = (counts(3000, 0, 0), counts(1, 1, 1));
    assert_eq!(
        log,
        [(&actor, &json!(""), &second), (&actor, &reason, &first)]
    );

    let step = HEADER.replace("attribute:region", "cash_step") + &row(7, "EUR", "0.05");
    assert_eq!(
        import(&host, "step", &step).await.expect(200),
        counts(0, 1, 0)
    );
    let store = host.get("/v1/stores/m-0007").await.expect(200);
    assert_eq!(store["cash_step"], "0.05");
    let back = format!("{HEADER}{}", row(7, "EUR", "north"));
    assert_eq!(
        import(&host, "no-step", &back).await.expect(200),
        counts(0, 1, 0)
    );
    host.stop().await;
}

async fn forty_invalid_cells_are_reported_together_and_nothing_changes(stage: &Stage) {
    let host = stage.host().await;
    import(&host, "before", &file(30, "north"))
        .await
        .expect(200);
    let before = all(&host).await;
    let mut text = HEADER.to_owned();
    let mut wanted = Vec::new();
    // A valid row, ten stores with another currency, and thirty rows with an invalid cell.
    text += &row(5000, "EUR", "south");
    for n in 0..10 {
        text += &row(n, "DKK", "south");
        wanted.push((n + 3, "currency"));
    }
    let wrong = [
        (
            "day_starts",
            "x-{n},e,example,t,ES,EUR,2,Europe/Madrid,25:00,r",
        ),
        (
            "minor_digits",
            "x-{n},e,example,t,ES,EUR,9,Europe/Madrid,,r",
        ),
        ("zone", "x-{n},e,example,t,ES,EUR,2,Mars/Olympus,,r"),
        ("country", "x-{n},e,example,t,Spain,EUR,2,Europe/Madrid,,r"),
        ("retailer", "x-{n},e,.,t,ES,EUR,2,Europe/Madrid,,r"),
        ("store_type", "x-{n},e,example,,ES,EUR,2,Europe/Madrid,,r"),
        (
            "attribute:region",
            "x-{n},e,example,t,ES,EUR,2,Europe/Madrid,,a\u{7f}b",
        ),
        ("id", "m-0000,e,example,t,ES,EUR,2,Europe/Madrid,,r"),
        // The first of the missing columns.
        ("store_type", "x-{n},e,example"),
        ("external_id", "x-{n},,example,t,ES,EUR,2,Europe/Madrid,,r"),
    ];
    for n in 0..30 {
        let (column, line) = wrong[n % wrong.len()];
        writeln!(text, "{}", line.replace("{n}", &n.to_string())).expect("text");
        wanted.push((n + 13, column));
    }
    let rejected = import(&host, "wrong", &text).await;
    assert_eq!(rejected.code(), "file_refused");
    let body = rejected.json();
    assert_eq!(body["detail"], "40 invalid cells: nothing was imported.");
    let mut reported: Vec<(usize, &str)> = Vec::new();
    for error in body["errors"].as_array().expect("a list") {
        let row = error["row"].as_u64().expect("a row");
        let row = usize::try_from(row).expect("a row");
        reported.push((row, error["field"].as_str().expect("a column")));
    }
    reported.sort_unstable();
    assert_eq!(reported, wanted);
    assert_eq!(all(&host).await, before);
    assert_eq!(operations(&host).await.len(), 1);
    // A rejected request does not use up its key.
    import(&host, "wrong", &single_row(5000)).await.expect(200);
    host.stop().await;
}

fn single_row(n: usize) -> String {
    HEADER.to_owned() + &row(n, "EUR", "south")
}

async fn a_bound_caller_imports_only_within_its_reach(stage: &Stage) {
    let host = stage.host().await;
    import(&host, "before", &file(2, "north")).await.expect(200);
    let send = async |bearer: &str, key: &str, text: &str| {
        let request = host
            .request(Method::POST, IMPORT)
            .header("Idempotency-Key", key)
            .header("Content-Type", "text/csv")
            .header("authorization", format!("Bearer operator;{bearer}"));
        host.send(request.body(text.to_owned())).await
    };
    let foreign = file(3, "south").replace(",example,", ",other,");
    let rejected = send("retailers=other", "1", &foreign).await;
    assert_eq!(rejected.code(), "not_found");
    let problem = rejected.json();
    assert_eq!(
        problem["detail"],
        "2 rows are out of reach: nothing was imported."
    );
    assert_eq!(problem["errors"][1]["row"], 3);
    assert!(!rejected.text.contains("example"), "{}", rejected.text);
    assert_eq!(all(&host).await.len(), 2);
    // A caller bound to a store may replace it, but not add another store.
    let own = single_row(1);
    send("stores=m-0001", "2", &own).await.expect(200);
    assert_eq!(
        send("stores=m-0001", "3", &single_row(2)).await.code(),
        "not_found"
    );
    let whole_file = file(3, "west");
    let done = send("retailers=example", "4", &whole_file)
        .await
        .expect(200);
    assert_eq!((&done["added"], &done["changed"]), (&json!(1), &json!(2)));
    assert_eq!(operations(&host).await[0]["actor"], "test-operator");
    host.stop().await;
}

async fn columns_have_any_order_and_files_are_limited(stage: &Stage) {
    let host = stage.host().await;
    let header = "id,external_id,retailer,store_type,country,currency,minor_digits,zone\r";
    let rejected = import(&host, "header", header).await;
    assert_eq!(rejected.code(), "file_refused");
    let message = rejected.json()["errors"][0]["message"].to_string();
    assert!(message.contains("must contain rows"), "{message}");
    let consent = format!(
        "{IMPORT}{}allow_empty=true",
        if IMPORT.contains('?') { '&' } else { '?' }
    );
    let empty = host.upload(&consent, "consent", "text/csv", header).await;
    assert_eq!(empty.expect(200)["rows"], 0);
    let lines = format!("{header}\"a\rb\",\"x\"y,example,t,ES,EUR,2,Europe/Madrid");
    let rejected = import(&host, "quote", &lines).await.json();
    assert_eq!(
        (
            &rejected["errors"][0]["row"],
            &rejected["errors"][0]["field"]
        ),
        (&json!(2), &json!("external_id"))
    );
    let text = "\u{feff}Zone;attribute:Floor;id;Attribute:area;currency;minor_digits;retailer;country;\
         store_type;external_id\r\nEurope/Paris;2;lyon;\"1;200\";EUR;2;example;FR;kiosk;7\r\n";
    import(&host, "1", text).await.expect(200);
    let store = host.get("/v1/stores/lyon").await.expect(200);
    assert_eq!(store["day_starts_minute"], 0);
    let attributes = json!([
        { "name": "Floor", "value": "2" }, { "name": "area", "value": "1;200" },
    ]);
    assert_eq!(store["attributes"], attributes);
    let rejected = import(&host, "2", "id,zone\nlyon,Europe/Paris\n").await;
    assert_eq!(rejected.code(), "file_refused");
    assert_eq!(rejected.json()["errors"].as_array().map(Vec::len), Some(6));
    let rejected = import(&host, "3", &file(10_001, "")).await;
    let problem = rejected.json();
    assert_eq!(problem["errors"][0]["row"], 10_002, "{problem}");
    let json = host.upload(IMPORT, "4", "application/json", "[]").await;
    assert_eq!(json.code(), "unsupported_media_type");
    assert_eq!(all(&host).await.len(), 1);
    host.stop().await;
}
