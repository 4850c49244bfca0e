//! Rows that plugins would have written.

use crate::host::Host;
use galleria_domain::Event;
use galleria_domain::tax::{TaxDifferences, TaxResponse, TaxRoute, TaxSettings};
use galleria_ports::in_tx;
use galleria_ports::records::{
    ComparisonCount, ComparisonRow, ComparisonTerms, DeadLetter, DocumentRow, DocumentState,
    JournalRow, OutgoingRow, ParkedEvent, ParkedState, ReceiptRow, ShadowOutcome,
};
use serde_json::json;

/// A parked event, a queued receipt and request of a plugin, and a fault of another plugin.
pub async fn add_parked_and_queued(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let parked = ParkedEvent {
        group: "COMMON_GROUP".into(),
        subscriber: "poslog".into(),
        lane: "madrid-1/order-1".into(),
        event: Event {
            position: 2,
            id: "refund:refund-1".into(),
            topic: "mishi.streams.common".into(),
            key: Some("order-1".into()),
            store: Some("madrid-1".into()),
            data: json!({ "order_id": "order-1", "refund_id": "refund-1" }),
            server_timestamp: 1_795_514_671_000,
            origin: galleria_domain::trace::Origin::default(),
        },
        state: ParkedState::Retry,
        attempts: 2,
        due_at: "2026-11-24T12:05:00Z".parse().expect("an instant"),
        since: at,
        waits_for: None,
        cause: "retry: the target is unavailable".into(),
    };
    let receipt = ReceiptRow {
        id: "payment:payment-1/receipts/0".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "receipts".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        receipt: json!({
            "template": "sale", "locale": "es-ES",
            "document": {
                "directory": "receipts", "name": "receipt.pdf", "media_type": "application/pdf",
                "body": "JVBERg==",
            },
            "attributes": [{ "name": "email", "value": "ana@example.com" }],
        })
        .to_string(),
        created_at: at,
    };
    let request = OutgoingRow {
        id: "payment:payment-1/poslog/0".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        request: json!({
            "id": "sale", "target": "back-office", "method": "POST", "path": "/sales",
            // As rows of earlier versions have it.
            "headers": [{ "name": "x-shop", "value": "a secret" }], "body": [123, 125],
        })
        .to_string(),
        created_at: at,
    };
    let fault = JournalRow {
        event_id: "run:nightly".into(),
        subscriber: "daily-sales".into(),
        retailer: "example".into(),
        store_id: String::new(),
        order_id: None,
        attempt: 1,
        outcome: "out_of_memory".into(),
        detail: None,
        plugin: "daily-sales".into(),
        component: String::new(),
        settings: String::new(),
        argument: String::new(),
        decision: None,
        cpu_us: 412,
        memory_bytes: 67_108_864,
        output_bytes: 0,
        at,
    };
    let stored = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, parked, receipt, request, fault| {
            tx.parked_put(&parked).await?;
            tx.receipt_insert_many(std::slice::from_ref(&receipt))
                .await?;
            tx.outgoing_insert_many(std::slice::from_ref(&request))
                .await?;
            tx.journal_insert(&fault).await
        }));
    stored.await.expect("stored");
}

/// A basket for which the shadow of the store has another rate.
pub async fn add_tax_comparison(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let settings = TaxSettings {
        shadow: Some(TaxRoute::Http),
        ..TaxSettings::default()
    };
    let response = |rate: &str, net: &str, tax: &str| -> TaxResponse {
        let level = json!({
            "tax_code": "RED", "tax_level": "IVA", "retailer_tax_level_id": "2", "authority": "ES",
            "tax_percent": rate, "included": true, "taxable_amount": net, "tax_amount": tax,
        });
        let item = json!({
            "item_id": "1", "total_amount": "11.00", "taxable_amount": net, "total_tax": tax,
            "total_amount_after_tax": "11.00", "taxes": [level],
        });
        let response = json!({
            "total_basket_amount": "11.00", "total_taxable_amount": net, "total_tax": tax,
            "total_basket_amount_after_tax": "11.00", "tax_breakup": [level], "item_tax": [item],
        });
        serde_json::from_value(response).expect("a response")
    };
    let request = json!({
        "store_data": { "store_id": "madrid-1" }, "business_date": "2026-11-24",
        "items": [{ "item_id": "1", "total_amount": "11.00", "tax_code": "RED" }],
    });
    let (route, shadow) = (
        response("10", "10.00", "1.00"),
        response("4", "10.58", "0.42"),
    );
    let terms = ComparisonTerms {
        store_id: "madrid-1".into(),
        route: TaxRoute::Embedded,
        shadow: TaxRoute::Http,
        table_version: 0,
        settings_version: 0,
    };
    let row = ComparisonRow {
        terms: terms.clone(),
        at,
        outcome: ShadowOutcome::Different,
        request: serde_json::from_value(request).expect("a request"),
        differences: TaxDifferences::between(&route, &shadow),
        response: route,
        shadow_response: Some(shadow),
        error: String::new(),
    };
    let counts = [(ShadowOutcome::Equal, 812), (ShadowOutcome::Different, 1)];
    let counts = counts.map(|(outcome, baskets)| ComparisonCount {
        terms: terms.clone(),
        day: ComparisonCount::day_of(at),
        outcome,
        baskets,
        recorded: 1,
    });
    let stored = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, settings, row, counts| {
            tx.tax_settings_put("madrid-1", &settings).await?;
            let store = tx.tax_store_get("madrid-1").await?;
            let terms = ComparisonTerms {
                table_version: store.table_version,
                settings_version: store.settings_version,
                ..row.terms.clone()
            };
            for count in counts {
                let terms = terms.clone();
                let count = ComparisonCount { terms, ..count };
                tx.tax_comparison_count_add(&count).await?;
            }
            tx.tax_comparison_insert_many(&[ComparisonRow { terms, ..row }])
                .await?;
            Ok(())
        }));
    stored.await.expect("stored");
}

/// A dead letter of a plugin with invalid settings.
/// Adds `STANDARD` with 21 % and `BREAD` with 4 % to the tax table of a store.
pub async fn add_tax_rows(host: &Host, store: &str) {
    let row = |code: &str, percent: &str| {
        let row = json!({
            "tax_code": code, "tax_level": format!("IVA {percent}"), "retailer_tax_level_id": code,
            "tax_percent": percent, "authority": "ES",
        });
        serde_json::from_value(row).expect("a row")
    };
    let rows = vec![row("STANDARD", "21"), row("BREAD", "4")];
    let store = store.to_owned();
    let put = host.app.core.records().write(in_tx!(|tx, store, rows| {
        tx.tax_table_change(&store).await?;
        tx.tax_row_put_many(&store, &rows).await
    }));
    put.await.expect("tax rows");
}

pub async fn add_dead_letter(host: &Host) {
    let letter = DeadLetter {
        group: "PAYMENT_GROUP".into(),
        subscriber: "poslog".into(),
        lane: "order-1".into(),
        event: Event {
            position: 1,
            id: "payment:payment-1".into(),
            topic: "mishi.streams.post-payment-success".into(),
            key: Some("order-1".into()),
            store: Some("madrid-1".into()),
            data: json!({ "order_id": "order-1", "payment_id": "payment-1" }),
            server_timestamp: 1_795_514_671_000,
            origin: galleria_domain::trace::Origin::default(),
        },
        code: "misconfigured".into(),
        detail: "return_style: unknown".into(),
        attempts: 1,
        component: galleria_domain::Digest::of(b"component").to_string(),
        died_at: "2026-11-24T10:04:32Z".parse().expect("an instant"),
    };
    let put = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, letter| tx.dead_letter_put(&letter).await));
    put.await.expect("a dead letter");
}

/// A decision as the journal stores it.
const DECISION: &str = include_str!("../golden/decision.json");

/// The document and the journal entry of a plugin's decision.
pub async fn add_decision(host: &Host) {
    let at = "2026-11-24T10:04:31Z".parse().expect("an instant");
    let digest = |text: &str| galleria_domain::Digest::of(text.as_bytes()).to_string();
    let document = DocumentRow {
        id: "5d1f0c6c1f1b4f0aa7e0b8b2a5a4e0d3".into(),
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        directory: "poslog".into(),
        folder: "madrid-1".into(),
        name: "poslog_0042_20261124_000001.xml".into(),
        media_type: "application/xml".into(),
        size: 6,
        digest: digest("<xml/>"),
        body: Some(b"<xml/>".to_vec()),
        state: DocumentState::Pending,
        created_at: at,
    };
    let attempt = JournalRow {
        event_id: "payment:payment-1".into(),
        subscriber: "poslog".into(),
        retailer: "example".into(),
        store_id: "madrid-1".into(),
        order_id: Some("order-1".into()),
        attempt: 1,
        outcome: "applied".into(),
        detail: None,
        plugin: "poslog".into(),
        component: digest("component"),
        settings: digest("settings"),
        argument: digest("argument"),
        decision: Some(digest(DECISION)),
        cpu_us: 412,
        memory_bytes: 131_072,
        output_bytes: 6,
        at,
    };
    let stored = host
        .app
        .core
        .records()
        .write(in_tx!(|tx, document, attempt| {
            tx.document_insert_many(std::slice::from_ref(&document))
                .await?;
            let decision = attempt.decision.clone().unwrap_or_default();
            tx.blob_put_many(&[(&decision, DECISION)], at).await?;
            tx.journal_insert(&attempt).await
        }));
    stored.await.expect("stored");
}
