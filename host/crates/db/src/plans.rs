//! How SQLite finds its rows: every statement that is run often, or over tables that grow, goes
//! along an index. Tests only.

use crate::{Db, DbConfig};
use galleria_domain::plugin::Point;
use galleria_domain::{Event, MatchOutcome, RecordedTender, StatementKind, StatementLine};
use galleria_ports::records::{
    ActivityKey, Begun, DeadFilter, DocumentState, Draft, FiscalFilter, FiscalState, ListFilter,
    Listing, MarkState, OperationFilter, OrderStatus, Parked, ParkedFilter, ParkedState, Place,
    PriceRow, ProductRow, QueuedFilter, Records, RunFilter, RunRow, RunState, SaleLineKey,
    SettlementKey, Standing, Subject, Tx, UncoveredKey,
};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

/// The same for statements.
async fn do_statements(db: &Db) {
    let records: &dyn Records = db;
    let done = records.write(|tx| {
        Box::pin(async move {
            let (now, line) = (Timestamp::UNIX_EPOCH, line());
            let tender = RecordedTender {
                psp_reference: "p".into(),
                modification_reference: "m".into(),
                merchant_reference: "o".into(),
                ..RecordedTender::default()
            };
            let after = UncoveredKey {
                accepted_at: now,
                id: String::new(),
            };
            tx.tenders_void("e").await?;
            tx.tenders_fresh(1).await?;
            tx.tender_looked_at("t").await?;
            tx.tenders_like("r", &line, 1).await?;
            tx.tenders_of_entry("r", "e").await?;
            tx.tender_settle("t", None).await?;
            tx.tenders_uncovered("r", now, &[], &after, 1).await?;
            tx.lease_take("l", "o", now, now).await?;
            tx.lease_keep("l", "o", now).await?;
            tx.statement_get("s").await?;
            tx.statements_unfinished().await?;
            tx.statement_list(None, None, 1).await?;
            tx.statement_list(Some("r"), None, 1).await?;
            tx.statement_lines_remove("s", 1).await?;
            tx.statement_lines("s", None, 0, 1).await?;
            tx.statement_lines("s", Some(MatchOutcome::Matched), 0, 1)
                .await?;
            tx.statement_lines_waiting(&tender, 1).await?;
            tx.statement_sums("s").await?;
            tx.hands_of_line("s.1").await?;
            let run = settling();
            tx.run_insert(&run).await?;
            tx.settlement_choose(&run, true).await?;
            tx.settlement_statements("r", ("", ""), 1).await?;
            let key = SettlementKey::default();
            tx.settlement_lines("s", None, &key, 1).await.map(drop)
        })
    });
    done.await.expect("done");
}

/// Lists are paged through beside the tills.
async fn page_lists(db: &Db) {
    let records: &dyn Records = db;
    let paged = records.read(|tx| {
        Box::pin(async move {
            let own = |of: Place| [Place::Everywhere, Place::Retailer("r".into()), of];
            for listing in [
                Listing::Orders,
                Listing::Payments,
                Listing::Refunds,
                Listing::Voids,
                Listing::Verifications,
                Listing::Shifts,
                Listing::Documents,
            ] {
                let standings = match listing {
                    Listing::Orders => OrderStatus::ALL
                        .iter()
                        .copied()
                        .map(Standing::Order)
                        .collect(),
                    Listing::Shifts => [true, false].map(|open| Standing::Shift { open }).to_vec(),
                    Listing::Documents => {
                        let states = DocumentState::ALL.iter().copied();
                        states.map(Standing::Document).collect()
                    }
                    _ => Vec::new(),
                };
                let any = std::iter::once(None).chain(standings.into_iter().map(Some));
                for standing in any {
                    let filter = ListFilter {
                        standing,
                        ..ListFilter::default()
                    };
                    for place in own(Place::Store("s".into())) {
                        tx.list_keys(listing, &place, &filter, 1).await?;
                    }
                }
                if ![Listing::Orders, Listing::Shifts].contains(&listing) {
                    let (place, filter) = (Place::Order("o".into()), ListFilter::default());
                    tx.list_keys(listing, &place, &filter, 1).await?;
                }
            }
            let filter = ListFilter {
                directory: Some("poslog".into()),
                ..ListFilter::default()
            };
            for place in own(Place::Event("e".into())) {
                tx.list_keys(Listing::Documents, &place, &filter, 1).await?;
            }
            for place in own(Place::Name("n".into())) {
                tx.list_keys(Listing::Documents, &place, &filter, 1).await?;
            }
            let ids = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
            tx.orders_listed(&ids).await?;
            tx.payments_listed(&ids).await?;
            tx.refunds_listed(&ids).await?;
            tx.voids_listed(&ids).await?;
            tx.verifications_listed(&ids).await?;
            tx.shifts_listed(&ids).await?;
            tx.documents_listed(&ids).await?;
            tx.document_body("d").await.map(drop)
        })
    });
    paged.await.expect("paged");
}

/// Stories are told beside the tills.
async fn tell_stories(db: &Db) {
    let records: &dyn Records = db;
    let told = records.read(|tx| {
        Box::pin(async move {
            for subject in [
                Subject::Order,
                Subject::Shift,
                Subject::Event,
                Subject::Run,
                Subject::Statement,
                Subject::Line,
                Subject::Document,
            ] {
                tx.story_rows(subject, "s.1", 1).await?;
            }
            tx.story_events("o", 1).await?;
            tx.story_store("e").await?;
            tx.story_subjects("s.1", 1).await.map(drop)
        })
    });
    told.await.expect("told");
}

fn settling() -> RunRow {
    let now = Timestamp::UNIX_EPOCH;
    RunRow {
        serial: 0,
        id: "r".into(),
        retailer: "r".into(),
        subscriber: "s".into(),
        point: Point::WriteSettlement,
        store_id: String::new(),
        first: String::new(),
        last: "9".into(),
        schedule: String::new(),
        state: RunState::Due,
        attempts: 0,
        tries: 1,
        due_at: now,
        as_of: None,
        since: None,
        stores: 0,
        progress: 0,
        rows: 0,
        sums: Vec::new(),
        files: Vec::new(),
        code: None,
        detail: None,
        created_at: now,
        begun_at: None,
        ended_at: None,
    }
}

/// A line with every reference.
fn line() -> StatementLine {
    StatementLine {
        row: 1,
        kind: StatementKind::Payment,
        id: String::new(),
        psp_reference: "p".into(),
        modification_reference: "m".into(),
        merchant_reference: "o".into(),
        booked_at: String::new(),
        currency: String::new(),
        minor_digits: 2,
        gross: 0,
        rate: None,
        converted: 0,
        fee: 0,
        net: 0,
        attributes: Vec::new(),
    }
}

/// Does everything whose cost must not grow with what is kept.
async fn do_everything(db: &Db) {
    let records: &dyn Records = db;
    let done = records.write(|tx| {
        Box::pin(async move {
            let now = Timestamp::UNIX_EPOCH;
            tx.store_list(None, "", 1).await?;
            tx.store_list(Some("r"), "", 1).await?;
            tx.stores_get(&["s".into()]).await?;
            tx.movements_of_shift("s").await?;
            tx.shift_moved("s").await?;
            fiscal(tx).await?;
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
            catalogue(tx).await?;
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
            desk(tx).await?;
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
    done.await.expect("done");
}

/// Everything that operators look at.
async fn desk(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
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

/// Everything that is asked of fiscal records.
async fn fiscal(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
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

/// Everything that is asked of a catalogue.
async fn catalogue(tx: &mut dyn Tx) -> Result<(), galleria_ports::Error> {
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

#[tokio::test]
async fn nothing_reads_a_whole_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.db");
    let config = DbConfig::new(format!("sqlite://{}", path.display()));
    Db::migrate(&config).await.expect("migrated");
    let db = Db::open(&config).await.expect("open");
    do_everything(&db).await;
    do_statements(&db).await;
    tell_stories(&db).await;
    page_lists(&db).await;
    db.close().await.expect("closed");

    let noted = crate::query_log::take();
    assert!(
        noted.len() > 25,
        "statements of this thread are noted: {noted:?}"
    );
    let mut file = SqliteConnection::connect(&config.url)
        .await
        .expect("connect");
    let mut bad = Vec::new();
    for (name, sql) in noted {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps = sqlx::query(explain)
            .fetch_all(&mut file)
            .await
            .expect("a plan");
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        // Of what is rare, an index that has nothing else.
        let rare = [
            ("status <> 'paid'", "orders_unpaid_by_"),
            ("closed_ms IS NULL", "shifts_open_by_"),
            ("state <> 'delivered'", "documents_undelivered"),
        ];
        let astray = name == "list_keys"
            && !sql.contains("order_id = ")
            && rare.iter().any(|(words, index)| {
                sql.contains(words) && !steps.iter().any(|step| step.contains(index))
            });
        if astray || steps.iter().any(|step| !good(step)) {
            bad.push((name, sql, steps));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

fn good(step: &str) -> bool {
    // `e`, `few` and `n` are no tables, but what `store_figures` has counted, `events_behind` found and
    // a story follows.
    let no_table = ["SCAN e", "SCAN few", "SCAN n", "SCAN CONSTANT ROW"].contains(&step);
    let whole_table = step.starts_with("SCAN") && !step.contains(" INDEX ") && !no_table;
    let sorts = step.contains("TEMP B-TREE");
    !whole_table && !sorts
}
