//! Sample rows. `full` rows have all optional fields, `bare` rows have none.

use galleria_domain::JsonText;
use galleria_domain::refunding::{Extent, RefundLine};
use galleria_domain::tax::{EvaluatedLines, OrderTaxes, TaxRoute};
use galleria_domain::{
    Attribute, Cancellation, Consent, Decimal, Entry, Event, Line, Member, NewEvent, Origin,
    Refund, Sale, Shift, Store, Tender, TenderTotal, VoidCause,
};
use galleria_ports::records::{
    DeadLetter, DocumentRow, DocumentState, JournalRow, OrderRow, OrderStatus, ParkedEvent,
    ParkedState, PaymentRow, RefundRow, SaleLine, ShiftRow, ShiftSums, VoidRow,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A time `ms` milliseconds after a fixed time in November 2026.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + ms).expect("a time")
}

pub fn store(id: &str, retailer: &str) -> Store {
    Store {
        id: id.into(),
        external_id: format!("X{id}"),
        retailer: retailer.into(),
        store_type: "scan-and-go".into(),
        country: "DK".into(),
        currency: "DKK".into(),
        minor_digits: 2,
        zone: "Europe/Copenhagen".into(),
        day_starts_minute: 240,
        cash_step: None,
        attributes: attributes(),
    }
}

pub fn attributes() -> Vec<Attribute> {
    vec![Attribute {
        name: "note".into(),
        value: "smørrebrød \"to go\"\n\u{1f950}".into(),
    }]
}

pub fn entry(id: &str) -> Entry {
    Entry {
        id: id.into(),
        order_id: "o1".into(),
        external_id: Some("E-1".into()),
        workstation: "w1".into(),
        sequence: 7,
        receipt: "0007".into(),
        cashier: None,
        business_date: "2026-11-24".into(),
        begun_at: "2026-11-24T10:00:00.000+01:00".into(),
        ended_at: "2026-11-24T10:01:00.000+01:00".into(),
        currency: "DKK".into(),
        training: false,
    }
}

fn line() -> Line {
    read(json!({
        "number": 1, "parent": null, "kind": {"gift_card_sale": "6006***"}, "origin_line": null,
        "sku": "s1", "gtin": null, "description": "Tiger, plüsch", "category": "toys/plush",
        "quantity": "1.500", "unit": "KGM",
        "regular_price": "10.00", "unit_price": "9.95",
        "amount": 1493, "age": null,
        "taxes": [{"code": "VAT-STD", "authority": "dk", "rate": "25",
                   "taxable": 1194, "amount": 299, "included": true, "treatment": "standard"}],
    }))
}

fn tender() -> Tender {
    read(json!({
        "number": 1, "kind": "card", "amount": 1493, "tendered": 1493, "change": 0, "foreign": null,
        "provider": "psp", "psp_reference": "8815", "modification_reference": null,
        "merchant_reference": "m", "authorisation": null, "scheme": "visa", "masked": "411111***1111",
        "stored_value": null,
    }))
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a value of the domain")
}

pub fn sale(id: &str) -> Sale {
    Sale {
        entry: entry(id),
        member: Some(member()),
        lines: vec![line()],
        tenders: vec![tender()],
        taxes: vec![],
        rounding: 0,
        net: 1194,
        gross: 1493,
        consents: vec![],
        attributes: attributes(),
    }
}

fn member() -> Member {
    Member {
        id: "m1".into(),
        programme: "club".into(),
        attributes: attributes(),
    }
}

pub fn full_order(id: &str, store_id: &str) -> OrderRow {
    OrderRow {
        external_id: Some("shop-1".into()),
        cashier: Some("op".into()),
        training: true,
        lines: vec![line(), line()],
        member: Some(member()),
        consents: vec![Consent {
            subject: "news".into(),
            channel: "mail".into(),
            granted: true,
            wording: "1".into(),
            at: "2026-11-24T10:00:00.000+01:00".into(),
        }],
        attributes: attributes(),
        gross: -5,
        taxes: Some(OrderTaxes {
            evaluated: Some(EvaluatedLines {
                lines: vec![1],
                route: TaxRoute::Http,
                fallback: true,
            }),
            compared: None,
        }),
        ..bare_order(id, store_id)
    }
}

pub fn bare_order(id: &str, store_id: &str) -> OrderRow {
    OrderRow {
        id: id.into(),
        store_id: store_id.into(),
        external_id: None,
        workstation: "w1".into(),
        cashier: None,
        training: false,
        status: OrderStatus::Open,
        lines: vec![],
        member: None,
        consents: vec![],
        attributes: vec![],
        gross: i64::MAX,
        taxes: None,
        begun_at: at(1),
        created_at: at(2),
    }
}

pub fn payment(id: &str, order_id: &str) -> PaymentRow {
    PaymentRow {
        id: id.into(),
        order_id: order_id.into(),
        store_id: "s1".into(),
        shift_id: Some("shift".into()),
        sale: sale(id),
        occurred_at: at(3),
        accepted_at: at(4),
    }
}

pub fn full_refund(id: &str, order_id: &str) -> RefundRow {
    RefundRow {
        shift_id: Some("shift".into()),
        extent: Extent::Lines(vec![RefundLine {
            line: 1,
            quantity: Some(Decimal::whole(1)),
        }]),
        tenders: vec![tender()],
        rounding: Some(-2),
        attributes: attributes(),
        refund: Some(refund(id)),
        ..bare_refund(id, order_id)
    }
}

pub fn bare_refund(id: &str, order_id: &str) -> RefundRow {
    RefundRow {
        id: id.into(),
        order_id: order_id.into(),
        store_id: "s1".into(),
        shift_id: None,
        entry: entry(id),
        extent: Extent::Full,
        tenders: vec![],
        rounding: None,
        reason: "torn".into(),
        attributes: vec![],
        refund: None,
        occurred_at: at(5),
        accepted_at: at(6),
    }
}

pub fn refund(id: &str) -> Refund {
    Refund {
        entry: entry(id),
        origin: Origin::Sale(Box::new(sale("p1"))),
        earlier: vec![entry("r0")],
        reason: "torn".into(),
        lines: vec![line()],
        tenders: vec![tender()],
        taxes: vec![],
        rounding: 0,
        net: 1194,
        gross: 1493,
        attributes: vec![],
    }
}

pub fn void(id: &str) -> VoidRow {
    VoidRow {
        id: id.into(),
        order_id: "o1".into(),
        store_id: "s1".into(),
        cancellation: Cancellation {
            entry: entry(id),
            cause: VoidCause::Other("power cut".into()),
            origin: Origin::Reference(Box::new(entry("p1"))),
            lines: vec![line()],
            attributes: attributes(),
        },
        occurred_at: at(7),
        accepted_at: at(8),
    }
}

pub fn shift(id: &str, store_id: &str) -> ShiftRow {
    ShiftRow {
        id: id.into(),
        store_id: store_id.into(),
        workstation: "w1".into(),
        till: "t1".into(),
        cashier: Some("op".into()),
        opened_at: at(9),
        opening_float: 50_000,
        sums: ShiftSums::default(),
        closed: None,
        closed_at: None,
    }
}

pub fn sums() -> ShiftSums {
    ShiftSums {
        tenders: vec![TenderTotal {
            kind: "card".into(),
            sales: 1493,
            refunds: 3,
            count: 2,
        }],
        transactions: 2,
        net_sales: 1194,
        net_refunds: 2,
        tax: 298,
    }
}

pub fn closed(id: &str) -> Shift {
    Shift {
        entry: entry(id),
        till: "t1".into(),
        opened_at: "2026-11-24T09:00:00.000+01:00".into(),
        closed_at: "2026-11-24T18:00:00.000+01:00".into(),
        opening_float: 50_000,
        tenders: sums().tenders,
        paid_in: 0,
        paid_out: 0,
        pickups: 0,
        expected: 50_000,
        counted: 49_999,
        transactions: 2,
        net_sales: 1194,
        net_refunds: 2,
        tax: 298,
        attributes: vec![],
    }
}

pub fn new_event(id: &str, topic: &str) -> NewEvent {
    NewEvent {
        id: id.into(),
        topic: topic.into(),
        key: Some("key".into()),
        store: Some("s1".into()),
        data: JsonText::of(
            &json!({"order_id": "o1", "text": "ø\u{7f}\n", "big": i64::MAX, "none": null}),
        )
        .expect("JSON"),
    }
}

pub fn event(id: &str, position: i64) -> Event {
    let NewEvent {
        id,
        topic,
        key,
        store,
        data,
    } = new_event(id, "t");
    Event {
        position,
        id,
        topic,
        key,
        store,
        data: data.to_value(),
        server_timestamp: at(position).as_millisecond(),
        origin: galleria_domain::trace::Origin::default(),
    }
}

pub fn journal(event_id: &str, attempt: u32) -> JournalRow {
    JournalRow {
        event_id: event_id.into(),
        subscriber: "slot".into(),
        retailer: "r".into(),
        store_id: "s1".into(),
        order_id: Some("o1".into()),
        attempt,
        outcome: "applied".into(),
        detail: Some("detail".into()),
        plugin: "plugin".into(),
        component: "c".repeat(64),
        settings: "d".repeat(64),
        argument: "e".repeat(64),
        decision: Some("f".repeat(64)),
        cpu_us: 1_000,
        memory_bytes: 65_536,
        output_bytes: 12,
        at: at(i64::from(attempt)),
    }
}

/// An event of group `g` and subscriber `slot`, parked and due at `at(position)`.
pub fn parked(id: &str, lane: &str, position: i64, state: ParkedState) -> ParkedEvent {
    ParkedEvent {
        group: "g".into(),
        subscriber: "slot".into(),
        lane: lane.into(),
        event: event(id, position),
        state,
        attempts: 2,
        due_at: at(position),
        since: at(position),
        waits_for: (state == ParkedState::Waiting).then(|| "payment:1".into()),
        cause: "out of paper".into(),
    }
}

pub fn letter(id: &str, died: i64) -> DeadLetter {
    DeadLetter {
        group: "g".into(),
        subscriber: "slot".into(),
        lane: "l".into(),
        event: event(id, 3),
        code: "trapped".into(),
        detail: "unreachable".into(),
        attempts: 3,
        component: "c".repeat(64),
        died_at: at(died),
    }
}

pub fn document(id: &str) -> DocumentRow {
    DocumentRow {
        id: id.into(),
        event_id: "payment:1".into(),
        subscriber: "slot".into(),
        retailer: "r".into(),
        store_id: "s1".into(),
        order_id: Some("o1".into()),
        directory: "poslog".into(),
        folder: String::new(),
        name: format!("{id}.xml"),
        media_type: "application/xml".into(),
        size: 4,
        digest: "a".repeat(64),
        body: Some(vec![0, 159, 146, 150]),
        state: DocumentState::Pending,
        created_at: at(1),
    }
}

pub fn sale_line(store_id: &str, date: &str, begun_at: &str, id: &str, number: u32) -> SaleLine {
    SaleLine {
        store_id: store_id.into(),
        store_external_id: format!("X{store_id}"),
        business_date: date.into(),
        begun_at: begun_at.into(),
        entry_id: id.into(),
        number,
        returned: number.is_multiple_of(2),
        sku: "sku".into(),
        description: "An \u{e1}rticle".into(),
        category: String::new(),
        quantity: Decimal {
            unscaled: 1_250,
            scale: 3,
        },
        currency: "DKK".into(),
        amount: 100,
        net: 80,
        discount: 5,
        tax_code: "VAT-STD".into(),
        tax: 20,
        accepted_at: at(1),
    }
}
