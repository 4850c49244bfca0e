//! Activities of stores in pages, and the migration that created them.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_domain::{Activity, Verification};
use galleria_ports::Error;
use galleria_ports::records::{
    ActivityCursor, ActivityKind, ActivityRow, OrderStatus, VerificationRow,
};
use jiff::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

on_both!(
    pages_have_no_gaps_and_no_overlaps,
    an_activity_has_the_body_of_its_table,
    activities_without_body_are_skipped,
    a_verification_is_inserted_once,
    the_migration_creates_activities,
);

const STORES: [(&str, &str); 5] = [("B", "r"), ("a", "r"), ("b", "q"), ("b-1", "r"), ("é", "r")];

const KINDS: [(ActivityKind, &str); 5] = [
    (ActivityKind::Sale, "sale"),
    (ActivityKind::Refund, "refund"),
    (ActivityKind::Void, "void"),
    (ActivityKind::Shift, "shift"),
    (ActivityKind::Verification, "verification"),
];

fn row(store: &str, date: &str, begun: i64, kind: ActivityKind, id: &str) -> ActivityRow {
    ActivityRow {
        store_id: store.into(),
        business_date: date.into(),
        begun_at: at(begun),
        kind,
        id: id.into(),
        accepted_at: at(0),
    }
}

fn verification(id: &str, order_id: &str) -> VerificationRow {
    VerificationRow {
        id: id.into(),
        order_id: order_id.into(),
        store_id: "s1".into(),
        verification: Verification {
            sale: rows::sale("p1"),
            business_date: "2026-11-25".into(),
            cashier: "op".into(),
            outcome: "corrected".into(),
            refused_lines: vec![1],
            at: "2026-11-25T00:10:00.000+01:00".into(),
        },
        occurred_at: at(20),
        accepted_at: at(21),
    }
}

/// Reads all cursors of a window, page by page.
async fn read(
    stage: &Stage,
    window: (Option<&'static str>, &'static str, &'static str, i64),
    limit: u32,
) -> Vec<ActivityCursor> {
    let (store, first, last, as_of) = window;
    let (mut all, mut after) = (Vec::new(), ActivityCursor::default());
    loop {
        let page = read_tx!(stage, [after], |tx| {
            tx.activity_list("r", store, first, last, at(as_of), &after, limit)
                .await
        })
        .expect("a page");
        assert!(page.activities.len() <= limit as usize);
        let Some(last) = page.last else {
            assert!(page.activities.is_empty());
            return all;
        };
        assert!(all.last() < Some(&last));
        after = last.clone();
        all.push(last);
    }
}

async fn pages_have_no_gaps_and_no_overlaps(stage: &Stage) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut added = Vec::new();
    for n in 0..150 {
        let store = STORES[random.random_range(0..STORES.len())].0;
        let date = format!("2026-11-{:02}", random.random_range(1..=4));
        let kind = KINDS[random.random_range(0..KINDS.len())].0;
        let begun = random.random_range(0..3);
        let mut activity = row(store, &date, begun, kind, &format!("i{n}"));
        activity.accepted_at = at(n);
        added.push(activity);
    }
    write_tx!(stage, [added], |tx| {
        for (id, retailer) in STORES {
            tx.store_put(&rows::store(id, retailer)).await?;
        }
        for activity in &added {
            tx.activity_insert(activity).await?;
        }
        Ok(())
    })
    .expect("added");
    for window in [
        (None, "2026-11-01", "2026-11-04", 1_000),
        (None, "2026-11-02", "2026-11-03", 70),
        (Some("b-1"), "2026-11-01", "2026-11-04", 100),
        (Some("b"), "2026-11-01", "2026-11-04", 1_000),
    ] {
        let (store, first, last, as_of) = window;
        let in_window = |row: &&ActivityRow| {
            store.is_none_or(|id| id == row.store_id)
                && row.store_id != "b"
                && (first..=last).contains(&&*row.business_date)
                && row.accepted_at <= at(as_of)
        };
        let mut expected: Vec<_> = added.iter().filter(in_window).map(key).collect();
        expected.sort();
        // Pages of one row return every cursor, larger pages only the last.
        assert_eq!(read(stage, window, 1).await, expected, "{window:?}");
        let last = read(stage, window, 7).await.pop();
        assert_eq!(last.as_ref(), expected.last(), "{window:?}");
    }
}

fn key(row: &ActivityRow) -> ActivityCursor {
    let kind = KINDS.iter().find(|(kind, _)| *kind == row.kind);
    ActivityCursor {
        store_id: row.store_id.clone(),
        business_date: row.business_date.clone(),
        begun_ms: row.begun_at.as_millisecond(),
        kind: kind.expect("a kind").1.into(),
        id: row.id.clone(),
    }
}

/// Inserts a day with a row of each kind and a training order, but no activities.
async fn insert_day(stage: &Stage) {
    let store = rows::store("s1", "r");
    let mut order = rows::bare_order("o1", "s1");
    order.status = OrderStatus::Paid;
    let training = rows::full_order("o2", "s1");
    assert!(training.training);
    let payments = [rows::payment("p1", "o1"), rows::payment("p2", "o2")];
    let mut waiting = rows::bare_refund("r0", "o1");
    waiting.reason = "waits".into();
    let mut early = rows::full_refund("r1", "o1");
    // Accepted before the payment that made it an activity.
    early.accepted_at = at(-5);
    let refunds = [waiting, early, rows::full_refund("r2", "o2")];
    let void = rows::void("v1");
    let mut shift = rows::shift("d1", "s1");
    shift.closed = Some(rows::closed("d1"));
    shift.closed_at = Some(at(30));
    let open = rows::shift("d2", "s1");
    let verified = verification("f1", "o1");
    write_tx!(
        stage,
        [
            store, order, training, payments, refunds, void, shift, open, verified
        ],
        |tx| {
            tx.store_put(&store).await?;
            tx.order_insert(&order).await?;
            tx.order_insert(&training).await?;
            for payment in &payments {
                tx.payment_insert(payment).await?;
            }
            for refund in &refunds {
                tx.refund_insert(refund).await?;
            }
            tx.void_insert(&void).await?;
            tx.shift_insert(&shift).await?;
            tx.shift_insert(&open).await?;
            tx.verification_insert(&verified).await
        }
    )
    .expect("a day");
}

async fn all(stage: &Stage) -> Vec<Activity> {
    let page = read_tx!(stage, [], |tx| {
        let after = ActivityCursor::default();
        tx.activity_list("r", None, "", "9", Timestamp::MAX, &after, 100)
            .await
    });
    let activities = page.expect("a page").activities.into_iter();
    activities
        .map(|(store, activity)| {
            assert_eq!(store, "s1");
            activity
        })
        .collect()
}

async fn an_activity_has_the_body_of_its_table(stage: &Stage) {
    insert_day(stage).await;
    let ids = ["p1", "r1", "v1", "d1", "f1"];
    let added: Vec<_> = KINDS
        .iter()
        .zip(ids)
        .enumerate()
        .map(|(n, ((kind, _), id))| row("s1", "2026-11-24", n as i64, *kind, id))
        .collect();
    write_tx!(stage, [added], |tx| {
        for activity in &added {
            tx.activity_insert(activity).await?;
        }
        Ok(())
    })
    .expect("added");
    let expected = [
        Activity::Sale(rows::sale("p1")),
        Activity::Refund(rows::refund("r1")),
        Activity::Cancellation(rows::void("v1").cancellation),
        Activity::Shift(rows::closed("d1")),
        Activity::Verification(verification("f1", "o1").verification),
    ];
    assert_eq!(all(stage).await, expected);
}

async fn activities_without_body_are_skipped(stage: &Stage) {
    insert_day(stage).await;
    let without_body = row("s1", "2026-11-24", 1, ActivityKind::Sale, "deleted");
    let with_body = row("s1", "2026-11-24", 2, ActivityKind::Sale, "p1");
    write_tx!(stage, [without_body, with_body], |tx| {
        tx.activity_insert(&without_body).await?;
        tx.activity_insert(&with_body).await
    })
    .expect("added");
    let page = read_tx!(stage, [], |tx| {
        let after = ActivityCursor::default();
        tx.activity_list("r", None, "", "9", Timestamp::MAX, &after, 1)
            .await
    })
    .expect("a page");
    assert_eq!(page.activities, []);
    assert_eq!(page.last.map(|last| last.id).as_deref(), Some("deleted"));
    assert_eq!(all(stage).await, [Activity::Sale(rows::sale("p1"))]);
}

async fn a_verification_is_inserted_once(stage: &Stage) {
    let verified = verification("f1", "o1");
    write_tx!(stage, [verified], |tx| tx
        .verification_insert(&verified)
        .await)
    .expect("inserted");
    let duplicate = write_tx!(stage, [verified], |tx| tx
        .verification_insert(&verified)
        .await);
    assert!(matches!(
        duplicate,
        Err(Error::Exists {
            what: "verification",
            ..
        })
    ));
    let result = read_tx!(stage, [], |tx| tx.verification_get("f1").await).expect("read");
    assert_eq!(result, Some(verified));
}

async fn the_migration_creates_activities(stage: &Stage) {
    insert_day(stage).await;
    let text = include_str!("../../migrations/0003_activities.sql");
    let json = match stage.config.url.starts_with("sqlite:") {
        true => "",
        false => "::json",
    };
    let lines = text.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n").replace("{json}", json);
    for insert in text.split(';').filter(|text| text.contains("INSERT")) {
        stage.run(insert.to_owned().leak()).await;
    }
    let result = stage
        .rows("SELECT kind || ' ' || id || ' ' || business_date, accepted_ms FROM activities ORDER BY begun_ms")
        .await;
    let ms = |ms: i64| at(ms).as_millisecond();
    assert_eq!(
        result,
        [
            ("sale p1 2026-11-24".into(), ms(4)),
            ("refund r1 2026-11-24".into(), ms(4)),
            ("void v1 2026-11-24".into(), ms(8)),
            ("shift d1 2026-11-24".into(), ms(30)),
        ]
    );
    assert_eq!(all(stage).await.len(), 4);
}
