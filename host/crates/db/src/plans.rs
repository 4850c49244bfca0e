//! How SQLite finds its rows: every statement that is run often, or over tables that grow, goes
//! along an index. Tests only.

use crate::{Db, DbConfig};
use galleria_app::records::{
    ActivityKey, DeadFilter, DocumentState, Parked, ParkedState, Records, RunFilter, RunState,
    SaleLineKey,
};
use galleria_domain::Event;
use galleria_domain::plugin::Point;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static NOTED: RefCell<BTreeSet<(&'static str, String)>> = const { RefCell::new(BTreeSet::new()) };
}

/// Remembers a statement that this thread has begun.
pub(crate) fn note(name: &'static str, sql: &str) {
    NOTED.with_borrow_mut(|noted| noted.insert((name, sql.to_owned())));
}

/// Does everything whose cost must not grow with what is kept.
async fn do_everything(db: &Db) {
    let records: &dyn Records = db;
    let done = records.write(|tx| {
        Box::pin(async move {
            let now = Timestamp::UNIX_EPOCH;
            tx.store_list(None, "", 1).await?;
            tx.store_list(Some("r"), "", 1).await?;
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
            tx.allowance_lock("a", now).await?;
            tx.allowance_set("a", now).await?;
            tx.event_page(&["t".into()], 0, 1).await?;
            tx.event_get("e").await?;
            tx.event_last(&["t".into()]).await?;
            tx.counter_take("e", "slot", "scope", "name").await?;
            tx.journal_of_order("o").await?;
            tx.store_figures().await?;
            tx.parked_put(&parked()).await?;
            tx.parked_due("g", now, 1).await?;
            tx.parked_lanes("g").await?;
            tx.parked_in_lane("g", "slot", "l").await?;
            tx.parked_wake("cause", "slot", now).await?;
            tx.parked_count().await?;
            tx.parked_remove("e", "slot").await?;
            tx.dead_page(&DeadFilter::default(), None, 1).await?;
            tx.operation_page(None, i64::MAX, 1).await?;
            tx.operation_page(Some("s"), i64::MAX, 1).await?;
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
            tx.document_count(DocumentState::Delivered).await.map(drop)
        })
    });
    done.await.expect("done");
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
    let config = DbConfig {
        url: format!("sqlite://{}", path.display()),
        read_connections: 1,
    };
    Db::migrate(&config).await.expect("migrated");
    let db = Db::open(&config).await.expect("open");
    do_everything(&db).await;
    db.close().await.expect("closed");

    let noted = NOTED.take();
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
        if steps.iter().any(|step| !good(step)) {
            bad.push((name, sql, steps));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

fn good(step: &str) -> bool {
    // `e` is no table, but the list of stores that `store_figures` has counted by then.
    let no_table = ["SCAN e", "SCAN CONSTANT ROW"].contains(&step);
    let whole_table = step.starts_with("SCAN") && !step.contains(" INDEX ") && !no_table;
    let sorts = step.contains("TEMP B-TREE");
    !whole_table && !sorts
}
