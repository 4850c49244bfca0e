//! Queries of records, queues, fiscal records and the catalogue.

use crate::Db;
use galleria_domain::Event;
use galleria_domain::plugin::Point;
use galleria_domain::tax::{TaxRow, TaxSettings};
use galleria_ports::in_tx;
use galleria_ports::records::TaxEvaluationFilter;
use galleria_ports::records::{
    ActivityCursor, CatalogueDraft, DeadLetterFilter, DocumentState, DraftStart, FiscalFilter,
    FiscalState, LeaseLimit, MarkState, OperationFilter, ParkedEvent, ParkedFilter, ParkedState,
    PriceRow, ProductRow, QueueFilter, Records, RunFilter, RunState, SaleLineCursor, Tx,
};
use jiff::Timestamp;
use std::time::Duration;

/// Runs the queries whose cost must not grow with the number of rows.
pub(super) async fn run_record_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.write(in_tx!(|tx| {
        let now = Timestamp::UNIX_EPOCH;
        tx.store_list(None, "", 1).await?;
        tx.store_list(Some("r"), "", 1).await?;
        tx.store_get_many(&["s".into()]).await?;
        tx.movement_list("s").await?;
        tx.movement_totals("s").await?;
        run_fiscal_queries(tx).await?;
        run_tax_table_queries(tx).await?;
        tx.payment_get_by_order("o").await?;
        tx.refund_list_by_order("o").await?;
        tx.number_next("scope", "name").await?;
        for (store_id, after) in [(None, ""), (None, "s"), (Some("s"), ""), (Some("s"), "s")] {
            let after = SaleLineCursor {
                store_id: after.into(),
                ..SaleLineCursor::default()
            };
            tx.sale_line_list("r", store_id, "", "9", now, &after, 1)
                .await?;
        }
        for (store_id, after) in [(None, ""), (None, "s"), (Some("s"), ""), (Some("s"), "s")] {
            let after = ActivityCursor {
                store_id: after.into(),
                ..ActivityCursor::default()
            };
            tx.activity_list("r", store_id, "", "9", now, &after, 1)
                .await?;
        }
        tx.verification_get("f").await?;
        run_tax_queries(tx).await?;
        tx.api_key_get("k").await?;
        tx.api_key_get_by_name("k").await?;
        tx.api_key_list(false, ("n", "k"), 1).await?;
        tx.api_key_revoke("k", now).await?;
        tx.allowance_lock("a", now).await?;
        tx.allowance_set("a", now).await?;
        run_catalogue_queries(tx).await?;
        tx.event_list(&["t".into()], 0, 1).await?;
        tx.event_get("e").await?;
        tx.counter_take("e", "slot", "scope", "name").await?;
        tx.journal_list_by_order("o").await?;
        tx.journal_list_by_event("e").await?;
        tx.store_metrics().await?;
        tx.totals_advance(now).await?;
        tx.parked_put(&parked()).await?;
        tx.parked_due("g", now, 1).await?;
        tx.parked_lane_list("g").await?;
        tx.parked_in_lane("g", "slot", "l").await?;
        tx.parked_wake("cause", "slot", now).await?;
        tx.parked_wake_all("cause", now).await?;
        run_reload_queries(tx).await?;
        tx.parked_count().await?;
        tx.parked_remove("e", "slot").await?;
        let by_code = DeadLetterFilter {
            code: Some("broker_rejected".into()),
            ..DeadLetterFilter::default()
        };
        tx.dead_letter_list(&by_code, None, 1).await?;
        tx.dead_letter_list(&DeadLetterFilter::default(), None, 1)
            .await?;
        run_queue_queries(tx).await?;
        tx.document_waiting_retailers("owner", now).await?;
        tx.document_lease(
            "r",
            "owner",
            now,
            now,
            LeaseLimit {
                documents: 1,
                bytes: 1,
            },
        )
        .await?;
        for state in [None, Some(RunState::Dead)] {
            let filter = RunFilter {
                state,
                ..RunFilter::default()
            };
            tx.run_list(&filter, 1, 1).await?;
        }
        tx.run_next_time().await?;
        tx.run_waiting_retailers(now).await?;
        tx.run_lease("r", "owner", now, now).await?;
        tx.run_lease_by_id("r", "owner", now, now).await?;
        tx.run_last_ended("r", "slot", Point::Report, "s").await?;
        tx.run_cancel("r", now).await?;
        tx.schedule_mark_list("r", "nightly").await?;
        tx.document_advance(&["d".into()], "owner", DocumentState::Delivered, now)
            .await?;
        tx.document_list_by_order("o").await?;
        tx.document_list_before("o", "slot", "e").await?;
        tx.event_lag(&["t".into()], 0, 1).await?;
        tx.run_count(RunState::Dead).await?;
        tx.parked_backlog().await?;
        tx.dead_letter_backlog().await?;
        tx.document_oldest_undelivered().await?;
        tx.retailer_list().await?;
        tx.document_has_name("r", "d", "n").await?;
        tx.tax_settings_list(&["s".into(), "t".into()]).await?;
        tx.document_count(DocumentState::Delivered).await.map(drop)
    }));
    result.await.expect("queries");
}

/// Runs the queries for operators.
async fn run_queue_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let now = Timestamp::UNIX_EPOCH;
    for subject in [None, Some("s".to_owned())] {
        let filter = OperationFilter {
            subject,
            ..OperationFilter::default()
        };
        tx.operation_list(&filter, i64::MAX, 1).await?;
    }
    let one = || Some("x".to_owned());
    tx.parked_list(&ParkedFilter::default(), None, 1).await?;
    tx.parked_make_due("e", "slot", now).await?;
    for (event, order, store) in [
        (None, None, None),
        (one(), one(), one()),
        (None, one(), one()),
        (None, None, one()),
    ] {
        let filter = QueueFilter {
            retailer: None,
            store,
            event,
            order,
        };
        tx.receipt_list(&filter, None, 1).await?;
        tx.outgoing_list(&filter, None, 1).await?;
    }
    tx.fault_list("r", "slot", now, 1).await.map(drop)
}

/// Runs the queries of fiscal records.
async fn run_fiscal_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    tx.fiscal_get("o", "").await?;
    tx.fiscal_list_by_order("o").await?;
    tx.mark_get("o", "m").await?;
    tx.mark_set_state("o", "m", MarkState::Applied).await?;
    tx.mark_list_by_order("o").await?;
    let (some, state) = (Some("s".to_owned()), Some(FiscalState::Early));
    for (store_id, retailer, state) in [
        (some.clone(), None, None),
        (None, some, state),
        (None, None, state),
        (None, None, None),
    ] {
        let filter = FiscalFilter {
            store_id,
            retailer,
            state,
        };
        tx.fiscal_list(&filter, i64::MAX, 1).await?;
    }
    Ok(())
}

/// Runs the queries of tax tables.
async fn run_tax_table_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let mut rows: Vec<TaxRow> = Vec::new();
    for body in [
        r#"{"tax_code": "A", "tax_level": "", "retailer_tax_level_id": "a", "tax_percent": "21"}"#,
        r#"{"tax_code": "B", "tax_level": "", "retailer_tax_level_id": "b", "tax_percent": "21", "authority": "ES"}"#,
    ] {
        let row = serde_json::from_str(body);
        rows.push(row.map_err(|error| galleria_ports::Error::records("a row", error))?);
    }
    tx.tax_store_get("s").await?;
    tx.tax_settings_put("s", &TaxSettings::default()).await?;
    tx.tax_table_lock_many(&["s"]).await?;
    tx.tax_table_change("s").await?;
    tx.tax_row_put_many("s", &rows).await?;
    tx.tax_row_list("s", None, 1).await?;
    tx.tax_row_list("s", Some(&rows[0].key()), 1).await?;
    tx.tax_table_delete("s").await.map(drop)
}

/// Runs the queries of the catalogue.
async fn run_catalogue_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let now = Timestamp::UNIX_EPOCH;
    tx.catalogue_freeze("r", now).await?;
    let DraftStart::Draft(draft) = tx.catalogue_draft_begin("r", "w", now, now).await? else {
        return Ok(());
    };
    let price = PriceRow {
        sku: "s".into(),
        store_id: "st".into(),
        price: None,
    };
    let product = ProductRow {
        sku: "s".into(),
        gtin: String::new(),
        name: String::new(),
        category: String::new(),
        unit: String::new(),
        price: None,
        tax_code: String::new(),
        active: true,
    };
    let (products, prices) = ([product], [price]);
    tx.catalogue_draft_add(&draft, &products, &prices, now, now)
        .await?;
    tx.catalogue_list("r", Some("st"), now, "", 1).await?;
    tx.catalogue_product_list("r", &["s".into()]).await?;
    tx.catalogue_price_list_by_product("r", "s").await?;
    tx.catalogue_draft_take_over("v", now, now).await?;
    let draft = CatalogueDraft {
        writer: "v".into(),
        ..draft
    };
    tx.catalogue_draft_clear(&draft, 9).await?;
    tx.catalogue_version_remove(now, 1).await.map(drop)
}

/// The tables of reloads have few rows, which are read every second.
async fn run_reload_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let hour = Duration::from_secs(3_600);
    tx.operation_lock("s").await?;
    tx.store_retailer_list().await?;
    tx.reload_list().await?;
    tx.reload_get("r").await?;
    tx.load_list(None).await?;
    tx.load_list(Some("r")).await?;
    tx.host_list(hour).await?;
    tx.host_seen("h", hour).await?;
    tx.host_remove("h").await
}

fn parked() -> ParkedEvent {
    ParkedEvent {
        group: "g".into(),
        subscriber: "slot".into(),
        lane: "l".into(),
        event: Event {
            position: 1,
            id: "e".into(),
            topic: "t".into(),
            key: None,
            store: None,
            data: serde_json::Value::Null,
            server_timestamp: 0,
            origin: galleria_domain::trace::Origin::default(),
        },
        state: ParkedState::Behind,
        attempts: 0,
        due_at: Timestamp::UNIX_EPOCH,
        since: Timestamp::UNIX_EPOCH,
        waits_for: None,
        cause: String::new(),
    }
}

async fn run_tax_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let (now, before) = (
        Timestamp::UNIX_EPOCH,
        (Timestamp::UNIX_EPOCH, String::new()),
    );
    tx.tax_evaluation_get("e").await?;
    tx.taxed_store_get("s").await?;
    tx.tax_settings_delete("s").await?;
    for key in [None, Some("k")] {
        let filter = TaxEvaluationFilter {
            store_id: "s".into(),
            since: now,
            idempotency_key: key.map(str::to_owned),
        };
        tx.tax_evaluation_list(&filter, &before, 1).await?;
    }
    tx.tax_evaluation_remove(now, 1).await.map(drop)
}
