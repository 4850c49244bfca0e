//! Queries for metrics.

use crate::rows::{self, at};
use crate::stage::Stage;
use galleria_ports::records::{Backlog, DeadLetter, ParkedEvent, ParkedState};

on_both!(
    backlogs_are_counted_by_retailer,
    the_oldest_undelivered_document_is_found,
);

fn backlog(group: &str, retailer: Option<&str>, count: u64, oldest: i64) -> Backlog {
    Backlog {
        group: group.into(),
        retailer: retailer.map(str::to_owned),
        count,
        oldest: at(oldest),
    }
}

fn waiting(group: &str, id: &str, store: &str, position: i64, state: ParkedState) -> ParkedEvent {
    let mut row = rows::parked(id, id, position, state);
    row.group = group.into();
    row.event.store = (!store.is_empty()).then(|| store.to_owned());
    row
}

fn letter(id: &str, store: &str, died: i64) -> DeadLetter {
    let mut row = rows::letter(id, died);
    row.event.store = (!store.is_empty()).then(|| store.to_owned());
    row
}

async fn backlogs_are_counted_by_retailer(stage: &Stage) {
    let parked = [
        waiting("g", "e1", "s1", 7, ParkedState::Retry),
        waiting("g", "e2", "s1", 5, ParkedState::Behind),
        waiting("g", "e3", "s1", 2, ParkedState::Blocking),
        waiting("g", "e4", "s2", 9, ParkedState::Waiting),
        waiting("h", "e5", "", 3, ParkedState::Retry),
        waiting("h", "e6", "unknown", 4, ParkedState::Retry),
    ];
    let letters = [
        letter("d1", "s1", 6),
        letter("d2", "s1", 4),
        letter("d3", "", 8),
    ];
    write_tx!(stage, [parked, letters], |tx| {
        tx.store_put(&rows::store("s1", "r")).await?;
        tx.store_put(&rows::store("s2", "q")).await?;
        tx.store_put(&rows::store("s3", "q")).await?;
        for row in &parked {
            tx.parked_put(row).await?;
        }
        for row in &letters {
            tx.dead_letter_put(row).await?;
        }
        Ok(())
    })
    .expect("put");
    let (mut parked, mut dead, mut retailers) = read_tx!(stage, [], |tx| {
        Ok((
            tx.parked_backlog().await?,
            tx.dead_letter_backlog().await?,
            tx.retailer_list().await?,
        ))
    })
    .expect("read");
    for rows in [&mut parked, &mut dead] {
        rows.sort_by_key(|one| (one.group.clone(), one.oldest));
    }
    retailers.sort();
    assert_eq!(
        parked,
        [
            backlog("g", Some("r"), 2, 5),
            backlog("g", Some("q"), 1, 9),
            backlog("h", None, 1, 3),
            backlog("h", None, 1, 4),
        ]
    );
    assert_eq!(
        dead,
        [backlog("g", Some("r"), 2, 4), backlog("g", None, 1, 8)]
    );
    assert_eq!(retailers, ["q", "r"]);
}

async fn the_oldest_undelivered_document_is_found(stage: &Stage) {
    let none = read_tx!(stage, [], |tx| tx.document_oldest_undelivered().await).expect("read");
    assert_eq!(none, None);
    let rows: [_; 3] = std::array::from_fn(|n| {
        let mut row = rows::document(&format!("d{n}"));
        row.created_at = at([1, 6, 4][n]);
        row
    });
    write_tx!(stage, [rows], |tx| {
        for row in &rows {
            tx.document_insert_many(std::slice::from_ref(row)).await?;
        }
        Ok(())
    })
    .expect("written");
    stage
        .run("UPDATE documents SET state = CASE id WHEN 'd0' THEN 'delivered' ELSE 'blocked' END")
        .await;
    let oldest = read_tx!(stage, [], |tx| tx.document_oldest_undelivered().await).expect("read");
    assert_eq!(oldest, Some(at(4)));
}
