//! The doubles of the host in native tests: keys, a file, a statement, products, settlement lines.

use galleria_sdk::prelude::*;
use galleria_sdk::testkit::{self, Answer, Event, Host, RealKey, TestKey};
use serde_json::json;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::rc::Rc;

/// Serves the points whose doubles are tested.
pub struct Sample;

impl Plugin for Sample {
    type Settings = NoSettings;
}

impl OnPayment for Sample {
    fn handle(_: &Context<NoSettings>, sale: &Sale) -> Result<Decision, Fault> {
        let refused = |_| Fault::failed("refused");
        let (notes, codes) = (
            Key::open("notes").map_err(refused)?,
            Key::open("codes").map_err(refused)?,
        );
        let first = notes
            .encrypt(sale.entry.id.as_bytes(), b"")
            .map_err(refused)?;
        let second = notes
            .encrypt(sale.entry.id.as_bytes(), b"")
            .map_err(refused)?;
        let code = codes.mac(b"text").map_err(refused)?;
        let opened = notes.unseal(&first, b"").map_err(refused)?;
        Ok(Decision::new()
            .note("opened", String::from_utf8_lossy(&opened))
            .note("first", format!("{:?} {:?}", first.nonce, first.body))
            .note("second", format!("{:?} {:?}", second.nonce, second.body))
            .note("code", code.len().to_string()))
    }
}

impl IdentifyMember for Sample {
    fn identify(_: &Context<NoSettings>, code: &str) -> Result<Option<Member>, Fault> {
        let byte = |at: usize| u8::from_str_radix(code.get(at..at + 2)?, 16).ok();
        let body: Option<Vec<u8>> = (0..code.len()).step_by(2).map(byte).collect();
        let key = Key::open("loyalty").map_err(|_| Fault::failed("no key"))?;
        let text = body.and_then(|body| key.decrypt(None, b"", &body, b"").ok());
        Ok(text
            .and_then(|text| String::from_utf8(text).ok())
            .map(|id| Member {
                id,
                programme: "sample".into(),
                attributes: vec![],
            }))
    }
}

impl ReadStatement for Sample {
    fn run(_: &Context<NoSettings>) -> Result<Totals, Fault> {
        let input = Input::open();
        let reference = input.name();
        let mut statement = Statement::open();
        let mut rows = 0;
        for text in BufReader::new(input).lines() {
            rows += 1;
            let amount = text.ok().and_then(|text| text.parse().ok());
            statement.push(StatementLine {
                row: rows,
                gross: amount.ok_or_else(|| Fault::invalid("amount", "is not a number"))?,
                ..StatementLine::default()
            });
        }
        statement.describe(&StatementHeader {
            reference,
            ..StatementHeader::default()
        });
        statement.close();
        Ok(Totals { rows, sums: vec![] })
    }
}

impl WriteSettlement for Sample {
    fn run(_: &Context<NoSettings>, _: &Window) -> Result<Totals, Fault> {
        let mut file = Output::create("reconciliation", "a.csv", "text/csv");
        let mut rows = 0;
        for line in Settlement::open() {
            let row = format!("{} {} {}\n", line.outcome(), line.entry(), line.net());
            file.write(row.as_bytes());
            rows += 1;
        }
        file.close();
        Ok(Totals { rows, sums: vec![] })
    }
}

impl ExportCatalogue for Sample {
    fn run(_: &Context<NoSettings>, _: &Window) -> Result<Totals, Fault> {
        let mut file = Output::create("product_data", "a.csv", "text/csv");
        let mut rows = 0;
        for product in Products::open().filter(|product| product.changed()) {
            let row = format!("{} {}\n", product.sku(), product.price());
            file.write(row.as_bytes());
            rows += 1;
        }
        file.close();
        Ok(Totals { rows, sums: vec![] })
    }
}

galleria_sdk::plugin!(
    Sample: OnPayment, IdentifyMember, ReadStatement, WriteSettlement, ExportCatalogue
);

fn event(point: &str, more: serde_json::Value) -> Event {
    let mut event = json!({
        "point": point,
        "context": {
            "event_id": "event-1",
            "occurred_at": "2026-11-24T10:11:12.345+01:00",
            "business_date": "2026-11-24",
            "scope": { "retailer": "example" },
            "settings": {},
        },
        "keys": {
            "notes": { "cipher": "aes-gcm", "key": "000102030405060708090a0b0c0d0e0f" },
            "codes": { "cipher": "hmac-sha256", "key": "000102030405060708090a0b0c0d0e0f" },
            "loyalty": {
                "cipher": "aes-cbc",
                "id": "2026",
                "key": "2b7e151628aed2a6abf7158809cf4f3c",
                "iv": "000102030405060708090a0b0c0d0e0f",
            },
        },
    });
    let more = more.as_object().expect("an object").clone();
    event.as_object_mut().expect("an object").extend(more);
    serde_json::from_value(event).expect("an event")
}

fn window() -> serde_json::Value {
    json!({
        "id": "w", "first": "2026-11-24", "last": "2026-11-24",
        "as_of": "2026-11-25T00:00:00.000+00:00", "stores": 1,
    })
}

fn notes(event: &Event) -> HashMap<String, String> {
    match testkit::run::<Sample>(event).expect("served").answer {
        Answer::Decision(decision) => decision
            .notes
            .into_iter()
            .map(|note| (note.name, note.value))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn payment() -> Event {
    let sale = Sale {
        entry: Entry {
            id: "payment-1".into(),
            ..Entry::default()
        },
        ..Sale::default()
    };
    event("on-payment", json!({ "argument": sale }))
}

#[test]
fn keys_of_a_fixture_encrypt_like_the_host() {
    let found = notes(&payment());
    assert_eq!(found["opened"], "payment-1");
    assert_eq!(found["code"], "32");
    assert_ne!(
        found["first"], found["second"],
        "equal texts look different"
    );
    assert_eq!(
        found,
        notes(&payment().later_attempt()),
        "a retry seals alike"
    );
    // The host's result for the first text of this event.
    let keys = payment().keys;
    let key = keys["notes"].read().expect("a key");
    for (number, name) in [(0, "first"), (1, "second")] {
        let context = galleria_keys::NonceContext {
            event: "event-1",
            number,
        };
        let sealed = galleria_keys::encrypt(&key, context, b"payment-1", b"").expect("sealed");
        assert_eq!(found[name], format!("{:?} {:?}", sealed.nonce, sealed.body));
    }
}

#[test]
fn a_member_is_identified_by_an_encrypted_number() {
    // "member-7" with the first key of NIST SP 800-38A, F.2.1, and its IV.
    let key = event("identify-member", json!({})).keys["loyalty"]
        .read()
        .expect("a key");
    let context = galleria_keys::NonceContext {
        event: "a card",
        number: 0,
    };
    let sealed = galleria_keys::encrypt(&key, context, b"member-7", b"").expect("a code");
    let code: String = sealed
        .body
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let answer = |code: &str| {
        let event = event("identify-member", json!({ "argument": code }));
        testkit::run::<Sample>(&event).expect("served").answer
    };
    let member = json!({ "id": "member-7", "programme": "sample", "attributes": [] });
    assert_eq!(answer(&code), Answer::Value(member));
    assert_eq!(answer(&code[2..]), Answer::Value(serde_json::Value::Null));
}

#[test]
#[should_panic(expected = "the test gave no secret `loyalty`")]
fn a_missing_secret_of_a_test_is_reported() {
    _ = Host::default().within(|| Key::open("loyalty").is_ok());
}

#[test]
fn an_invalid_key_of_a_fixture_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bad = payment();
    let key = TestKey {
        key: "0001".into(),
        ..bad.keys["notes"].clone()
    };
    assert!(RealKey::new(&key, "event-1").is_err());
    bad.keys.insert("notes".into(), key);
    let text = serde_json::to_vec(&bad).expect("JSON");
    std::fs::write(folder.path().join("event.json"), text).expect("written");
    let error = Event::read(folder.path()).expect_err("no key");
    assert_eq!(
        error,
        "event.json, keys.notes: version \"1\": key has 2 bytes, AES needs 16, 24 or 32"
    );
}

#[test]
fn a_file_becomes_a_statement() {
    let mut event = event("read-statement", json!({ "input": "payout.txt" }));
    let text: String = (1..=1_500).map(|amount| format!("{amount}\n")).collect();
    event.input_bytes = text.into_bytes();
    let outcome = testkit::run::<Sample>(&event).expect("served");
    assert_eq!(outcome.statement.len(), 1_500);
    assert_eq!(outcome.statement[1_499].gross, 1_500);
    let header = outcome.statement_header.as_ref().expect("a header");
    assert_eq!(header.reference, "payout.txt");
    let files = outcome.files();
    let statement: serde_json::Value =
        serde_json::from_slice(&files["statement.json"]).expect("JSON");
    assert_eq!(statement["lines"][6]["gross"], 7);
    assert_eq!(statement["header"]["reference"], "payout.txt");
}

#[test]
#[should_panic(expected = "described its statement twice")]
fn a_statement_is_described_once() {
    Host::default().within(|| {
        let mut statement = Statement::open();
        statement.describe(&StatementHeader::default());
        statement.describe(&StatementHeader::default());
    });
}

#[test]
fn settlement_lines_and_products_are_read_to_the_end() {
    let line = |net: i64| {
        json!({
            "outcome": "matched", "kind": "payment", "provider": "example", "statement": "s",
            "paid_on": "2026-11-24", "entry": format!("e-{net}"), "booked_at": "2026-11-23",
            "currency": "EUR", "gross": net, "paid_currency": "EUR", "converted": net, "fee": 0,
            "net": net,
        })
    };
    let lines: Vec<_> = (1..=20).map(line).collect();
    let event_ = event(
        "write-settlement",
        json!({ "window": window(), "settlement": lines }),
    );
    let outcome = testkit::run::<Sample>(&event_).expect("served");
    let text = String::from_utf8_lossy(&outcome.files[0].body).into_owned();
    assert_eq!(text.lines().nth(19), Some("matched e-20 20"));

    let product = |number: i64| {
        json!({
            "sku": format!("sku-{number}"), "name": "A thing", "unit": "EA",
            "price": Decimal::new(number, 2), "currency": "EUR", "tax_code": "VAT",
            "active": true, "changed_at": "2026-11-24T10:00:00.000+01:00",
            "changed": number % 2 == 0,
        })
    };
    let products: Vec<_> = (1..=20).map(product).collect();
    let event_ = event(
        "export-catalogue",
        json!({ "window": window(), "products": products }),
    );
    let outcome = testkit::run::<Sample>(&event_).expect("served");
    let text = String::from_utf8_lossy(&outcome.files[0].body).into_owned();
    assert_eq!(text.lines().count(), 10);
    assert_eq!(text.lines().nth(9), Some("sku-20 0.20"));
}

/// A double that a test writes itself can replace a key.
struct Reverses;

impl testkit::KeyDouble for Reverses {
    fn decrypt(&self, _: Option<&str>, _: &[u8], body: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        Some(body.iter().rev().copied().collect())
    }
}

#[test]
fn a_test_can_fake_a_key() {
    let mut host = Host::default();
    host.keys.insert("any".into(), Rc::new(Reverses));
    host.within(|| {
        let key = Key::open("any").expect("given");
        assert_eq!(key.decrypt(None, b"", b"abc", b""), Ok(b"cba".to_vec()));
        assert!(key.encrypt(b"abc", b"").is_err());
    });
}

#[test]
#[should_panic(expected = "more than 64 files open")]
fn kept_files_fail_the_test() {
    Host::default().within(|| {
        let open = |number| Output::create("reports", &format!("{number}.csv"), "text/csv");
        let closed = |number| open(number).close();
        (0..100).for_each(closed);
        let _kept: Vec<_> = (100..200).map(open).collect();
    });
}
