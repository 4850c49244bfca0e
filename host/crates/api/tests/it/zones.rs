//! Time zones and business dates over HTTP.

use crate::host::{Host, order, payment};
use crate::stage::Stage;
use galleria_domain::Store;
use galleria_ports::in_tx;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    an_unknown_zone_is_rejected_everywhere,
    a_recorded_store_with_such_a_name_works_until_it_is_corrected,
    a_business_date_never_goes_back,
);

fn store(zone: &str, day_starts_minute: u16) -> Value {
    json!({
        "external_id": "0042", "retailer": "example", "store_type": "scan-and-go", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": zone, "day_starts_minute": day_starts_minute,
    })
}

async fn put(host: &Host, key: &str, body: &Value) -> crate::host::Answer {
    host.write(Method::PUT, "/v1/stores/z1", key, body).await
}

async fn an_unknown_zone_is_rejected_everywhere(stage: &Stage) {
    let host = stage.host().await;
    let names = [
        "Factory",
        "Etc/Unknown",
        "GMT+1",
        "Etc/GMT+1",
        "CET",
        "localtime",
        "posixrules",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let rejected = put(&host, &format!("p{number}"), &store(name, 0))
            .await
            .expect(422);
        assert_eq!(rejected["errors"][0]["field"], "zone", "{name}: {rejected}");
        let header = "id,external_id,retailer,store_type,country,currency,minor_digits,zone\n";
        let file = format!("{header}z1,0042,example,t,ES,EUR,2,{name}\n");
        let path = "/v1/stores/import";
        let rejected = host
            .upload(path, &format!("i{number}"), "text/csv", &file)
            .await;
        let rejected = rejected.expect(422);
        assert_eq!(rejected["errors"][0]["field"], "zone", "{name}: {rejected}");
        assert_eq!(rejected["errors"][0]["row"], 2);
    }
    let rejected = put(&host, "case", &store("europe/madrid", 0))
        .await
        .expect(422);
    let rule = "must be an IANA time zone of the form Area/Place, such as Europe/Madrid, or UTC";
    let message = format!("{rule} (did you mean `Europe/Madrid`?)");
    assert_eq!(rejected["errors"][0]["message"], message, "{rejected}");
    for name in [
        "America/Argentina/Salta",
        "US/Pacific",
        "Asia/Calcutta",
        "UTC",
        "Etc/UTC",
    ] {
        let accepted = put(&host, name, &store(name, 0)).await.expect(200);
        assert_eq!(accepted["zone"], name);
    }
    host.stop().await;
}

async fn a_recorded_store_with_such_a_name_works_until_it_is_corrected(stage: &Stage) {
    let host = stage.host().await;
    let mut old = store("Japan", 0);
    old["id"] = json!("s1");
    let old: Store = serde_json::from_value(old).expect("a store");
    let write = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, old| tx.store_put(&old).await));
    write.await.expect("written");

    host.post("/v1/orders", "o", &order("o1")).await.expect(201);
    let mut late = payment("p1", 1210, None);
    late["at"] = json!("2026-11-24T15:30:00Z");
    let paid = host
        .post("/v1/orders/o1/payments", "p", &late)
        .await
        .expect(201);
    assert_eq!(
        paid["entry"]["business_date"], "2026-11-25",
        "00:30 in Japan"
    );
    let status = host.get("/v1/status").await.expect(200);
    let rule = "must be an IANA time zone of the form Area/Place, such as Europe/Madrid, or UTC";
    let invalid = json!([{
        "retailer": "example", "store": "s1", "field": "zone",
        "message": format!("{rule} (did you mean `Asia/Tokyo`?)"),
    }]);
    assert_eq!(status["invalid_stores"], invalid);

    let path = "/v1/stores/s1";
    let unchanged = store("Japan", 60);
    host.write(Method::PUT, path, "u", &unchanged)
        .await
        .expect(422);
    host.write(Method::PUT, path, "c", &store("Asia/Tokyo", 60))
        .await
        .expect(200);
    let status = host.get("/v1/status").await.expect(200);
    assert_eq!(status["invalid_stores"], json!([]));
    host.stop().await;
}

async fn a_business_date_never_goes_back(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    // Clocks in Madrid went back from 03:00 to 02:00 on the 25th of October 2026, at 01:00 UTC.
    let moved = store("Europe/Madrid", 150);
    host.write(Method::PUT, "/v1/stores/s1", "moved", &moved)
        .await
        .expect(200);
    let mut dates = Vec::new();
    for (number, time) in ["00:15", "00:45", "01:15", "01:45"].into_iter().enumerate() {
        let id = format!("o{number}");
        let mut sale = order(&id);
        sale["begun_at"] = json!("2026-10-25T00:00:00Z");
        host.post("/v1/orders", &id, &sale).await.expect(201);
        let mut paid = payment(&format!("p{number}"), 1210, None);
        paid["at"] = json!(format!("2026-10-25T{time}:00Z"));
        let path = format!("/v1/orders/{id}/payments");
        let paid = host
            .post(&path, &format!("p{number}"), &paid)
            .await
            .expect(201);
        assert_eq!(paid["entry"]["sequence"], number + 1);
        dates.push(paid["entry"]["business_date"].clone());
    }
    assert_eq!(
        dates,
        ["2026-10-24", "2026-10-25", "2026-10-25", "2026-10-25"]
    );
    host.stop().await;
}
