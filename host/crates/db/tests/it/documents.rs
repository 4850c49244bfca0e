//! Documents, their leases, and runs.

use crate::rows::{self, at};
use crate::stage::Stage;
use DocumentState::{Blocked, Delivered, Pending, Prepared};
use futures_util::future::join_all;
use galleria_app::Error;
use galleria_app::records::{DocumentRow, DocumentState};

on_both!(
    a_document_is_kept_under_one_id_and_one_name,
    a_lease_keeps_others_out_until_it_ends,
    only_who_holds_the_lease_moves_a_document_on,
    owners_at_the_same_time_lease_different_documents,
    documents_of_an_order_are_told_by_the_events_before,
);

async fn add(stage: &Stage, document: &DocumentRow) -> Result<(), Error> {
    write_tx!(stage, [document], |tx| tx.document_insert(&document).await)
}

async fn lease(
    stage: &Stage,
    owner: &'static str,
    now: i64,
    until: i64,
    limit: u32,
) -> Vec<DocumentRow> {
    write_tx!(stage, [], |tx| tx
        .document_lease(owner, at(now), at(until), limit)
        .await)
    .expect("leased")
}

async fn advance(
    stage: &Stage,
    ids: &[&str],
    owner: &'static str,
    state: DocumentState,
    now: i64,
) -> Vec<String> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    write_tx!(stage, [ids], |tx| tx
        .document_advance(&ids, owner, state, at(now))
        .await)
    .expect("moved on")
}

fn ids(documents: &[DocumentRow]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document.id.as_str())
        .collect()
}

async fn a_document_is_kept_under_one_id_and_one_name(stage: &Stage) {
    let first = rows::document("d1");
    add(stage, &first).await.expect("added");
    let same_id = DocumentRow {
        name: "other.xml".into(),
        ..first.clone()
    };
    let taken = add(stage, &same_id).await;
    assert!(
        matches!(
            taken,
            Err(Error::Exists {
                what: "document",
                ..
            })
        ),
        "{taken:?}"
    );
    let same_name = DocumentRow {
        id: "d2".into(),
        ..first.clone()
    };
    let taken = add(stage, &same_name).await.expect_err("taken");
    assert!(matches!(&taken, Error::NameTaken { directory, name }
        if directory == "poslog" && name == "d1.xml"));
    // The name is free in another directory and for another retailer; a run has no body to deliver.
    for (id, retailer, directory) in [("d2", "q", "poslog"), ("d3", "r", "reports")] {
        let document = DocumentRow {
            id: id.into(),
            retailer: retailer.into(),
            directory: directory.into(),
            body: None,
            order_id: None,
            state: Delivered,
            ..first.clone()
        };
        add(stage, &document).await.expect("added");
        let found = read_tx!(stage, [], |tx| tx.document_get(id).await).expect("read");
        assert_eq!(found, Some(document));
    }
    let found = read_tx!(stage, [], |tx| {
        Ok((
            tx.document_get("d1").await?.expect("there"),
            tx.document_get("d9").await?,
            tx.document_count(Pending).await?,
            tx.document_count(Delivered).await?,
            tx.document_count(Blocked).await?,
        ))
    });
    let bodiless = DocumentRow {
        body: None,
        ..first
    };
    assert_eq!(found.expect("read"), (bodiless, None, 1, 2, 0));
}

async fn a_lease_keeps_others_out_until_it_ends(stage: &Stage) {
    // The order of ids, names and times is not that in which they were decided.
    let given = ["d3", "d1", "d2", "d4"].map(rows::document);
    for document in &given {
        add(stage, document).await.expect("added");
    }
    let first = lease(stage, "a", 0, 10, 2).await;
    assert_eq!(first, given[..2], "bodies included");
    assert_eq!(ids(&lease(stage, "b", 9, 19, 9).await), ["d2", "d4"]);
    assert!(lease(stage, "c", 9, 19, 9).await.is_empty());
    // An owner that has been away finds its own again.
    assert_eq!(ids(&lease(stage, "a", 9, 12, 9).await), ["d3", "d1"]);
    assert!(
        lease(stage, "b", 11, 19, 9).await.len() == 2,
        "its own two alone"
    );
    assert_eq!(
        ids(&lease(stage, "b", 12, 30, 9).await),
        ["d3", "d1", "d2", "d4"]
    );
    assert!(lease(stage, "a", 12, 30, 9).await.is_empty());
}

async fn only_who_holds_the_lease_moves_a_document_on(stage: &Stage) {
    for id in ["d1", "d2", "d3"] {
        add(stage, &rows::document(id)).await.expect("added");
    }
    assert!(
        advance(stage, &["d1"], "a", Prepared, 0).await.is_empty(),
        "no lease yet"
    );
    lease(stage, "a", 0, 10, 9).await;
    assert!(advance(stage, &[], "a", Prepared, 1).await.is_empty());
    let moved = advance(stage, &["d2", "d1", "d9", "d3"], "a", Prepared, 1).await;
    assert_eq!(moved, ["d2", "d1", "d3"], "in the order asked");
    assert_eq!(
        advance(stage, &["d1"], "a", Prepared, 2).await,
        ["d1"],
        "again does no harm"
    );
    assert!(
        advance(stage, &["d1"], "a", Pending, 2).await.is_empty(),
        "never back"
    );
    assert!(
        advance(stage, &["d1"], "b", Delivered, 2).await.is_empty(),
        "another's"
    );
    assert!(
        advance(stage, &["d1"], "a", Delivered, 10).await.is_empty(),
        "it ran out"
    );

    assert_eq!(lease(stage, "b", 10, 20, 9).await.len(), 3);
    assert!(
        advance(stage, &["d1"], "a", Delivered, 11).await.is_empty(),
        "lost to b"
    );
    assert_eq!(advance(stage, &["d1"], "b", Delivered, 11).await, ["d1"]);
    assert_eq!(advance(stage, &["d2"], "b", Blocked, 11).await, ["d2"]);
    // What is delivered or blocked is nobody's work any more, and stays so.
    let left = lease(stage, "c", 99, 199, 9).await;
    assert_eq!(ids(&left), ["d3"]);
    assert_eq!((left[0].state, left[0].body.is_some()), (Prepared, true));
    assert!(
        advance(stage, &["d1", "d2"], "b", Delivered, 12)
            .await
            .is_empty()
    );
    let counts = read_tx!(stage, [], |tx| {
        let mut counts = Vec::new();
        for state in [Pending, Prepared, Delivered, Blocked] {
            counts.push(tx.document_count(state).await?);
        }
        Ok(counts)
    });
    assert_eq!(counts.expect("read"), [0, 1, 1, 1]);
    // The body goes when it is on the disk, not before.
    assert_eq!(
        bodies(stage).await,
        [("d1".into(), 0), ("d2".into(), 1), ("d3".into(), 1)]
    );
}

async fn bodies(stage: &Stage) -> Vec<(String, i64)> {
    stage
        .rows(
            "SELECT id, CASE WHEN body IS NULL THEN 0 ELSE 1 END AS bodies FROM documents
             ORDER BY id",
        )
        .await
}

async fn owners_at_the_same_time_lease_different_documents(stage: &Stage) {
    for number in 0..40 {
        add(stage, &rows::document(&format!("d{number:02}")))
            .await
            .expect("added");
    }
    let owners = ["a", "b", "c", "d"];
    let leased = join_all(owners.map(|owner| lease(stage, owner, 0, 10, 10))).await;
    let mut all: Vec<_> = leased.iter().flat_map(|documents| ids(documents)).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "one document, one owner");
    // Who found locked rows may have taken fewer; nothing is lost.
    let rest = lease(stage, "e", 0, 10, 40).await.len();
    assert_eq!(count + rest, 40);
}

async fn documents_of_an_order_are_told_by_the_events_before(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        for event in ["e1", "e2", "e3"] {
            tx.event_append(&rows::new_event(event, "t"), at(1)).await?;
        }
        // The second event's document was decided last.
        for (id, event, subscriber) in [
            ("d3", "e3", "slot"),
            ("d1", "e1", "slot"),
            ("dx", "e1", "other"),
            ("d2", "e2", "slot"),
            ("d0", "foreign", "slot"),
        ] {
            let mut document = rows::document(id);
            document.event_id = event.into();
            document.subscriber = subscriber.into();
            tx.document_insert(&document).await?;
        }
        let mut elsewhere = rows::document("d9");
        elsewhere.order_id = Some("o2".into());
        tx.document_insert(&elsewhere).await
    })
    .expect("written");
    let before = |event: &'static str| async move {
        let found = read_tx!(stage, [], |tx| tx
            .documents_before("o1", "slot", event)
            .await);
        let found = found.expect("read");
        assert!(found.iter().all(|document| document.body.is_none()));
        found
            .into_iter()
            .map(|document| document.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(before("e1").await, ["d0"]);
    assert_eq!(before("e2").await, ["d1", "d0"]);
    assert_eq!(before("e3").await, ["d1", "d2", "d0"]);
    let all = read_tx!(stage, [], |tx| tx.documents_of_order("o1").await).expect("read");
    assert_eq!(ids(&all), ["d3", "d1", "dx", "d2", "d0"]);
    assert!(all.iter().all(|document| document.body.is_none()));
}
