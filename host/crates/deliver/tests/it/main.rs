//! Documents and runs, on a real SQLite database and real folders with a driven clock.

mod crashes;
mod pickups;
mod runs;
mod schedules;
mod scripted;

use galleria_app::App;
use galleria_app::Policy;
use galleria_db::{Db, DbConfig};
use galleria_deliver::{Deliverer, Directories};
use galleria_domain::{Context, Decision, Digest, Member, Totals};
use galleria_ports::clock::{Clock as _, DrivenClock};
use galleria_ports::in_tx;
use galleria_ports::plugins::{Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams};
use galleria_ports::records::{DocumentRow, DocumentState, Records};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Has no plugins.
struct NoPlugins;

impl Plugins for NoPlugins {
    fn all(&self) -> Vec<LoadedPlugin> {
        Vec::new()
    }

    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        unreachable!("there are no plugins")
    }

    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("there are no plugins")
    }

    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        unreachable!("there are no plugins")
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    db: Db,
    clock: Arc<DrivenClock>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
        Db::migrate(&config).await.expect("migrated");
        let db = Db::open(&config).await.expect("a database");
        let start = "2026-11-24T09:00:00Z".parse().expect("an instant");
        let clock = Arc::new(DrivenClock::new(start));
        Self { folder, db, clock }
    }

    fn poslog(&self) -> PathBuf {
        self.folder.path().join("poslog")
    }

    fn deliverer(&self, owner: &str) -> Deliverer {
        self.deliverer_on(Arc::new(self.db.clone()), owner)
    }

    fn deliverer_on(&self, records: Arc<dyn Records>, owner: &str) -> Deliverer {
        let app = App::new(
            records,
            Arc::new(NoPlugins),
            Arc::clone(&self.clock) as _,
            Policy::default(),
        );
        let paths = [("poslog".to_owned(), self.poslog())].into();
        let directories = Directories::open(&paths).expect("directories");
        Deliverer::new(app, directories, owner)
    }

    /// Adds pending documents of a retailer.
    async fn add(&self, retailer: &str, count: usize, body: &[u8]) {
        for n in 0..count {
            self.insert(
                retailer,
                "",
                &format!("{n}.bin"),
                "poslog",
                DocumentState::Pending,
                body,
            )
            .await;
        }
    }

    async fn decide(&self, name: &str, directory: &str, state: DocumentState) {
        self.decide_body(name, directory, state, b"body").await;
    }

    async fn decide_body(&self, name: &str, directory: &str, state: DocumentState, body: &[u8]) {
        self.insert("example", "", name, directory, state, body)
            .await;
    }

    async fn insert(
        &self,
        retailer: &str,
        folder: &str,
        name: &str,
        directory: &str,
        state: DocumentState,
        body: &[u8],
    ) {
        let document = DocumentRow {
            id: Digest::of(format!("{retailer}{folder}{name}").as_bytes()).as_str()[..32]
                .to_owned(),
            event_id: format!("payment:{name}"),
            subscriber: "papers".into(),
            retailer: retailer.into(),
            store_id: "s1".into(),
            order_id: None,
            directory: directory.into(),
            folder: folder.into(),
            name: name.into(),
            media_type: "text/plain".into(),
            size: i64::try_from(body.len()).expect("a size"),
            digest: Digest::of(body).to_string(),
            body: Some(body.to_vec()),
            state,
            created_at: self.clock.now(),
        };
        let records: &dyn Records = &self.db;
        let inserted = records.write(in_tx!(|tx, document| tx
            .document_insert_many(std::slice::from_ref(&document))
            .await));
        inserted.await.expect("a document");
    }

    async fn count(&self, state: DocumentState) -> u64 {
        let records: &dyn Records = &self.db;
        let counted = records.read(move |tx| Box::pin(tx.document_count(state)));
        counted.await.expect("a count")
    }
}

async fn deliver_all(deliverer: &Deliverer) {
    while deliverer.deliver_batch().await.expect("a batch") > 0 {}
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_cannot_be_delivered_delay_no_others() {
    let fixture = Fixture::new().await;
    for n in 0..100 {
        let name = format!("lost-{n}");
        fixture
            .decide(&name, "nowhere", DocumentState::Pending)
            .await;
    }
    fixture
        .decide("a.xml", "poslog", DocumentState::Pending)
        .await;
    let deliverer = fixture.deliverer("one");
    deliver_all(&deliverer).await;
    assert_eq!(names(&fixture.poslog().join("example")), ["a.xml"]);
    assert_eq!(fixture.count(DocumentState::Delivered).await, 1);
    // They are tried again only after their leases have expired.
    assert_eq!(deliverer.deliver_batch().await.expect("a batch"), 0);
    fixture.clock.advance(Duration::from_secs(61));
    assert!(deliverer.deliver_batch().await.expect("a batch") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_document_without_its_file_was_renamed() {
    let fixture = Fixture::new().await;
    std::fs::create_dir_all(fixture.poslog().join("example")).expect("a folder");
    fixture
        .decide("a.xml", "poslog", DocumentState::Prepared)
        .await;
    deliver_all(&fixture.deliverer("one")).await;
    assert_eq!(fixture.count(DocumentState::Delivered).await, 1);
    assert!(names(&fixture.poslog().join("example")).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_document_without_its_folder_waits_for_it() {
    let fixture = Fixture::new().await;
    fixture
        .decide("a.xml", "poslog", DocumentState::Prepared)
        .await;
    deliver_all(&fixture.deliverer("one")).await;
    assert_eq!(fixture.count(DocumentState::Prepared).await, 1);
    assert!(names(&fixture.poslog()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_deliver_each_document_once() {
    let fixture = Fixture::new().await;
    for n in 0..200 {
        let name = format!("{n}.xml");
        fixture
            .decide(&name, "poslog", DocumentState::Pending)
            .await;
    }
    let (one, other) = (fixture.deliverer("one"), fixture.deliverer("other"));
    tokio::join!(deliver_all(&one), deliver_all(&other));
    // One may have finished while the other had a batch in flight.
    deliver_all(&one).await;
    assert_eq!(fixture.count(DocumentState::Delivered).await, 200);
    let names = names(&fixture.poslog().join("example"));
    assert_eq!(names.len(), 200, "{names:?}");
    assert!(names.iter().all(|name| name.ends_with(".xml")));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_documents_are_delivered_one_by_one() {
    let fixture = Fixture::new().await;
    let bodies: Vec<Vec<u8>> = (1..=3_u8).map(|n| vec![n; 5 * 1024 * 1024]).collect();
    for (index, body) in bodies.iter().enumerate() {
        fixture
            .decide_body(
                &format!("{index}.bin"),
                "poslog",
                DocumentState::Pending,
                body,
            )
            .await;
    }
    let deliverer = fixture.deliverer("one");
    for _ in &bodies {
        assert_eq!(deliverer.deliver_batch().await.expect("a batch"), 1);
    }
    assert_eq!(deliverer.deliver_batch().await.expect("a batch"), 0);
    for (index, body) in bodies.iter().enumerate() {
        let path = fixture.poslog().join(format!("example/{index}.bin"));
        assert!(std::fs::read(path).expect("delivered") == *body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_store_has_its_own_folder() {
    let fixture = Fixture::new().await;
    let all = [("", "of all"), ("s1", "of s1"), ("s2", "of s2")];
    for (folder, body) in all {
        let body = body.as_bytes();
        fixture
            .insert(
                "example",
                folder,
                "a.xml",
                "poslog",
                DocumentState::Pending,
                body,
            )
            .await;
    }
    deliver_all(&fixture.deliverer("one")).await;
    assert_eq!(fixture.count(DocumentState::Delivered).await, 3);
    let example = fixture.poslog().join("example");
    assert_eq!(names(&example), ["a.xml", "s1", "s2"]);
    for (folder, body) in all {
        let path = example.join(folder).join("a.xml");
        assert_eq!(std::fs::read_to_string(path).expect("delivered"), body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_waits_for_one_batch_of_another_retailer() {
    let fixture = Fixture::new().await;
    fixture.add("example", 300, b"body").await;
    let deliverer = fixture.deliverer("one");
    assert_eq!(deliverer.deliver_batch().await.expect("a batch"), 64);
    fixture.add("small", 1, b"body").await;
    let mut batches = Vec::new();
    for _ in 0..2 {
        batches.push(deliverer.deliver_batch().await.expect("a batch"));
    }
    assert!(batches.contains(&1), "{batches:?}");
    assert!(fixture.poslog().join("small/0.bin").exists());
    deliver_all(&deliverer).await;
    assert_eq!(fixture.count(DocumentState::Delivered).await, 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn retailers_take_turns_by_bytes() {
    let fixture = Fixture::new().await;
    // Two in each batch, which cost about as much as 200 small ones.
    fixture.add("example", 4, &[7; 2 * 1024 * 1024]).await;
    fixture.add("small", 200, b"body").await;
    let deliverer = fixture.deliverer("one");
    let mut batches = Vec::new();
    loop {
        match deliverer.deliver_batch().await.expect("a batch") {
            0 => break,
            count => batches.push(count),
        }
    }
    assert_eq!(batches, [2, 64, 64, 64, 8, 2]);
}
