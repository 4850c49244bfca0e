//! Parked events: which of them may be tried.

use crate::rows::{self, at};
use crate::stage::Stage;
use ParkedState::{Behind, Blocking, Retry, Waiting};
use futures_util::future::join_all;
use galleria_ports::records::{ParkedEvent, ParkedState};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

on_both!(
    an_event_is_parked_updated_and_removed,
    only_the_first_event_of_a_lane_is_due,
    a_lane_proceeds_one_event_at_a_time,
    an_event_that_moves_to_another_lane_frees_the_old_one,
    an_effect_wakes_the_events_that_wait_for_it,
    random_changes_agree_with_the_definition,
    concurrent_changes_leave_no_lane_closed,
);

async fn put(stage: &Stage, parked: &ParkedEvent) {
    write_tx!(stage, [parked], |tx| tx.parked_put(&parked).await).expect("parked");
}

async fn remove(stage: &Stage, id: &str) {
    let id = id.to_owned();
    write_tx!(stage, [id], |tx| tx.parked_remove(&id, "slot").await).expect("removed");
}

async fn due(stage: &Stage, now: i64) -> Vec<String> {
    let due = read_tx!(stage, [], |tx| tx.parked_due("g", at(now), 99).await).expect("due");
    due.into_iter().map(|parked| parked.event.id).collect()
}

async fn an_event_is_parked_updated_and_removed(stage: &Stage) {
    let mut parked = rows::parked("e1", "l", 5, Waiting);
    put(stage, &parked).await;
    let get =
        || async { read_tx!(stage, [], |tx| tx.parked_get("e1", "slot").await).expect("read") };
    assert_eq!(get().await, Some(parked.clone()));
    parked.state = Blocking;
    parked.attempts = 9;
    parked.due_at = at(77);
    parked.waits_for = None;
    parked.cause = "dead".into();
    parked.event.key = None;
    parked.event.store = None;
    put(stage, &parked).await;
    assert_eq!(get().await, Some(parked));
    put(stage, &rows::parked("e2", "l", 6, Behind)).await;
    put(stage, &rows::parked("e3", "m", 7, Retry)).await;
    let (lanes, in_lane, in_other_group, count) = read_tx!(stage, [], |tx| {
        let mut lanes = tx.parked_lane_list("g").await?;
        lanes.sort();
        Ok((
            lanes,
            tx.parked_in_lane("g", "slot", "l").await?,
            tx.parked_in_lane("h", "slot", "l").await?,
            tx.parked_count().await?,
        ))
    })
    .expect("read");
    let lane = |name: &str| ("slot".to_owned(), name.to_owned());
    assert_eq!(lanes, [lane("l"), lane("m")]);
    assert_eq!((in_lane, in_other_group, count), (true, false, (3, 1)));

    remove(stage, "e1").await;
    remove(stage, "e1").await;
    assert_eq!(get().await, None);
}

async fn only_the_first_event_of_a_lane_is_due(stage: &Stage) {
    let lanes = [
        // A held event closes its lane.
        rows::parked("held", "1", 10, Blocking),
        rows::parked("held-1", "1", 11, Retry),
        rows::parked("held-2", "1", 12, Behind),
        // The first event is not due, so no event of its lane is.
        rows::parked("later", "2", 90, Retry),
        rows::parked("later-1", "2", 91, Behind),
        // The first event is due; the others wait.
        rows::parked("retry", "3", 20, Retry),
        rows::parked("retry-1", "3", 21, Behind),
        rows::parked("waiting", "4", 22, Waiting),
        rows::parked("waiting-1", "4", 23, Retry),
        // Behind, but first of its lane: due at once.
        rows::parked("behind", "5", 95, Behind),
        rows::parked("behind-1", "5", 96, Behind),
    ];
    // Insert in reverse order, and add another group and subscriber with the same lane names.
    for parked in lanes.iter().rev() {
        put(stage, parked).await;
        let mut other = parked.clone();
        other.subscriber = "other".into();
        other.group = "h".into();
        put(stage, &other).await;
    }
    assert_eq!(due(stage, 50).await, ["behind", "retry", "waiting"]);
    assert_eq!(due(stage, 19).await, ["behind"]);
    assert_eq!(
        due(stage, 90).await,
        ["behind", "retry", "waiting", "later"]
    );
    let two = read_tx!(stage, [], |tx| tx.parked_due("g", at(50), 2).await).expect("due");
    assert_eq!(two[1], lanes[5]);
    assert_eq!(two.len(), 2);
}

async fn a_lane_proceeds_one_event_at_a_time(stage: &Stage) {
    // All events in retry and due, as for a store that was suspended.
    for (id, position) in [("e1", 1), ("e2", 2), ("e3", 3)] {
        put(stage, &rows::parked(id, "l", position, Retry)).await;
    }
    put(stage, &rows::parked("e4", "l", 4, Behind)).await;
    assert_eq!(due(stage, 50).await, ["e1"]);
    // The first event becomes a dead letter and is replayed later.
    put(stage, &rows::parked("e1", "l", 1, Blocking)).await;
    assert!(due(stage, 50).await.is_empty());
    remove(stage, "e2").await;
    assert!(due(stage, 50).await.is_empty());
    put(stage, &rows::parked("e1", "l", 1, Retry)).await;
    assert_eq!(due(stage, 50).await, ["e1"]);
    remove(stage, "e1").await;
    assert_eq!(due(stage, 50).await, ["e3"]);
    assert!(due(stage, 2).await.is_empty(), "its own due time applies");
    // An event with an earlier position arrives late.
    put(stage, &rows::parked("e0", "l", 0, Retry)).await;
    assert_eq!(due(stage, 50).await, ["e0"]);
    for (removed, next) in [("e0", "e3"), ("e3", "e4")] {
        remove(stage, removed).await;
        assert_eq!(due(stage, 50).await, [next]);
    }
    remove(stage, "e4").await;
    assert!(due(stage, 50).await.is_empty());
}

async fn an_event_that_moves_to_another_lane_frees_the_old_one(stage: &Stage) {
    put(stage, &rows::parked("e1", "old", 1, Blocking)).await;
    put(stage, &rows::parked("e2", "old", 2, Behind)).await;
    put(stage, &rows::parked("e3", "new", 3, Behind)).await;
    assert_eq!(due(stage, 50).await, ["e3"]);
    put(stage, &rows::parked("e1", "new", 1, Retry)).await;
    assert_eq!(due(stage, 50).await, ["e2", "e1"]);
    remove(stage, "e1").await;
    assert_eq!(due(stage, 50).await, ["e2", "e3"]);
}

async fn an_effect_wakes_the_events_that_wait_for_it(stage: &Stage) {
    put(stage, &rows::parked("e1", "l", 60, Waiting)).await;
    put(stage, &rows::parked("e2", "l", 70, Waiting)).await;
    put(stage, &rows::parked("e3", "m", 80, Waiting)).await;
    let mut other = rows::parked("e4", "n", 81, Waiting);
    other.waits_for = Some("payment:2".into());
    put(stage, &other).await;
    let mut other = rows::parked("e5", "o", 82, Retry);
    other.waits_for = Some("payment:1".into());
    put(stage, &other).await;
    let mut other = rows::parked("e6", "p", 83, Waiting);
    other.subscriber = "other".into();
    put(stage, &other).await;
    assert!(due(stage, 10).await.is_empty());
    let woken = write_tx!(stage, [], |tx| tx
        .parked_wake("payment:1", "slot", at(9))
        .await);
    assert_eq!(woken.expect("woken"), 3);
    assert!(due(stage, 8).await.is_empty());
    assert_eq!(due(stage, 10).await, ["e1", "e3"]);
    // The second event of the lane was woken, too, but waits for the first.
    remove(stage, "e1").await;
    assert_eq!(due(stage, 10).await, ["e2", "e3"]);
}

/// The definition of `parked_due`, over all rows.
fn expected_due(all: &BTreeMap<String, ParkedEvent>, now: i64) -> Vec<String> {
    let mut first: BTreeMap<&str, &ParkedEvent> = BTreeMap::new();
    for parked in all.values() {
        let head = first.entry(&parked.lane).or_insert(parked);
        if parked.event.position < head.event.position {
            *head = parked;
        }
    }
    let due = first.into_values().filter(|parked| match parked.state {
        Blocking => false,
        Behind => true,
        Retry | Waiting => parked.due_at <= at(now),
    });
    let mut ids: Vec<_> = due.map(|parked| parked.event.id.clone()).collect();
    ids.sort();
    ids
}

async fn random_changes_agree_with_the_definition(stage: &Stage) {
    let mut random = ChaCha8Rng::seed_from_u64(20_261_124);
    let mut all: BTreeMap<String, ParkedEvent> = BTreeMap::new();
    for _ in 0..400 {
        let position = random.random_range(0..24);
        let id = format!("e{position}");
        match random.random_range(0..10) {
            0..=5 => {
                let state = [Retry, Waiting, Behind, Blocking][random.random_range(0..4)];
                // Sometimes move the event to another lane.
                let lane = (position + random.random_range(0..10) / 9) % 4;
                let mut parked = rows::parked(&id, &lane.to_string(), position, state);
                parked.due_at = at(random.random_range(0..100));
                put(stage, &parked).await;
                all.insert(id, parked);
            }
            6..=8 => {
                remove(stage, &id).await;
                all.remove(&id);
            }
            _ => {
                let now = random.random_range(0..100);
                let woken = write_tx!(stage, [], |tx| {
                    tx.parked_wake("payment:1", "slot", at(now)).await
                });
                let waiting = all.values_mut().filter(|parked| parked.state == Waiting);
                let changed = waiting.map(|parked| parked.due_at = at(now)).count();
                assert_eq!(woken.expect("woken"), changed as u64);
            }
        }
        let now = random.random_range(0..100);
        let mut ids = due(stage, now).await;
        ids.sort();
        assert_eq!(ids, expected_due(&all, now), "{all:?}");
    }
}

/// Several processes park and remove events at the same time: afterwards the first event of the lane is
/// due.
async fn concurrent_changes_leave_no_lane_closed(stage: &Stage) {
    for round in 0..12 {
        let base = round * 10;
        let id = |place: i64| format!("e{}", base + place);
        for place in 0..4 {
            put(stage, &rows::parked(&id(place), "l", base + place, Behind)).await;
        }
        let additions = (4..8).map(|place| {
            let parked = rows::parked(&id(place), "l", base + place, Behind);
            async move { put(stage, &parked).await }
        });
        let removals = [3, 0, 2, 1].map(|place| {
            let id = id(place);
            async move { remove(stage, &id).await }
        });
        tokio::join!(join_all(removals), join_all(additions));
        assert_eq!(due(stage, 0).await, [id(4)]);
        for place in 4..8 {
            assert_eq!(due(stage, 0).await, [id(place)]);
            remove(stage, &id(place)).await;
        }
    }
}
