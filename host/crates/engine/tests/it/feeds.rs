//! The feeds of settlement lines and products: every column arrives.

use crate::kit::{Files, LIMITS, Rows};
use crate::runs::run_point;
use engine_guests::Behaviour;
use galleria_domain::plugin::Limits;
use galleria_domain::{Decimal, Window};
use galleria_ports::plugins::{CatalogueRow, SettlementRow, Stream, Streams};

fn copied_file(behaviour: Behaviour, mut streams: Streams, point: fn(Window) -> Stream) -> String {
    let files = Files::default();
    streams.output = Some(Box::new(files.clone()));
    let limits = Limits {
        cpu_ms: 5_000,
        output_bytes: 4 << 20,
        ..LIMITS
    };
    let called = run_point(behaviour, limits, streams, point);
    assert_eq!(called.outcome.expect("totals").rows, 5_000);
    let files = files.0.lock().expect("no panic");
    String::from_utf8(files[0].1.clone()).expect("text")
}

pub fn settlement() {
    let row = |number: i64| SettlementRow {
        outcome: "matched".into(),
        kind: "payment".into(),
        provider: "example".into(),
        account: "example-se".into(),
        statement: "payout-ä".into(),
        paid_on: "2026-11-24".into(),
        store: "0042".into(),
        business_date: "2026-11-20".into(),
        entry: format!("payment-{number}"),
        psp_reference: "psp".into(),
        merchant_reference: String::new(),
        booked_at: "2026-11-21".into(),
        currency: "SEK".into(),
        gross: 1_000 + number,
        paid_currency: "EUR".into(),
        converted: 100,
        fee: 3,
        net: 97,
        difference: -1,
    };
    let streams = Streams {
        settlement: Some(Box::new(Rows::new((1..=5_000).map(row).collect()))),
        ..Streams::default()
    };
    let text = copied_file(Behaviour::CopySettlement, streams, Stream::Settlement);
    assert_eq!(
        text.lines().nth(4_999),
        Some(
            "matched;payment;example;example-se;payout-ä;2026-11-24;0042;2026-11-20;payment-5000;psp;;2026-11-21;SEK;6000;EUR;100;3;97;-1"
        )
    );
}

pub fn products() {
    let row = |number: i64| CatalogueRow {
        sku: format!("sku-{number}"),
        gtin: String::new(),
        name: "Café, whole beans".into(),
        category: "Food/Coffee".into(),
        unit: "KGM".into(),
        price: Decimal {
            unscaled: 12_990,
            scale: 3,
        },
        currency: "EUR".into(),
        tax_code: "VAT-RED".into(),
        active: number % 2 == 1,
        changed_at: "2026-11-24T10:00:00.000+01:00".into(),
        changed: number == 7,
    };
    let streams = Streams {
        products: Some(Box::new(Rows::new((1..=5_000).map(row).collect()))),
        ..Streams::default()
    };
    let text = copied_file(Behaviour::CopyProducts, streams, Stream::Catalogue);
    assert_eq!(
        text.lines().nth(6),
        Some(
            "sku-7;;Café, whole beans;Food/Coffee;KGM;12990/3;EUR;VAT-RED;true;2026-11-24T10:00:00.000+01:00;true"
        )
    );
    assert!(
        text.lines()
            .nth(7)
            .is_some_and(|line| line.contains(";false;"))
    );
}
