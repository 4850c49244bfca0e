//! A host that ends between any two steps of a delivery, and a receiver that takes each file at once.

use crate::{Fixture, deliver_all, names};
use async_trait::async_trait;
use galleria_db::Db;
use galleria_ports::Error;
use galleria_ports::records::{DocumentState, Records, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Fails one write: before it starts, or after its commit.
struct Interrupted {
    db: Db,
    writes: AtomicUsize,
    failing: usize,
    committed: bool,
}

#[async_trait]
impl Records for Interrupted {
    async fn write_work(&self, work: Work) -> Result<(), Error> {
        let is_failing = self.writes.fetch_add(1, Ordering::Relaxed) == self.failing;
        if !is_failing || self.committed {
            self.db.write_work(work).await?;
        }
        match is_failing {
            true => Err(Error::Internal("the host ends here".into())),
            false => Ok(()),
        }
    }

    async fn read_work(&self, work: Work) -> Result<(), Error> {
        self.db.read_work(work).await
    }
}

/// Lease, preparation and delivery.
const WRITES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_its_receiver_took_never_returns() {
    for (failing, committed) in (0..WRITES).flat_map(|write| [(write, false), (write, true)]) {
        let fixture = Fixture::new().await;
        fixture
            .decide("a.xml", "poslog", DocumentState::Pending)
            .await;
        let records = Interrupted {
            db: fixture.db.clone(),
            writes: AtomicUsize::default(),
            failing,
            committed,
        };
        let interrupted = fixture.deliverer_on(Arc::new(records), "one");
        interrupted.deliver_batch().await.expect_err("interrupted");
        let folder = fixture.poslog().join("example");
        let path = folder.join("a.xml");
        let mut taken = usize::from(std::fs::remove_file(&path).is_ok());
        for _ in 0..2 {
            // The lease of the interrupted host ends.
            fixture.clock.advance(Duration::from_secs(61));
            deliver_all(&fixture.deliverer("other")).await;
            taken += usize::from(std::fs::remove_file(&path).is_ok());
        }
        assert_eq!(taken, 1, "write {failing}, committed: {committed}");
        assert_eq!(fixture.count(DocumentState::Delivered).await, 1);
        assert!(names(&folder).is_empty(), "{:?}", names(&folder));
    }
}
