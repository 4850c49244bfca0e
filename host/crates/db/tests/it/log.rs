//! The outbox as a log; positions, effects, counters, journal, blobs, store metrics, dead letters.

use crate::rows::{self, at};
use crate::stage::Stage;
use futures_util::future::join_all;
use galleria_domain::Event;
use galleria_domain::trace::Origin;
use galleria_ports::Error;
use galleria_ports::records::{
    Claim, DeadLetter, DeadLetterCursor, DeadLetterFilter, DocumentState, OperationFilter,
    OperationRow, Outcome, ParkedEvent, ParkedState, StoreMetrics,
};
use galleria_ports::trace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

on_both!(
    events_are_read_in_order_by_topic,
    parked_events_and_dead_letters_keep_the_origin,
    an_event_is_appended_once,
    a_reader_misses_no_concurrent_append,
    a_position_never_moves_back,
    an_effect_is_claimed_once,
    a_counter_assigns_one_number_to_an_event,
    attempts_are_listed_oldest_first,
    a_blob_is_stored_once_under_its_digest,
    store_metrics_count_events_documents_and_cpu,
    dead_letters_are_listed_until_removed,
    operations_are_listed_newest_first,
);

async fn append(stage: &Stage, id: &str, topic: &str) -> Result<(), Error> {
    let event = rows::new_event(id, topic);
    write_tx!(stage, [event], |tx| tx.event_append(&event, at(5)).await)
}

async fn page(stage: &Stage, topics: &[&str], after: i64, limit: u32) -> Vec<Event> {
    let topics: Vec<String> = topics.iter().map(ToString::to_string).collect();
    read_tx!(stage, [topics], |tx| tx
        .event_list(&topics, after, limit)
        .await)
    .expect("a page")
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

async fn events_are_read_in_order_by_topic(stage: &Stage) {
    for (id, topic) in [
        ("e1", "a"),
        ("e2", "b"),
        ("e3", "c"),
        ("e4", "a"),
        ("e5", "b"),
    ] {
        append(stage, id, topic).await.expect("appended");
    }
    let both = page(stage, &["b", "a", "b"], 0, 9).await;
    assert_eq!(ids(&both), ["e1", "e2", "e4", "e5"]);
    assert!(both.is_sorted_by(|one, next| one.position < next.position));
    let expected = Event {
        position: both[0].position,
        server_timestamp: at(5).as_millisecond(),
        topic: "a".into(),
        ..rows::event("e1", 1)
    };
    assert_eq!(both[0], expected);

    assert_eq!(
        ids(&page(stage, &["a", "b"], 0, 3).await),
        ["e1", "e2", "e4"]
    );
    let after = both[1].position;
    assert_eq!(ids(&page(stage, &["a", "b"], after, 1).await), ["e4"]);
    assert_eq!(ids(&page(stage, &["a", "b"], after, 9).await), ["e4", "e5"]);
    assert!(page(stage, &[], 0, 9).await.is_empty());
    assert!(page(stage, &["a"], both[3].position, 9).await.is_empty());

    let third = read_tx!(stage, [], |tx| tx.event_get("e3").await).expect("read");
    assert_eq!(third.expect("the third").topic, "c");
}

async fn parked_events_and_dead_letters_keep_the_origin(stage: &Stage) {
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let origin = Origin {
        trace: Some(text.parse().expect("a trace")),
        request: Some("till-7/1".into()),
    };
    let within = trace::within(origin.clone(), append(stage, "traced", "a"));
    within.await.expect("appended");
    append(stage, "alone", "a").await.expect("appended");
    let events = page(stage, &["a"], 0, 9).await;
    assert_eq!(events[0].origin, origin);
    assert_eq!(events[1].origin, Origin::default());
    let event = events[0].clone();
    let parked = ParkedEvent {
        event: event.clone(),
        ..rows::parked("traced", "l", event.position, ParkedState::Retry)
    };
    let letter = DeadLetter {
        event,
        ..rows::letter("traced", 9)
    };
    write_tx!(stage, [parked, letter], |tx| {
        tx.parked_put(&parked).await?;
        tx.dead_letter_put(&letter).await
    })
    .expect("written");
    let due = read_tx!(stage, [], |tx| tx.parked_due("g", at(1_000), 9).await).expect("due");
    assert_eq!(due[0].event.origin, origin);
    let all = DeadLetterFilter::default();
    let dead = read_tx!(stage, [all], |tx| tx.dead_letter_list(&all, None, 9).await).expect("dead");
    assert_eq!(dead[0].event.origin, origin);
}

async fn an_event_is_appended_once(stage: &Stage) {
    append(stage, "e1", "a").await.expect("appended");
    let duplicate = append(stage, "e1", "b").await;
    assert!(
        matches!(duplicate, Err(Error::Exists { what: "event", .. })),
        "{duplicate:?}"
    );
    let minimal = galleria_domain::NewEvent {
        key: None,
        store: None,
        ..rows::new_event("e2", "a")
    };
    // The work may ignore this error and commit the rest.
    write_tx!(stage, [minimal], |tx| {
        let exists = tx.event_append(&rows::new_event("e1", "a"), at(6)).await;
        assert!(matches!(exists, Err(Error::Exists { .. })));
        tx.event_append(&minimal, at(6)).await
    })
    .expect("appended");
    let events = page(stage, &["a", "b"], 0, 9).await;
    assert_eq!(ids(&events), ["e1", "e2"]);
    assert_eq!((&events[1].key, &events[1].store), (&None, &None));
}

/// Appending transactions last for different times: no event may appear before a position that a reader
/// has passed.
async fn a_reader_misses_no_concurrent_append(stage: &Stage) {
    const WRITERS: u64 = 12;
    let done = AtomicBool::new(false);
    let write = |number: u64| async move {
        let event = rows::new_event(&format!("e{number}"), ["a", "b"][(number % 2) as usize]);
        write_tx!(stage, [event], |tx| {
            tokio::time::sleep(Duration::from_millis(number * 7 % 11)).await;
            tx.event_append(&event, at(1)).await?;
            tokio::time::sleep(Duration::from_millis(number * 5 % 13)).await;
            Ok(())
        })
        .expect("appended");
    };
    let writers = async {
        for round in 0..4 {
            join_all((0..WRITERS).map(|one| write(round * WRITERS + one))).await;
        }
        done.store(true, Ordering::SeqCst);
    };
    let reader = async {
        let (mut seen, mut after) = (0, 0);
        loop {
            let last_pass = done.load(Ordering::SeqCst);
            let events = page(stage, &["a", "b"], after, 5).await;
            seen += events.len() as u64;
            after = events.last().map_or(after, |event| event.position);
            if last_pass && events.is_empty() {
                return seen;
            }
        }
    };
    let ((), seen) = tokio::join!(writers, reader);
    assert_eq!(seen, 4 * WRITERS);
}

async fn a_position_never_moves_back(stage: &Stage) {
    let get = || async { read_tx!(stage, [], |tx| tx.position_get("g").await).expect("read") };
    assert_eq!(get().await, 0);
    for (set, then) in [(0, 0), (7, 7), (3, 7), (7, 7), (8, 8), (0, 8)] {
        write_tx!(stage, [], |tx| tx.position_set("g", set).await).expect("set");
        assert_eq!(get().await, then);
    }
    let other = read_tx!(stage, [], |tx| tx.position_get("other").await).expect("read");
    assert_eq!(other, 0);
}

async fn an_effect_is_claimed_once(stage: &Stage) {
    let claim = |subscriber: &'static str, outcome: Outcome| async move {
        write_tx!(stage, [], |tx| tx
            .effect_claim("e1", subscriber, outcome, at(1))
            .await)
        .expect("claimed")
    };
    let failed: Result<(), Error> = write_tx!(stage, [], |tx| {
        tx.effect_claim("e1", "a", Outcome::Skipped, at(1)).await?;
        Err(Error::Internal("no".into()))
    });
    failed.expect_err("failed");
    let all = join_all((0..8).map(|_| claim("a", Outcome::Applied))).await;
    assert_eq!(all.iter().filter(|claim| **claim == Claim::New).count(), 1);
    assert_eq!(claim("b", Outcome::Discarded).await, Claim::New);
    assert_eq!(claim("b", Outcome::Applied).await, Claim::Existing);
    assert_eq!(claim("c", Outcome::Skipped).await, Claim::New);
    let outcomes = read_tx!(stage, [], |tx| {
        let mut outcomes = Vec::new();
        for subscriber in ["a", "b", "c", "d"] {
            outcomes.push(tx.effect_get("e1", subscriber).await?);
        }
        Ok(outcomes)
    });
    let [applied, discarded, skipped] =
        [Outcome::Applied, Outcome::Discarded, Outcome::Skipped].map(Some);
    assert_eq!(outcomes.expect("read"), [applied, discarded, skipped, None]);
}

async fn a_counter_assigns_one_number_to_an_event(stage: &Stage) {
    let take = |event: &'static str, subscriber: &'static str, name: &'static str| async move {
        write_tx!(stage, [], |tx| tx
            .counter_take(event, subscriber, "scope", name)
            .await)
        .expect("a number")
    };
    // Concurrent attempts of one event, as after a lost lease.
    let same = join_all((0..6).map(|_| take("e1", "a", "z"))).await;
    assert_eq!(same, [1; 6]);
    assert_eq!(take("e2", "a", "z").await, 2);
    assert_eq!(take("e1", "a", "z").await, 1);
    assert_eq!(take("e1", "b", "z").await, 3);
    assert_eq!(take("e1", "a", "y").await, 1);
    let entry = write_tx!(stage, [], |tx| tx.number_next("scope", "z").await).expect("a number");
    assert_eq!(entry, 1, "the host's own numbers are separate");
}

async fn attempts_are_listed_oldest_first(stage: &Stage) {
    let mut all = vec![
        rows::journal("e2", 1),
        rows::journal("e1", 1),
        rows::journal("e1", 2),
    ];
    all[2].detail = None;
    all[2].decision = None;
    let mut elsewhere = rows::journal("e1", 3);
    elsewhere.order_id = None;
    elsewhere.subscriber = "a".into();
    let inserted = [all.clone(), vec![elsewhere]].concat();
    write_tx!(stage, [inserted], |tx| {
        for row in &inserted {
            tx.journal_insert(row).await?;
        }
        Ok(())
    })
    .expect("written");
    let rows = read_tx!(stage, [], |tx| tx.journal_list_by_order("o1").await).expect("read");
    assert_eq!(rows, all);
    let rows = read_tx!(stage, [], |tx| tx.journal_list_by_event("e1").await).expect("read");
    let expected: Vec<_> = inserted.iter().filter(|row| row.event_id == "e1").collect();
    assert_eq!(rows.iter().collect::<Vec<_>>(), expected);
    let none = read_tx!(stage, [], |tx| tx.journal_list_by_event("e3").await).expect("read");
    assert_eq!(none, []);
}

async fn a_blob_is_stored_once_under_its_digest(stage: &Stage) {
    let blobs = write_tx!(stage, [], |tx| {
        tx.blob_put_many(&[("d1", "first")], at(1)).await?;
        tx.blob_put_many(&[("d1", "second")], at(2)).await?;
        tx.blob_put_many(&[("d1", "third")], at(200_000_000))
            .await?;
        Ok((tx.blob_get("d1").await?, tx.blob_get("d2").await?))
    });
    assert_eq!(blobs.expect("read"), (Some("first".into()), None));
}

async fn store_metrics_count_events_documents_and_cpu(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        for (id, store) in [
            ("e1", "s2"),
            ("e2", "s2"),
            ("e2/slot/1", "s2"),
            ("e3", "s1"),
        ] {
            let mut event = rows::new_event(id, "t");
            event.store = Some(store.into());
            tx.event_append(&event, at(1)).await?;
        }
        let mut event = rows::new_event("e4", "t");
        event.store = None;
        tx.event_append(&event, at(1)).await?;
        for id in ["d1", "d2", "d3"] {
            let mut document = rows::document(id);
            document.store_id = "s2".into();
            document.state = match id {
                "d3" => DocumentState::Pending,
                _ => DocumentState::Delivered,
            };
            tx.document_insert_many(std::slice::from_ref(&document))
                .await?;
        }
        for attempt in 1..=3 {
            tx.journal_insert(&rows::journal("e3", attempt)).await?;
        }
        Ok(())
    })
    .expect("written");
    let metrics = |store_id: &str, events, documents, cpu_us| StoreMetrics {
        store_id: store_id.into(),
        events,
        documents,
        cpu_us,
    };
    let rows = read_tx!(stage, [], |tx| tx.store_metrics().await).expect("read");
    assert_eq!(rows, [metrics("s1", 1, 0, 3_000), metrics("s2", 2, 2, 0)]);
}

async fn dead_letters_are_listed_until_removed(stage: &Stage) {
    for (id, died) in [("e2", 20), ("e1", 10), ("e3", 30)] {
        let letter = rows::letter(id, died);
        write_tx!(stage, [letter], |tx| tx.dead_letter_put(&letter).await).expect("put");
    }
    let mut renewed = rows::letter("e1", 40);
    renewed.code = "timed_out".into();
    renewed.attempts = 9;
    renewed.event.key = None;
    renewed.event.store = None;
    let (all, two, one, count) = write_tx!(stage, [renewed], |tx| {
        tx.dead_letter_put(&renewed).await?;
        Ok((
            tx.dead_letter_list(&DeadLetterFilter::default(), None, 9)
                .await?,
            tx.dead_letter_list(&DeadLetterFilter::default(), None, 2)
                .await?,
            tx.dead_letter_get("e1", "slot").await?,
            tx.dead_letter_count().await?,
        ))
    })
    .expect("renewed");
    let expected = [
        rows::letter("e2", 20),
        rows::letter("e3", 30),
        renewed.clone(),
    ];
    assert_eq!((&all[..], &two[..]), (&expected[..], &expected[..2]));
    assert_eq!((one, count), (Some(renewed.clone()), 3));
    let after = DeadLetterCursor {
        died_at: at(20),
        position: expected[0].event.position,
        subscriber: "slot".into(),
    };
    let filtered = |filter: DeadLetterFilter, after: Option<DeadLetterCursor>| async move {
        read_tx!(stage, [filter, after], |tx| {
            tx.dead_letter_list(&filter, after.as_ref(), 9).await
        })
        .expect("read")
    };
    let all = DeadLetterFilter::default();
    assert_eq!(filtered(all.clone(), Some(after)).await, expected[1..]);
    let late = DeadLetterFilter {
        code: Some("timed_out".into()),
        ..all.clone()
    };
    assert_eq!(filtered(late, None).await, expected[2..]);
    for unmatched in [
        DeadLetterFilter {
            subscriber: Some("other".into()),
            ..all.clone()
        },
        DeadLetterFilter {
            store: Some("elsewhere".into()),
            ..all.clone()
        },
        DeadLetterFilter {
            retailer: Some("another".into()),
            ..all.clone()
        },
        DeadLetterFilter {
            topic: Some("nothing".into()),
            ..all.clone()
        },
    ] {
        assert_eq!(filtered(unmatched, None).await, []);
    }
    // A letter without a store belongs to no retailer.
    let store = rows::letter("e2", 20).event.store.expect("a store");
    let store = rows::store(&store, "example");
    write_tx!(stage, [store], |tx| tx.store_put(&store).await).expect("put");
    let ours = DeadLetterFilter {
        retailer: Some("example".into()),
        ..all
    };
    assert_eq!(filtered(ours, None).await, expected[..2]);
    let removed = write_tx!(stage, [], |tx| {
        Ok([
            tx.dead_letter_remove("e1", "slot").await?,
            tx.dead_letter_remove("e1", "slot").await?,
            tx.dead_letter_remove("e2", "other").await?,
        ])
    });
    assert_eq!(removed.expect("removed"), [Some(renewed), None, None]);
    let left = read_tx!(stage, [], |tx| tx.dead_letter_count().await).expect("read");
    assert_eq!(left, 2);
}

async fn operations_are_listed_newest_first(stage: &Stage) {
    let row = |subject: &str, second: i64| OperationRow {
        at: at(second),
        actor: "ana".into(),
        action: "dead_letter_replay".into(),
        subject: subject.into(),
        reason: "settings corrected".into(),
        before: "{}".into(),
        after: r#"{"state":"parked"}"#.into(),
    };
    for operation in [row("a", 1), row("b", 2), row("a", 3)] {
        write_tx!(stage, [operation], |tx| tx
            .operation_insert(&operation)
            .await)
        .expect("inserted");
    }
    let page = |subject: Option<&'static str>, before: i64, limit: u32| async move {
        let filter = OperationFilter {
            subject: subject.map(ToOwned::to_owned),
            ..OperationFilter::default()
        };
        let page = read_tx!(stage, [filter], |tx| tx
            .operation_list(&filter, before, limit)
            .await);
        page.expect("read")
    };
    let newest = page(None, i64::MAX, 2).await;
    let rows: Vec<_> = newest.iter().map(|(_, row)| row.clone()).collect();
    assert_eq!(rows, [row("a", 3), row("b", 2)]);
    let rest = page(None, newest[1].0, 9).await;
    assert_eq!(rest.len(), 1);
    let of_subject = page(Some("a"), i64::MAX, 9).await;
    assert_eq!(
        of_subject
            .into_iter()
            .map(|(_, row)| row)
            .collect::<Vec<_>>(),
        [row("a", 3), row("a", 1)]
    );
}
