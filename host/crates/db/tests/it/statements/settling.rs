//! Which statements a settlement tells: each once, and none is left out.

use super::reader::{Office, file, header, line};
use crate::runs::{add, close, end, lease_of, run};
use crate::stage::Stage;
use galleria_app::feeds::SettlementPages;
use galleria_app::plugins::{Feed as _, SettlementRow};
use galleria_app::records::{RunRow, RunState};
use galleria_domain::MatchingRules;
use galleria_domain::plugin::Point;
use std::sync::Arc;

on_both!(
    a_statement_is_told_once_however_late_it_comes,
    a_report_tells_its_window_alone,
);

/// Begins a settlement over a window, of a slot that has the window's name: none is told by another.
pub async fn begun(stage: &Stage, store: Option<&str>, first: &str, last: &str) -> RunRow {
    let id = format!("{first}/{last}/{store:?}");
    let asked = RunRow {
        retailer: "r1".into(),
        subscriber: id.clone(),
        point: Point::WriteSettlement,
        store_id: store.unwrap_or_default().into(),
        first: first.into(),
        last: last.into(),
        ..run(&id, 0)
    };
    begin(stage, &asked).await;
    asked
}

async fn begin(stage: &Stage, asked: &RunRow) {
    assert!(add(stage, asked).await);
    let late = asked.point == Point::WriteSettlement;
    write_tx!(stage, [asked], |tx| tx
        .settlement_choose(&asked, late)
        .await)
    .expect("chosen");
}

pub fn pages(stage: &Stage, run: &RunRow) -> SettlementPages {
    let store = (!run.store_id.is_empty()).then(|| run.store_id.clone());
    let records = Arc::new(stage.db.clone());
    SettlementPages::new(records, run.id.clone(), store, Arc::new(|_| {}))
}

async fn told(stage: &Stage, run: &RunRow) -> Vec<SettlementRow> {
    let mut pages = pages(stage, run);
    let read = move || {
        let mut rows = Vec::new();
        loop {
            let page = pages.next(4).expect("a page");
            if page.is_empty() {
                return rows;
            }
            rows.extend(page);
        }
    };
    tokio::task::spawn_blocking(read).await.expect("read")
}

/// Everything that a settlement over a window tells.
pub async fn settlement(
    stage: &Stage,
    store: Option<&str>,
    first: &str,
    last: &str,
) -> Vec<SettlementRow> {
    told(stage, &begun(stage, store, first, last).await).await
}

/// A run of one slot over a day of November.
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

async fn import(stage: &Stage, reference: &str, day: u8) {
    let office = Office::new(Arc::new(stage.db.clone()), MatchingRules::default());
    let mut header = header(reference, None);
    header.paid_on = format!("2026-11-{day:02}");
    let text = file(&header, &[line(2, reference, 1_000)]);
    office.import(reference, &text).await.expect("imported");
}

async fn ended(stage: &Stage, run: &RunRow) {
    let taken = write_tx!(stage, [run], |tx| tx
        .run_take(&run.id, "me", crate::rows::at(0), crate::rows::at(100))
        .await);
    let attempt = taken.expect("asked").expect("free").attempts;
    let lease = lease_of(&run.id, "me", attempt);
    assert!(close(stage, &lease, &end(RunState::Ended, 1)).await);
}

async fn names(stage: &Stage, run: &RunRow) -> Vec<String> {
    let rows = told(stage, run).await;
    rows.into_iter().map(|row| row.statement).collect()
}

async fn a_statement_is_told_once_however_late_it_comes(stage: &Stage) {
    let day = |day| daily(Point::WriteSettlement, day);
    import(stage, "old", 1).await;
    import(stage, "first", 20).await;
    begin(stage, &day(20)).await;
    ended(stage, &day(20)).await;
    // Between the runs come one of that day, one of the next, and one of a day that is to be run yet.
    import(stage, "late", 20).await;
    import(stage, "next", 21).await;
    import(stage, "ahead", 22).await;
    begin(stage, &day(22)).await;
    assert_eq!(names(stage, &day(20)).await, ["first"]);
    assert_eq!(names(stage, &day(22)).await, ["late", "ahead"]);
    begin(stage, &day(21)).await;
    assert_eq!(names(stage, &day(21)).await, ["next"]);
    for day in [day(21), day(22)] {
        ended(stage, &day).await;
    }
    import(stage, "last", 20).await;
    begin(stage, &day(23)).await;
    // What was paid out before the first run of all is nobody's: it was never asked for.
    assert_eq!(names(stage, &day(23)).await, ["last"]);
    // What a run tells was fixed when it began.
    import(stage, "later", 23).await;
    assert_eq!(names(stage, &day(23)).await, ["last"]);
}

async fn a_report_tells_its_window_alone(stage: &Stage) {
    let day = |day| daily(Point::Report, day);
    begin(stage, &day(20)).await;
    ended(stage, &day(20)).await;
    import(stage, "late", 20).await;
    import(stage, "next", 21).await;
    begin(stage, &day(21)).await;
    assert_eq!(names(stage, &day(21)).await, ["next"]);
}
