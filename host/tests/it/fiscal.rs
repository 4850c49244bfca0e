//! A fiscal mark, from HTTP to a real guest, which decides once.

use crate::configuration::{ASKS, retailer};
use crate::host::{Database, Host};
use crate::misbehaving::sell;
use serde_json::{Value, json};

pub async fn mark(host: &Host, key: &str, order: &str, mark: &str) -> (u16, Value) {
    let body = json!({ "scheme": "mydata", "mark": mark, "issued_at": "2026-11-24T10:01:00Z" });
    let path = format!("/v1/fiscal-records/{order}/marks");
    host.send("POST", &path, key, &body).await.expect("sent")
}

/// The files that the guest wrote about marks.
fn written(host: &Host) -> Vec<String> {
    let files = host.files().into_iter();
    let marks = files.filter(|(name, _)| name.contains("/mark-"));
    marks
        .map(|(_, text)| String::from_utf8_lossy(&text).into_owned())
        .collect()
}

on_both!(a_mark_reaches_the_guest_once);

async fn a_mark_reaches_the_guest_once(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let slot = format!(
        "[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Decide\"\n"
    );
    let mut host = retailer(folder.path(), ASKS, &slot).on(database);
    host.start().await;
    let store = json!({
        "external_id": "7", "retailer": "corner", "store_type": "kiosk", "country": "GR",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Athens",
    });
    host.send("PUT", "/v1/stores/athens", "store", &store)
        .await
        .expect("sent");
    // One mark arrives before its order, one after its payment.
    let (status, early) = mark(&host, "1", "athens-1", "400001").await;
    assert_eq!(
        (status, &early["state"]),
        (201, &json!("early")),
        "{early:#}"
    );
    for n in [1, 2] {
        sell(&host, "athens", n).await;
    }
    let (status, result) = mark(&host, "2", "athens-2", "400002").await;
    assert_eq!(
        (status, &result["state"]),
        (201, &json!("applied")),
        "{result:#}"
    );
    host.settle().await;
    let wanted = [
        "mydata 400001 of sale w1-000001 at 2026-11-24T12:01:00.000+02:00",
        "mydata 400002 of sale w1-000002 at 2026-11-24T12:01:00.000+02:00",
    ];
    assert_eq!(written(&host), wanted);

    // A repetition and a second mark: the guest gets neither.
    let (status, again) = mark(&host, "3", "athens-2", "400002").await;
    assert_eq!((status, again), (201, result));
    let (status, other) = mark(&host, "4", "athens-2", "400003").await;
    assert_eq!((status, &other["code"]), (409, &json!("mark_conflict")));
    host.kill();
    host.start().await;
    host.settle().await;
    assert_eq!(written(&host), wanted);
    let seen = host
        .get("/v1/fiscal-records?state=conflict")
        .await
        .expect("a list");
    assert_eq!(seen["records"][0]["order_id"], "athens-2");
    let journal = host
        .get("/v1/orders/athens-1/journal")
        .await
        .expect("a journal");
    assert!(
        journal.to_string().contains("mark:athens-1:400001"),
        "{journal:#}"
    );
}
