//! Queries of records, queues, fiscal records and the catalogue.

use crate::Db;
use galleria_ports::records::{
    ActivityKey, Begun, DeadFilter, DocumentState, Draft, FiscalFilter, FiscalState, MarkState,
    OperationFilter, Parked, ParkedFilter, ParkedState, PriceRow, ProductRow, QueuedFilter,
    Records, RunFilter, RunState, SaleLineKey, Tx,
};
use galleria_domain::Event;
use galleria_domain::plugin::Point;
use jiff::Timestamp;

/// Runs the queries whose cost must not grow with the number of rows.
pub(super) async fn run_record_queries(db: &Db) {
    let records: &dyn Records = db;
    let result = records.write(|tx| {
        Box::pin(async move {
            let now = Timestamp::UNIX_EPOCH;
            tx.store_list(None, "", 1).await?;
            tx.store_list(Some("r"), "", 1).await?;
            tx.stores_get(&["s".into()]).await?;
            tx.movements_of_shift("s").await?;
            tx.shift_moved("s").await?;
            run_fiscal_queries(tx).await?;
            tx.payment_of_order("o").await?;
            tx.refunds_of_order("o").await?;
            tx.number_next("scope", "name").await?;
            for (store_id, after) in [(None, ""), (None, "s"), (Some("s"), ""), (Some("s"), "s")] {
                let after = SaleLineKey {
                    store_id: after.into(),
                    ..SaleLineKey::default()
                };
                tx.sale_lines_page("r", store_id, "", "9", now, &after, 1)
                    .await?;
            }
            for (store_id, after) in [(None, ""), (None, "s"), (Some("s"), ""), (Some("s"), "s")] {
                let after = ActivityKey {
                    store_id: after.into(),
                    ..ActivityKey::default()
                };
                tx.activities_page("r", store_id, "", "9", now, &after, 1)
                    .await?;
            }
            tx.verification_get("f").await?;
            tx.key_get("k").await?;
            tx.key_named("k").await?;
            tx.key_page(false, ("n", "k"), 1).await?;
            tx.key_revoke("k", now).await?;
            tx.allowance_lock("a", now).await?;
            tx.allowance_set("a", now).await?;
            run_catalogue_queries(tx).await?;
            tx.event_page(&["t".into()], 0, 1).await?;
            tx.event_get("e").await?;
            tx.counter_take("e", "slot", "scope", "name").await?;
            tx.journal_of_order("o").await?;
            tx.journal_of_event("e").await?;
            tx.store_figures().await?;
            tx.parked_put(&parked()).await?;
            tx.parked_due("g", now, 1).await?;
            tx.parked_lanes("g").await?;
            tx.parked_in_lane("g", "slot", "l").await?;
            tx.parked_wake("cause", "slot", now).await?;
            tx.parked_count().await?;
            tx.parked_remove("e", "slot").await?;
            tx.dead_page(&DeadFilter::default(), None, 1).await?;
            run_queue_queries(tx).await?;
            tx.document_lease("owner", now, now, 1).await?;
            for state in [None, Some(RunState::Dead)] {
                let filter = RunFilter {
                    state,
                    ..RunFilter::default()
                };
                tx.run_list(&filter, 1, 1).await?;
            }
            tx.run_next().await?;
            tx.run_lease("owner", now, now).await?;
            tx.run_take("r", "owner", now, now).await?;
            tx.run_last("r", "slot", Point::Report, "s").await?;
            tx.run_cancel("r", now).await?;
            tx.schedule_marks("r", "nightly").await?;
            tx.document_advance(&["d".into()], "owner", DocumentState::Delivered, now)
                .await?;
            tx.documents_of_order("o").await?;
            tx.documents_before("o", "slot", "e").await?;
            tx.events_behind(&["t".into()], 0, 1).await?;
            tx.run_count(RunState::Dead).await?;
            tx.parked_piled().await?;
            tx.dead_piled().await?;
            tx.document_oldest().await?;
            tx.retailers().await?;
            tx.document_count(DocumentState::Delivered).await.map(drop)
        })
    });
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
        tx.operation_page(&filter, i64::MAX, 1).await?;
    }
    let one = || Some("x".to_owned());
    tx.parked_page(&ParkedFilter::default(), None, 1).await?;
    tx.parked_hasten("e", "slot", now).await?;
    for (event, order, store) in [
        (None, None, None),
        (one(), one(), one()),
        (None, one(), one()),
        (None, None, one()),
    ] {
        let filter = QueuedFilter {
            retailer: None,
            store,
            event,
            order,
        };
        tx.receipt_page(&filter, None, 1).await?;
        tx.outgoing_page(&filter, None, 1).await?;
    }
    tx.faults_newest("r", "slot", now, 1).await.map(drop)
}

/// Runs the queries of fiscal records.
async fn run_fiscal_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    tx.fiscal_get("o", "").await?;
    tx.fiscal_of_order("o").await?;
    tx.mark_get("o", "m").await?;
    tx.mark_set_state("o", "m", MarkState::Applied).await?;
    tx.marks_of_order("o").await?;
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
        tx.fiscal_page(&filter, i64::MAX, 1).await?;
    }
    Ok(())
}

/// Runs the queries of the catalogue.
async fn run_catalogue_queries(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
    let now = Timestamp::UNIX_EPOCH;
    tx.catalogue_fix("r", now).await?;
    let Begun::Draft(draft) = tx.catalogue_begin("r", "w", now, now).await? else {
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
    tx.catalogue_add(&draft, &products, &prices, now, now)
        .await?;
    tx.catalogue_page("r", Some("st"), now, "", 1).await?;
    tx.catalogue_products("r", &["s".into()]).await?;
    tx.catalogue_prices_of("r", "s").await?;
    tx.catalogue_take_over("v", now, now).await?;
    let draft = Draft {
        writer: "v".into(),
        ..draft
    };
    tx.catalogue_clear(&draft, 9).await?;
    tx.catalogue_forget(now, 1).await.map(drop)
}

fn parked() -> Parked {
    Parked {
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
