//! Host and SDK read and write the same JSON. Fixtures depend on it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads the same JSON as the host's type and as the SDK's type, and compares what both write.
fn alike<Host, Guest>(value: Value)
where
    Host: DeserializeOwned + Serialize,
    Guest: DeserializeOwned + Serialize,
{
    let host: Host = serde_json::from_value(value.clone()).expect("the host reads it");
    let host = serde_json::to_value(host).expect("JSON");
    for given in [value, host.clone()] {
        let guest: Guest = serde_json::from_value(given).expect("the SDK reads it");
        assert_eq!(serde_json::to_value(guest).expect("JSON"), host);
    }
}

fn entry() -> Value {
    json!({
        "id": "p1", "order_id": "o1", "workstation": "1", "sequence": 1, "receipt": "1",
        "business_date": "2026-11-24", "begun_at": "b", "ended_at": "e", "currency": "EUR",
    })
}

fn decimal() -> Value {
    json!("-1.250")
}

fn tax() -> Value {
    json!({
        "code": "VAT-STD", "authority": "ES", "rate": decimal(), "taxable": 1, "amount": 2,
        "included": true, "treatment": "standard", "attributes": [{ "name": "a", "value": "b" }],
    })
}

fn line(kind: Value) -> Value {
    json!({
        "number": 1, "parent": 2, "kind": kind, "returned": true, "origin_line": 3, "sku": "4711",
        "description": "d", "quantity": decimal(), "unit": "EA", "regular_price": decimal(),
        "unit_price": decimal(), "amount": 5, "taxes": [tax()],
        "discounts": [{ "id": "1", "reason": "r", "amount": 4, "percent": decimal() }],
        "age": { "minimum": 18, "outcome": "passed", "at": "t" },
    })
}

fn sale() -> Value {
    let kinds = [
        "item",
        "deposit",
        "deposit_return",
        "service",
        "fee",
        "donation",
    ];
    let mut lines: Vec<Value> = kinds.map(|kind| line(json!(kind))).into();
    lines.push(line(json!({ "gift_card_sale": "6006***" })));
    lines.push(line(json!({ "other": "x" })));
    json!({
        "entry": entry(), "member": { "id": "m", "programme": "p" }, "lines": lines, "taxes": [tax()],
        "tenders": [{
            "number": 1, "kind": "cash", "amount": 1, "tendered": 2, "change": 1, "scheme": "visa",
            "foreign": { "currency": "USD", "amount": 3, "rate": decimal() },
        }],
        "rounding": -1, "net": 2, "gross": 3,
        "consents": [{ "subject": "s", "channel": "email", "granted": true, "wording": "1", "at": "t" }],
    })
}

fn refund(origin: Value) -> Value {
    json!({
        "entry": entry(), "origin": origin, "earlier": [entry()], "reason": "r",
        "rounding": 0, "net": 1, "gross": 1,
    })
}

fn shift() -> Value {
    json!({
        "entry": entry(), "till": "t", "opened_at": "a", "closed_at": "b", "opening_float": 1,
        "tenders": [{ "kind": "cash", "sales": 1, "refunds": 2, "count": 3 }], "paid_in": 1,
        "paid_out": 2, "pickups": 3, "expected": 4, "counted": 5, "transactions": 6,
        "net_sales": 7, "net_refunds": 8, "tax": -9,
    })
}

#[test]
fn arguments_have_the_same_json() {
    use galleria_domain as host;
    use galleria_sdk as guest;
    alike::<host::Sale, guest::Sale>(sale());
    for origin in [
        json!("none"),
        json!({ "sale": sale() }),
        json!({ "reference": entry() }),
    ] {
        alike::<host::Refund, guest::Refund>(refund(origin.clone()));
        alike::<host::FiscalMark, guest::FiscalMark>(
            json!({ "of": origin, "scheme": "mydata", "mark": "m", "issued_at": "t" }),
        );
    }
    let causes =
        ["post_void", "payment_failed", "abandoned", "suspended"].map(|cause| json!(cause));
    for cause in causes.into_iter().chain([json!({ "other": "x" })]) {
        alike::<host::Cancellation, guest::Cancellation>(
            json!({ "entry": entry(), "cause": cause, "origin": "none" }),
        );
    }
    alike::<host::Verification, guest::Verification>(
        json!({ "sale": sale(), "business_date": "2026-11-24", "cashier": "o", "outcome": "passed", "at": "t" }),
    );
    alike::<host::Shift, guest::Shift>(shift());
    alike::<host::Activity, guest::Activity>(json!({ "shift": shift() }));
    alike::<host::Activity, guest::Activity>(json!({ "refund": refund(json!("none")) }));
    alike::<host::Outgoing, guest::Outgoing>(
        json!({ "id": "1", "target": "t", "method": "POST", "path": "/", "body": "AQI=" }),
    );
    alike::<host::Reply, guest::Reply>(json!({ "status": 200 }));
    alike::<host::Window, guest::Window>(
        json!({ "id": "w", "first": "a", "last": "b", "as_of": "c", "stores": 2 }),
    );
}

#[test]
fn answers_have_the_same_json() {
    use galleria_domain as host;
    use galleria_sdk as guest;
    let document = json!({ "directory": "d", "name": "n", "media_type": "m", "body": "/w==" });
    alike::<host::Decision, guest::Decision>(json!({}));
    alike::<host::Decision, guest::Decision>(json!({
        "documents": [document],
        "publications": [{ "topic": "t", "key": "k", "data": "{}" }],
        "requests": [{ "id": "1", "target": "t", "method": "POST", "path": "/" }],
        "receipts": [{ "template": "t", "locale": "es-ES", "document": document }],
        "notes": [{ "name": "a", "value": "b" }],
    }));
    alike::<host::Totals, guest::Totals>(json!({ "rows": 3 }));
    let problems =
        json!([{ "row": 2, "field": "f", "message": "m" }, { "field": "f", "message": "m" }]);
    for fault in [
        json!({ "invalid": problems }),
        json!({ "misconfigured": problems }),
        json!({ "retry": { "seconds": 3, "reason": "r" } }),
        json!({ "failed": "f" }),
    ] {
        alike::<host::Fault, guest::Fault>(fault);
    }
}

/// The host stores one field of a store that the contract does not have.
#[test]
fn a_store_of_the_host_is_a_store_of_the_contract() {
    let store = json!({ "store": {
        "id": "s1", "external_id": "0042", "retailer": "r", "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid", "day_starts_minute": 240,
    } });
    let host: galleria_domain::Scope = serde_json::from_value(store).expect("the host reads it");
    let mut host = serde_json::to_value(host).expect("JSON");
    let guest: galleria_sdk::Scope =
        serde_json::from_value(host.clone()).expect("the SDK reads it");
    let fields = host["store"].as_object_mut().expect("an object");
    fields
        .remove("day_starts_minute")
        .expect("the host's own field");
    assert_eq!(serde_json::to_value(guest).expect("JSON"), host);
    assert_eq!(
        serde_json::to_value(galleria_sdk::Scope::Retailer("r".into())).expect("JSON"),
        json!({ "retailer": "r" })
    );
}
