//! Settlement statements: import, matching, and manual settlement.

mod busy;
mod distribution;
mod lines;
mod manual;
mod parts;
mod reader;
mod reread;
pub mod settling;
mod timeline;
mod whole;

use crate::rows::at;
use crate::stage::Stage;
use galleria_domain::{Money, RecordedTender};
use jiff::Timestamp;

/// A card payment or refund of store `s1` with the provider reference `psp`.
fn tender(id: &str, psp: &str, amount: Money) -> RecordedTender {
    let (side, back) = if amount < 0 {
        ("refund", true)
    } else {
        ("payment", false)
    };
    RecordedTender {
        id: format!("{side}:{id}/1"),
        retailer: "r1".into(),
        store_id: "s1".into(),
        store: "X1".into(),
        back,
        kind: "card".into(),
        psp_reference: psp.into(),
        amount,
        currency: "EUR".into(),
        minor_digits: 2,
        business_date: "2026-11-18".into(),
        entry_id: id.into(),
        order_id: format!("o-{id}"),
        ..RecordedTender::default()
    }
}

async fn record(stage: &Stage, tenders: Vec<RecordedTender>, accepted_at: Timestamp) {
    write_tx!(stage, [tenders], |tx| tx
        .tender_insert_many(&tenders, accepted_at)
        .await)
    .expect("recorded");
}

/// A time before all statements of these tests.
fn before() -> Timestamp {
    at(-1_000)
}
