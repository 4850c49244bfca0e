//! A line and a tender.

use galleria_domain::{Decimal, Line, LineKind, Tender};

pub fn line() -> Line {
    Line {
        number: 1,
        parent: None,
        kind: LineKind::Item,
        returned: false,
        voided: false,
        origin_line: None,
        sku: "s1".into(),
        gtin: None,
        description: "a thing".into(),
        category: None,
        quantity: Decimal::whole(1),
        unit: "EA".into(),
        regular_price: Decimal::whole(10),
        unit_price: Decimal::whole(10),
        amount: 1000,
        discounts: vec![],
        taxes: vec![],
        age: None,
        attributes: vec![],
    }
}

pub fn tender() -> Tender {
    Tender {
        number: 1,
        kind: "card".into(),
        amount: 1000,
        tendered: 1000,
        change: 0,
        foreign: None,
        provider: None,
        psp_reference: None,
        modification_reference: None,
        merchant_reference: None,
        authorisation: None,
        scheme: None,
        masked: None,
        stored_value: None,
        attributes: vec![],
    }
}
