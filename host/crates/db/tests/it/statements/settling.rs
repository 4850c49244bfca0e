//! The statements of a settlement run: each exactly once.

use super::reader::{Importer, file, header, line};
use crate::runs::{add, close, end, lease_of, run};
use crate::stage::Stage;
use galleria_app::feeds::SettlementPages;
use galleria_domain::MatchingRules;
use galleria_domain::plugin::Point;
use galleria_ports::plugins::{Feed as _, SettlementRow};
use galleria_ports::records::{RunRow, RunState};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

on_both!(
    a_late_statement_is_reported_once,
    a_report_covers_only_its_window,
);

/// Starts a settlement run for a window, in a slot of its own, so that no other run affects it.
pub async fn start_run(stage: &Stage, store: Option<&str>, first: &str, last: &str) -> RunRow {
    let id = format!("{first}/{last}/{store:?}");
    let run = RunRow {
        retailer: "r1".into(),
        subscriber: id.clone(),
        point: Point::WriteSettlement,
        store_id: store.unwrap_or_default().into(),
        first: first.into(),
        last: last.into(),
        ..run(&id, 0)
    };
    insert_run(stage, &run).await;
    run
}

async fn insert_run(stage: &Stage, run: &RunRow) {
    assert!(add(stage, run).await);
    let late = run.point == Point::WriteSettlement;
    write_tx!(stage, [run], |tx| tx.settlement_select(&run, late).await).expect("selected");
}

pub fn pages(stage: &Stage, run: &RunRow) -> SettlementPages {
    let store = (!run.store_id.is_empty()).then(|| run.store_id.clone());
    let records = Arc::new(stage.db.clone());
    SettlementPages::new(records, run.id.clone(), store, Arc::new(|_| {}))
}

async fn rows(stage: &Stage, run: &RunRow) -> Vec<SettlementRow> {
    let mut pages = pages(stage, run);
    let read = move || {
        let mut rows = Vec::new();
        loop {
            let page = pages.next(4, &AtomicBool::new(false)).expect("a page");
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    };
    tokio::task::spawn_blocking(read).await.expect("read")
}

/// All rows of a settlement run for a window.
pub async fn settlement(
    stage: &Stage,
    store: Option<&str>,
    first: &str,
    last: &str,
) -> Vec<SettlementRow> {
    rows(stage, &start_run(stage, store, first, last).await).await
}

/// A run of one slot for a day in November.
fn daily(point: Point, day: u8) -> RunRow {
    let date = format!("2026-11-{day:02}");
    RunRow {
        retailer: "r1".into(),
        subscriber: "slot".into(),
        point,
        first: date.clone(),
        last: date.clone(),
        ..run(&date, 0)
    }
}

/// Imports a statement of one line.
pub async fn import(stage: &Stage, reference: &str, day: u8) {
    let importer = Importer::new(Arc::new(stage.db.clone()), MatchingRules::default());
    let mut header = header(reference, None);
    header.paid_on = format!("2026-11-{day:02}");
    let text = file(&header, &[line(2, reference, 1_000)]);
    importer.import(reference, &text).await.expect("imported");
}

async fn end_run(stage: &Stage, run: &RunRow) {
    let leased = write_tx!(stage, [run], |tx| tx
        .run_lease_by_id(&run.id, "me", crate::rows::at(0), crate::rows::at(100))
        .await);
    let attempt = leased.expect("updated").expect("a free run").attempts;
    let lease = lease_of(&run.id, "me", attempt);
    assert!(close(stage, &lease, &end(RunState::Ended, 1)).await);
}

async fn names(stage: &Stage, run: &RunRow) -> Vec<String> {
    let rows = rows(stage, run).await;
    rows.into_iter().map(|row| row.statement).collect()
}

async fn a_late_statement_is_reported_once(stage: &Stage) {
    let day = |day| daily(Point::WriteSettlement, day);
    import(stage, "old", 1).await;
    import(stage, "first", 20).await;
    insert_run(stage, &day(20)).await;
    end_run(stage, &day(20)).await;
    // Statements arrive for that day, for the next day, and for a day without a run yet.
    import(stage, "late", 20).await;
    import(stage, "next", 21).await;
    import(stage, "ahead", 22).await;
    insert_run(stage, &day(22)).await;
    assert_eq!(names(stage, &day(20)).await, ["first"]);
    assert_eq!(names(stage, &day(22)).await, ["late", "ahead"]);
    insert_run(stage, &day(21)).await;
    assert_eq!(names(stage, &day(21)).await, ["next"]);
    for day in [day(21), day(22)] {
        end_run(stage, &day).await;
    }
    import(stage, "last", 20).await;
    insert_run(stage, &day(23)).await;
    // No run covers a payout before the first run.
    assert_eq!(names(stage, &day(23)).await, ["last"]);
    // The start of a run fixes its statements.
    import(stage, "later", 23).await;
    assert_eq!(names(stage, &day(23)).await, ["last"]);
}

async fn a_report_covers_only_its_window(stage: &Stage) {
    let day = |day| daily(Point::Report, day);
    insert_run(stage, &day(20)).await;
    end_run(stage, &day(20)).await;
    import(stage, "late", 20).await;
    import(stage, "next", 21).await;
    insert_run(stage, &day(21)).await;
    assert_eq!(names(stage, &day(21)).await, ["next"]);
}
