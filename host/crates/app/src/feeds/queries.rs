//! The queries of a feed. The thread of the run waits for them until the deadline of its call.

use galleria_ports::Error;
use galleria_ports::plugins::Deadline;
use galleria_ports::records::{InTx, Records, Tx};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// The interval between two checks of the deadline while a query is in progress.
const CHECK: Duration = Duration::from_millis(50);

/// Runs the queries of a feed on the runtime.
pub(super) struct Queries {
    records: Arc<dyn Records>,
    runtime: Handle,
}

impl Queries {
    /// Create it on the runtime and use it outside.
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self {
            records,
            runtime: Handle::current(),
        }
    }

    /// Runs `work` on a snapshot.
    pub fn read<T, F>(&self, deadline: &dyn Deadline, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        self.run(deadline, self.records.read(work))
    }

    /// Runs `work` in one transaction. It may be committed although the deadline has passed.
    pub fn write<T, F>(&self, deadline: &dyn Deadline, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, T> + Send + Sync + 'static,
    {
        self.run(deadline, self.records.write(work))
    }

    fn run<T>(
        &self,
        deadline: &dyn Deadline,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.runtime.block_on(async {
            let mut query = pin!(query);
            loop {
                deadline.check()?;
                if let Ok(result) = tokio::time::timeout(CHECK, &mut query).await {
                    return result;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use galleria_ports::in_tx;
    use galleria_ports::records::Work;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A database that never answers.
    struct Silent;

    #[async_trait]
    impl Records for Silent {
        async fn write_work(&self, _: Work) -> Result<(), Error> {
            std::future::pending().await
        }

        async fn read_work(&self, _: Work) -> Result<(), Error> {
            std::future::pending().await
        }
    }

    /// Passes after some checks.
    struct Checks(AtomicU32);

    impl Deadline for Checks {
        fn check(&self) -> Result<(), Error> {
            match self.0.fetch_sub(1, Ordering::Relaxed) {
                0 => Err(Error::Stopped),
                _ => Ok(()),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_query_in_progress_ends_at_the_deadline() {
        let queries = Queries::new(Arc::new(Silent));
        let ended = tokio::task::spawn_blocking(move || {
            let two = || Checks(2.into());
            let read = queries.read(&two(), in_tx!(|tx| tx.store_get("s").await));
            let written = queries.write(&two(), in_tx!(|tx| tx.store_get("s").await));
            (read, written)
        });
        let ended = ended.await.expect("ended");
        assert!(
            matches!(ended, (Err(Error::Stopped), Err(Error::Stopped))),
            "{ended:?}"
        );
    }
}
