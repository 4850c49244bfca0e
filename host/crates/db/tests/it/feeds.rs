//! The feeds of runs end at the deadline of the call, whatever their filters reject.

use crate::products;
use crate::rows::{self, at};
use crate::stage::Stage;
use crate::statements::settling;
use async_trait::async_trait;
use galleria_app::feeds::{
    ActivityPages, FeedWindow, ProductPages, Progress, SaleLinePages, SettlementPages,
};
use galleria_db::Db;
use galleria_ports::Error;
use galleria_ports::clock::{Clock as _, DrivenClock, later};
use galleria_ports::plugins::{Deadline, Feed};
use galleria_ports::records::{ActivityKind, ActivityRow, OrderStatus, Records, Work};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

on_both!(
    feeds_that_reject_all_rows_end_at_the_deadline,
    feeds_that_reject_all_rows_end_when_their_run_is_stopped,
    feeds_without_a_deadline_reach_their_end,
    activities_have_their_stores,
);

/// The rows of each feed, all of which it rejects.
const ROWS: u32 = 15;

/// The duration of a query.
const QUERY: Duration = Duration::from_secs(1);

/// A database on which queries take time of a driven clock.
struct Slow {
    db: Db,
    clock: DrivenClock,
    queries: AtomicU32,
    /// The number of queries after which the run is stopped.
    stop_after: u32,
    stop: AtomicBool,
}

#[async_trait]
impl Records for Slow {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        self.db.write_work(work).await
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        self.clock.advance(QUERY);
        let queries = self.queries.fetch_add(1, Ordering::Relaxed) + 1;
        self.stop
            .store(queries >= self.stop_after, Ordering::Relaxed);
        self.db.read_work(work).await
    }
}

/// A call that begins now.
struct Call {
    records: Arc<Slow>,
    until: Timestamp,
}

impl Call {
    fn begin(db: &Db, limit: Duration, stop_after: u32) -> Self {
        let clock = DrivenClock::new(at(0));
        Self {
            until: later(clock.now(), limit),
            records: Arc::new(Slow {
                db: db.clone(),
                clock,
                queries: AtomicU32::new(0),
                stop_after,
                stop: AtomicBool::new(false),
            }),
        }
    }
}

impl Deadline for Call {
    fn check(&self) -> Result<(), Error> {
        if self.records.clock.now() > self.until {
            return Err(Error::Stopped);
        }
        self.records.stop.check()
    }
}

fn nobody() -> Progress {
    Arc::new(|rows| assert_eq!(rows, 0, "a rejected row was counted"))
}

/// All stores of the retailer, none of which is covered.
fn window() -> FeedWindow {
    FeedWindow {
        retailer: "r".into(),
        store: None,
        covered: Some(Arc::new(BTreeSet::new())),
        first: "2026-11-01".into(),
        last: "2026-11-30".into(),
        as_of: at(1_000),
    }
}

async fn insert(stage: &Stage) {
    let store = rows::store("s1", "r");
    let line = |number| rows::sale_line("s1", "2026-11-24", "10:00", "p1", number);
    let lines: Vec<_> = (1..=ROWS).map(line).collect();
    let activity = |n: u32| ActivityRow {
        store_id: "s1".into(),
        business_date: "2026-11-24".into(),
        begun_at: at(n.into()),
        kind: ActivityKind::Sale,
        id: format!("without-body-{n}"),
        accepted_at: at(0),
    };
    let activities: Vec<_> = (1..=ROWS).map(activity).collect();
    write_tx!(stage, [store, lines, activities], |tx| {
        tx.store_put(&store).await?;
        tx.sale_line_insert_many(&lines).await?;
        for activity in &activities {
            tx.activity_insert(activity).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let app = products::new_app(stage).await;
    let mut file = products::HEADER.to_owned();
    for n in 1..=ROWS {
        _ = writeln!(file, "sku-{n},,A,,,1,EUR,,,");
    }
    let imported = products::import(&app, products::request(), &file).await;
    imported.expect("products");
    for n in 1..=ROWS {
        settling::import(stage, &format!("payout-{n}"), 20).await;
    }
}

/// Reads one batch of one row. Returns the number of queries, and whether the feed ended.
async fn next<T: Send + 'static>(
    call: Call,
    mut feed: impl Feed<T> + 'static,
) -> (u32, Result<bool, Error>) {
    let read = move || {
        let ended = feed.next(1, &call).map(|rows| rows.is_empty());
        (call.records.queries.load(Ordering::Relaxed), ended)
    };
    tokio::task::spawn_blocking(read).await.expect("read")
}

/// One call of each feed.
async fn each(
    stage: &Stage,
    limit: Duration,
    stop_after: u32,
) -> Vec<(&'static str, u32, Result<bool, Error>)> {
    insert(stage).await;
    // A store without lines, and a catalogue before its first version.
    let run = settling::start_run(stage, Some("elsewhere"), "2026-11-20", "2026-11-20").await;
    let early = FeedWindow {
        as_of: Timestamp::UNIX_EPOCH,
        ..window()
    };
    let begin = || {
        let call = Call::begin(&stage.db, limit, stop_after);
        let records = Arc::clone(&call.records) as Arc<dyn Records>;
        (call, records)
    };
    let mut all = Vec::new();
    let mut add = |name, (queries, ended)| all.push((name, queries, ended));
    let (call, records) = begin();
    let feed = SaleLinePages::new(records, window(), nobody());
    add("sale-lines", next(call, feed).await);
    let (call, records) = begin();
    let feed = ActivityPages::new(records, window(), nobody());
    add("activities", next(call, feed).await);
    let (call, records) = begin();
    let feed = ProductPages::new(records, early, None, None, nobody());
    add("products", next(call, feed).await);
    let (call, records) = begin();
    let store = Some(run.store_id.clone());
    let feed = SettlementPages::new(records, run.id, store, nobody());
    add("settlement", next(call, feed).await);
    all
}

async fn feeds_that_reject_all_rows_end_at_the_deadline(stage: &Stage) {
    for (name, queries, ended) in each(stage, 10 * QUERY, u32::MAX).await {
        assert!(matches!(ended, Err(Error::Stopped)), "{name}: {ended:?}");
        assert_eq!(queries, 11, "{name}");
    }
}

async fn feeds_that_reject_all_rows_end_when_their_run_is_stopped(stage: &Stage) {
    for (name, queries, ended) in each(stage, Duration::MAX, 5).await {
        assert!(matches!(ended, Err(Error::Stopped)), "{name}: {ended:?}");
        assert_eq!(queries, 5, "{name}");
    }
}

async fn feeds_without_a_deadline_reach_their_end(stage: &Stage) {
    for (name, queries, ended) in each(stage, Duration::MAX, u32::MAX).await {
        assert!(matches!(ended, Ok(true)), "{name}: {ended:?}");
        assert!(queries > ROWS, "{name}: {queries}");
    }
}

async fn activities_have_their_stores(stage: &Stage) {
    let payment = |store: &str| {
        let mut order = rows::bare_order(&format!("o-{store}"), store);
        order.status = OrderStatus::Paid;
        let payment = rows::payment(&format!("p-{store}"), &order.id);
        (rows::store(store, "r"), order, payment)
    };
    let all: Vec<_> = ["a", "b", "c"].map(payment).into();
    write_tx!(stage, [all], |tx| {
        for (store, order, payment) in &all {
            tx.store_put(store).await?;
            tx.order_insert(order).await?;
            tx.payment_insert(payment).await?;
            let activity = ActivityRow {
                store_id: store.id.clone(),
                business_date: "2026-11-24".into(),
                begun_at: at(0),
                kind: ActivityKind::Sale,
                id: payment.id.clone(),
                accepted_at: at(0),
            };
            tx.activity_insert(&activity).await?;
        }
        Ok(())
    })
    .expect("inserted");
    let call = Call::begin(&stage.db, Duration::MAX, u32::MAX);
    let covered = ["a".to_owned(), "c".to_owned()].into();
    let window = FeedWindow {
        covered: Some(Arc::new(covered)),
        ..window()
    };
    let records = Arc::clone(&call.records) as Arc<dyn Records>;
    let mut feed = ActivityPages::new(records, window, Arc::new(|_| {}));
    let read = move || {
        let rows = feed.next(100, &call).expect("rows");
        let ids = rows.into_iter().map(|(store, _)| store.external_id);
        (
            ids.collect::<Vec<_>>(),
            call.records.queries.load(Ordering::Relaxed),
        )
    };
    let read = tokio::task::spawn_blocking(read).await.expect("read");
    assert_eq!(read, (vec!["Xa".to_owned(), "Xc".to_owned()], 1));
}
