//! Documents and their leases.

use crate::rows::{self, at};
use crate::stage::Stage;
use DocumentState::{Blocked, Delivered, Pending, Prepared};
use futures_util::future::join_all;
use galleria_ports::Error;
use galleria_ports::records::{DocumentRow, DocumentState, LeaseLimit};

on_both!(
    document_ids_and_names_are_unique,
    a_lease_excludes_other_owners_until_it_ends,
    only_the_lease_owner_advances_a_document,
    concurrent_owners_lease_different_documents,
    documents_of_earlier_events_are_listed,
    a_lease_bounds_the_bytes_of_its_bodies,
    retailers_with_free_documents_are_listed,
);

async fn add(stage: &Stage, document: &DocumentRow) -> Result<(), Error> {
    write_tx!(stage, [document], |tx| tx
        .document_insert_many(std::slice::from_ref(&document))
        .await)
}

async fn lease(
    stage: &Stage,
    owner: &'static str,
    now: i64,
    until: i64,
    limit: u32,
) -> Vec<DocumentRow> {
    write_tx!(stage, [], |tx| tx
        .document_lease(
            "r",
            owner,
            at(now),
            at(until),
            LeaseLimit {
                documents: limit,
                bytes: BYTES
            }
        )
        .await)
    .expect("leased")
}

/// The largest size of the bodies of one lease.
const BYTES: u64 = 1_000_000;

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
    .expect("advanced")
}

fn ids(documents: &[DocumentRow]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document.id.as_str())
        .collect()
}

async fn document_ids_and_names_are_unique(stage: &Stage) {
    let first = rows::document("d1");
    add(stage, &first).await.expect("added");
    let same_id = DocumentRow {
        name: "other.xml".into(),
        ..first.clone()
    };
    let result = add(stage, &same_id).await;
    assert!(
        matches!(
            result,
            Err(Error::Exists {
                what: "document",
                ..
            })
        ),
        "{result:?}"
    );
    let same_name = DocumentRow {
        id: "d2".into(),
        ..first.clone()
    };
    let result = add(stage, &same_name).await.expect_err("name taken");
    assert!(matches!(&result, Error::NameTaken { directory, name }
        if directory == "poslog" && name == "d1.xml"));
    // The name is free in another directory, for another retailer, and in the folder of a store. A run's document has
    // no body.
    for (id, retailer, directory, folder) in [
        ("d2", "q", "poslog", ""),
        ("d3", "r", "reports", ""),
        ("d4", "r", "poslog", "s1"),
        ("d5", "r", "poslog", "s2"),
    ] {
        let document = DocumentRow {
            id: id.into(),
            retailer: retailer.into(),
            directory: directory.into(),
            folder: folder.into(),
            body: None,
            order_id: None,
            state: Delivered,
            ..first.clone()
        };
        add(stage, &document).await.expect("added");
        let result = read_tx!(stage, [], |tx| tx.document_get(id).await).expect("read");
        assert_eq!(result, Some(document));
    }
    let same_folder = DocumentRow {
        id: "d6".into(),
        folder: "s2".into(),
        ..first.clone()
    };
    let result = add(stage, &same_folder).await;
    assert!(matches!(result, Err(Error::NameTaken { .. })), "{result:?}");
    for (name, expected) in [("d1.xml", true), ("s1", true), ("s3", false), ("", false)] {
        let found = read_tx!(stage, [], |tx| tx
            .document_has_name("r", "poslog", name)
            .await);
        assert_eq!(found.expect("read"), expected, "{name}");
    }
    let result = read_tx!(stage, [], |tx| {
        Ok((
            tx.document_get("d1").await?.expect("there"),
            tx.document_get("d9").await?,
            tx.document_count(Pending).await?,
            tx.document_count(Delivered).await?,
            tx.document_count(Blocked).await?,
        ))
    });
    let without_body = DocumentRow {
        body: None,
        ..first
    };
    assert_eq!(result.expect("read"), (without_body, None, 1, 4, 0));
}

async fn a_lease_excludes_other_owners_until_it_ends(stage: &Stage) {
    // Insert in an order other than that of ids and names.
    let documents = ["d3", "d1", "d2", "d4"].map(rows::document);
    for document in &documents {
        add(stage, document).await.expect("added");
    }
    let first = lease(stage, "a", 0, 10, 2).await;
    assert_eq!(first, documents[..2], "bodies included");
    assert_eq!(ids(&lease(stage, "b", 9, 19, 9).await), ["d2", "d4"]);
    assert!(lease(stage, "c", 9, 19, 9).await.is_empty());
    // An owner may lease its own documents again.
    assert_eq!(ids(&lease(stage, "a", 9, 12, 9).await), ["d3", "d1"]);
    assert!(
        lease(stage, "b", 11, 19, 9).await.len() == 2,
        "only its own two"
    );
    assert_eq!(
        ids(&lease(stage, "b", 12, 30, 9).await),
        ["d3", "d1", "d2", "d4"]
    );
    assert!(lease(stage, "a", 12, 30, 9).await.is_empty());
}

async fn only_the_lease_owner_advances_a_document(stage: &Stage) {
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
    assert_eq!(moved, ["d2", "d1", "d3"], "in the requested order");
    assert_eq!(
        advance(stage, &["d1"], "a", Prepared, 2).await,
        ["d1"],
        "the same state again"
    );
    assert!(
        advance(stage, &["d1"], "a", Pending, 2).await.is_empty(),
        "never backwards"
    );
    assert!(
        advance(stage, &["d1"], "b", Delivered, 2).await.is_empty(),
        "not the owner"
    );
    assert!(
        advance(stage, &["d1"], "a", Delivered, 10).await.is_empty(),
        "the lease expired"
    );

    assert_eq!(lease(stage, "b", 10, 20, 9).await.len(), 3);
    assert!(
        advance(stage, &["d1"], "a", Delivered, 11).await.is_empty(),
        "b has the lease"
    );
    assert_eq!(advance(stage, &["d1"], "b", Delivered, 11).await, ["d1"]);
    assert_eq!(advance(stage, &["d2"], "b", Blocked, 11).await, ["d2"]);
    // Delivered and blocked documents are never leased again.
    let left = lease(stage, "c", 99, 199, 9).await;
    assert_eq!(ids(&left), ["d3"]);
    assert_eq!(left[0].state, Prepared);
    assert_eq!(left[0].body, None, "it is on the disk");
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
    // Only a delivered document loses its body.
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

async fn concurrent_owners_lease_different_documents(stage: &Stage) {
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
    assert_eq!(all.len(), count, "each document has one owner");
    // An owner that skipped locked rows may have leased fewer. None is lost.
    let rest = lease(stage, "e", 0, 10, 40).await.len();
    assert_eq!(count + rest, 40);
}

async fn documents_of_earlier_events_are_listed(stage: &Stage) {
    write_tx!(stage, [], |tx| {
        for event in ["e1", "e2", "e3"] {
            tx.event_append(&rows::new_event(event, "t"), at(1)).await?;
        }
        // The insertion order differs from the order of the events.
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
            tx.document_insert_many(std::slice::from_ref(&document))
                .await?;
        }
        let mut elsewhere = rows::document("d9");
        elsewhere.order_id = Some("o2".into());
        tx.document_insert_many(std::slice::from_ref(&elsewhere))
            .await
    })
    .expect("written");
    let before = |event: &'static str| async move {
        let result = read_tx!(stage, [], |tx| tx
            .document_list_before("o1", "slot", event)
            .await);
        let result = result.expect("read");
        assert!(result.iter().all(|document| document.body.is_none()));
        result
            .into_iter()
            .map(|document| document.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(before("e1").await, ["d0"]);
    assert_eq!(before("e2").await, ["d1", "d0"]);
    assert_eq!(before("e3").await, ["d1", "d2", "d0"]);
    let all = read_tx!(stage, [], |tx| tx.document_list_by_order("o1").await).expect("read");
    assert_eq!(ids(&all), ["d3", "d1", "dx", "d2", "d0"]);
    assert!(all.iter().all(|document| document.body.is_none()));
}

async fn a_lease_bounds_the_bytes_of_its_bodies(stage: &Stage) {
    // The third is larger than the bound.
    let sizes = [600_000, 400_000, 2_500_000, 1, 999_999, 700_000, 700_000];
    for (index, size) in sizes.into_iter().enumerate() {
        let document = DocumentRow {
            size: i64::try_from(size).expect("a size"),
            body: Some(vec![u8::try_from(index).expect("a digit"); size]),
            ..rows::document(&format!("d{index}"))
        };
        add(stage, &document).await.expect("added");
    }
    let mut leases = Vec::new();
    loop {
        let owner = ["a", "b", "c", "d", "e", "f"][leases.len()];
        let leased = lease(stage, owner, 0, 10, 64).await;
        if leased.is_empty() {
            break;
        }
        let loaded: Vec<usize> = leased
            .iter()
            .map(|one| one.body.as_ref().map_or(0, Vec::len))
            .collect();
        let total: usize = loaded.iter().sum();
        assert!(total as u64 <= BYTES || loaded.len() == 1, "{loaded:?}");
        leases.push(loaded);
    }
    let expected: [&[usize]; 5] = [
        &[600_000, 400_000],
        &[2_500_000],
        &[1, 999_999],
        &[700_000],
        &[700_000],
    ];
    assert_eq!(leases, expected);
    // The body of a prepared document is on the disk: its size does not count, and it is not read.
    for (owner, id) in [("a", "d1"), ("b", "d2"), ("c", "d3")] {
        assert_eq!(advance(stage, &[id], owner, Prepared, 1).await, [id]);
    }
    let again = lease(stage, "z", 10, 20, 64).await;
    assert_eq!(ids(&again), ["d0", "d1", "d2", "d3"]);
    let loaded = again.iter().map(|one| one.body.is_some());
    assert_eq!(loaded.collect::<Vec<_>>(), [true, false, false, false]);
}

async fn retailers_with_free_documents_are_listed(stage: &Stage) {
    assert_eq!(waiting(stage, "a", 0).await, [""; 0]);
    for (id, retailer, state) in [
        ("d1", "t", Pending),
        ("d2", "r", Pending),
        ("d3", "q", Prepared),
        ("d4", "q", Pending),
        ("d5", "s", Delivered),
        ("d6", "p", Blocked),
    ] {
        let document = DocumentRow {
            retailer: retailer.into(),
            state,
            ..rows::document(id)
        };
        add(stage, &document).await.expect("added");
    }
    assert_eq!(waiting(stage, "a", 0).await, ["q", "r", "t"]);
    // The lease of another owner, until it ends.
    assert_eq!(ids(&lease(stage, "b", 0, 10, 9).await), ["d2"]);
    assert_eq!(waiting(stage, "a", 9).await, ["q", "t"]);
    assert_eq!(waiting(stage, "b", 9).await, ["q", "r", "t"]);
    assert_eq!(waiting(stage, "a", 10).await, ["q", "r", "t"]);
}

async fn waiting(stage: &Stage, owner: &'static str, now: i64) -> Vec<String> {
    let waiting = read_tx!(stage, [], |tx| tx
        .document_waiting_retailers(owner, at(now))
        .await);
    waiting.expect("read")
}
