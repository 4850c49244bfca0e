//! Stores from a file, over HTTP: thousands at once, all or none, each under the rule of a single one.

use crate::host::Host;
use crate::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

on_both!(
    thousands_come_at_once_and_only_once,
    forty_wrong_cells_are_told_together_and_nothing_changes,
    a_bound_caller_imports_what_it_reaches_and_no_more,
    columns_stand_in_any_order_and_a_file_is_bounded,
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

/// Every store there is, by pages.
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
    let told = host.get("/v1/operations?subject=stores").await.expect(200);
    told["operations"].as_array().expect("a list").clone()
}

async fn thousands_come_at_once_and_only_once(stage: &Stage) {
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
    assert_eq!(operations(&host).await.len(), 0, "looking is no operation");

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

    // Replaced are those that differ: also an attribute that the file says nothing of.
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
    let done = operations(&host).await;
    let told: Vec<_> = done
        .iter()
        .map(|one| (&one["actor"], &one["reason"], &one["after"]))
        .collect();
    let (who, why) = (json!("test-admin"), json!("a new chain"));
    let (first, second) = (counts(3000, 0, 0), counts(1, 1, 1));
    assert_eq!(told, [(&who, &json!(""), &second), (&who, &why, &first)]);
    host.stop().await;
}

async fn forty_wrong_cells_are_told_together_and_nothing_changes(stage: &Stage) {
    let host = stage.host().await;
    import(&host, "before", &file(30, "north"))
        .await
        .expect(200);
    let before = all(&host).await;
    let mut text = HEADER.to_owned();
    let mut wanted = Vec::new();
    // A row that is right, ten stores of another currency, and thirty rows with a wrong cell.
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
        ("row", "x-{n},e,example"),
        ("external_id", "x-{n},,example,t,ES,EUR,2,Europe/Madrid,,r"),
    ];
    for n in 0..30 {
        let (column, line) = wrong[n % wrong.len()];
        writeln!(text, "{}", line.replace("{n}", &n.to_string())).expect("text");
        wanted.push((n + 13, column));
    }
    let refused = import(&host, "wrong", &text).await;
    assert_eq!(refused.code(), "file_refused");
    let body = refused.json();
    assert_eq!(body["detail"], "40 cells are wrong: nothing was imported.");
    let mut told: Vec<(usize, &str)> = Vec::new();
    for error in body["errors"].as_array().expect("a list") {
        let row = error["row"].as_u64().expect("a row");
        let row = usize::try_from(row).expect("a row");
        told.push((row, error["field"].as_str().expect("a column")));
    }
    told.sort_unstable();
    assert_eq!(told, wanted);
    assert_eq!(all(&host).await, before);
    assert_eq!(operations(&host).await.len(), 1);
    // A request that was refused keeps no key.
    import(&host, "wrong", &row_alone(5000)).await.expect(200);
    host.stop().await;
}

fn row_alone(n: usize) -> String {
    HEADER.to_owned() + &row(n, "EUR", "south")
}

async fn a_bound_caller_imports_what_it_reaches_and_no_more(stage: &Stage) {
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
    let theirs = file(3, "south").replace(",example,", ",other,");
    let refused = send("retailers=other", "1", &theirs).await;
    assert_eq!(refused.code(), "not_found");
    let told = refused.json();
    assert_eq!(
        told["detail"],
        "2 rows are out of reach: nothing was imported."
    );
    assert_eq!(told["errors"][1]["row"], 3);
    assert!(!refused.text.contains("example"), "{}", refused.text);
    assert_eq!(all(&host).await.len(), 2);
    // A store of its own may be replaced, and a new one belongs to a retailer.
    let own = row_alone(1);
    send("stores=m-0001", "2", &own).await.expect(200);
    assert_eq!(
        send("stores=m-0001", "3", &row_alone(2)).await.code(),
        "not_found"
    );
    let all_of_it = file(3, "west");
    let done = send("retailers=example", "4", &all_of_it).await.expect(200);
    assert_eq!((&done["added"], &done["changed"]), (&json!(1), &json!(2)));
    assert_eq!(operations(&host).await[0]["actor"], "test-operator");
    host.stop().await;
}

async fn columns_stand_in_any_order_and_a_file_is_bounded(stage: &Stage) {
    let host = stage.host().await;
    let text = "\u{feff}Zone;attribute:Floor;id;Attribute:area;currency;minor_digits;retailer;country;\
         store_type;external_id\r\nEurope/Paris;2;lyon;\"1;200\";EUR;2;example;FR;kiosk;7\r\n";
    import(&host, "1", text).await.expect(200);
    let store = host.get("/v1/stores/lyon").await.expect(200);
    assert_eq!(store["day_starts_minute"], 0);
    let attributes = json!([
        { "name": "Floor", "value": "2" }, { "name": "area", "value": "1;200" },
    ]);
    assert_eq!(store["attributes"], attributes);
    let refused = import(&host, "2", "id,zone\nlyon,Europe/Paris\n").await;
    assert_eq!(refused.code(), "file_refused");
    assert_eq!(refused.json()["errors"].as_array().map(Vec::len), Some(6));
    let refused = import(&host, "3", &file(10_001, "")).await;
    let told = refused.json();
    assert_eq!(told["errors"][0]["row"], 10_002, "{told}");
    let json = host.upload(IMPORT, "4", "application/json", "[]").await;
    assert_eq!(json.code(), "unsupported_media_type");
    assert_eq!(all(&host).await.len(), 1);
    host.stop().await;
}
