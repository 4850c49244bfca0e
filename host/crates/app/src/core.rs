//! What all services share: the ports, the notifiers, and idempotent writes.

use crate::shared_texts::SharedTexts;
use galleria_domain::{Backoff, Digest, Store};
use galleria_ports::Error;
use galleria_ports::clock::Clock;
use galleria_ports::notify::{Notifier, Subscription};
use galleria_ports::plugins::Plugins;
use galleria_ports::records::{InTx, Records, SavedResponse, Tx};
use galleria_ports::{in_tx, trace};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tracing::Instrument as _;

/// The default waits between tries of an event or a run.
pub(crate) const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    factor: 2,
    longest: Duration::from_secs(600),
};

/// The ports and notifiers that all services share. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) plugins: Arc<dyn Plugins>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Notified when the log has grown, so that consumers need not poll often.
    pub(crate) log_grew: Notifier,
    /// The settings of plugins, which the journal refers to.
    pub(crate) settings: Arc<SharedTexts>,
    /// Notified when parked events may continue.
    pub(crate) parked_woke: Notifier,
    /// Notified when a document was decided.
    pub(crate) document_decided: Notifier,
    /// Notified when a run was requested.
    pub(crate) run_wanted: Notifier,
    /// Notified when a reload of a retailer was requested.
    pub(crate) reload_wanted: Notifier,
    /// The generation with which this process serves each retailer.
    served: Arc<RwLock<BTreeMap<String, i64>>>,
}

/// A caller's `Idempotency-Key` and the digest of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As sent. If the caller has limited reach, the name of the reach comes first.
    pub key: String,
    /// The digest of method, path and body, JSON in its canonical form.
    pub request: Digest,
    /// The digest with the body as it was sent, under which earlier versions saved responses.
    pub as_sent: Option<Digest>,
}

/// The response to a write. Repetitions of the request get the same response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON text.
    pub body: String,
    /// Whether this is the saved response of an earlier request.
    pub repeated: bool,
}

impl Core {
    pub(crate) fn new(
        records: Arc<dyn Records>,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            records,
            plugins,
            clock,
            settings: Arc::default(),
            log_grew: Notifier::default(),
            parked_woke: Notifier::default(),
            document_decided: Notifier::default(),
            run_wanted: Notifier::default(),
            reload_wanted: Notifier::default(),
            served: Arc::default(),
        }
    }

    /// The generation with which this process serves the retailer; 0 if no load was requested.
    pub(crate) fn served(&self, retailer: &str) -> i64 {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        served.get(retailer).copied().unwrap_or_default()
    }

    /// Sets the generation with which this process serves the retailer.
    pub(crate) fn set_served(&self, retailer: &str, generation: i64) {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        served.insert(retailer.to_owned(), generation);
    }

    /// The database.
    pub fn records(&self) -> &dyn Records {
        &*self.records
    }

    /// The plugins of the active configuration.
    pub fn plugins(&self) -> &dyn Plugins {
        &*self.plugins
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Notified when the log has grown in this process.
    pub fn log_grew(&self) -> Subscription {
        self.log_grew.subscribe()
    }

    /// Notified when this process knows that parked events may continue.
    pub fn parked_woke(&self) -> Subscription {
        self.parked_woke.subscribe()
    }

    /// Notified when a document was decided in this process.
    pub fn document_decided(&self) -> Subscription {
        self.document_decided.subscribe()
    }

    /// Notified when a run was requested in this process.
    pub fn run_wanted(&self) -> Subscription {
        self.run_wanted.subscribe()
    }

    /// Notified when a reload was requested in this process.
    pub fn reload_wanted(&self) -> Subscription {
        self.reload_wanted.subscribe()
    }

    /// Runs `work` and saves its response under the idempotency key in the same transaction. A
    /// repetition of the request gets the saved response; another request under the key is rejected.
    ///
    /// Without a key, each repetition runs `work`. With a key, a repetition runs it too, and rolls it back when
    /// its response exists: repetitions are rare, so a new request does not look for one first.
    pub(crate) async fn once<F>(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        status: u16,
        work: F,
    ) -> Result<Reply, Error>
    where
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Value> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let done = self.once_unless(
            key,
            status,
            in_tx!(|tx, work| Ok(Ok::<_, Infallible>(work(tx).await?))),
        );
        let Ok(reply) = done.await?;
        Ok(reply)
    }

    /// Like [`Self::once`], for work that appends to the log, or that its readers wait for.
    pub(crate) async fn append_once<F>(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        status: u16,
        work: F,
    ) -> Result<Reply, Error>
    where
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Value> + Send + Sync + 'static,
    {
        let reply = self.once(key, status, work).await?;
        if !reply.repeated {
            self.log_grew.notify();
        }
        Ok(reply)
    }

    /// Like [`Self::once`], for work that can find out that something else is missing first. What it returns as `Err`
    /// is neither saved nor an error. A repetition gets the saved response nevertheless.
    pub(crate) async fn once_unless<T, F>(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        status: u16,
        work: F,
    ) -> Result<Result<Reply, T>, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Result<Value, T>> + Send + Sync + 'static,
    {
        let now = self.clock.now();
        let work = Arc::new(work);
        let span = tracing::info_span!(target: trace::TARGET, "accept");
        let key: Option<IdempotencyKey> = key.into();
        let saved_key = key.clone();
        let done = self
            .records
            .write(in_tx!(|tx, key, work| {
                let body = match (work(tx).await?, &key) {
                    (Ok(body), _) => body.to_string(),
                    (Err(missing), None) => return Ok(Err(missing)),
                    (Err(missing), Some(key)) => {
                        let saved = tx.saved_response_get(&key.key).await?;
                        return match saved {
                            Some(saved) => repeated(saved, key).map(Ok),
                            None => Ok(Err(missing)),
                        };
                    }
                };
                if let Some(key) = key {
                    tx.saved_response_insert(&SavedResponse {
                        key: key.key,
                        request: key.request.to_string(),
                        status,
                        body: body.clone(),
                        at: now,
                    })
                    .await?;
                }
                Ok(Ok(Reply {
                    status,
                    body,
                    repeated: false,
                }))
            }))
            .instrument(span)
            .await;
        match (done, saved_key) {
            (Ok(done), _) => Ok(done),
            // The database failed: the caller repeats its request.
            (Err(error @ (Error::Records { .. } | Error::Internal(_))), _) => Err(error),
            // The response exists, or the work of a repetition found what it did before.
            (Err(error), Some(key)) => self.answered(key).await?.ok_or(error).map(Ok),
            (Err(error), None) => Err(error),
        }
    }

    /// The saved response of an idempotency key.
    pub(crate) async fn answered(&self, key: IdempotencyKey) -> Result<Option<Reply>, Error> {
        self.records
            .read_one(in_tx!(|tx, key| {
                let saved = tx.saved_response_get(&key.key).await?;
                saved.map(|saved| repeated(saved, &key)).transpose()
            }))
            .await
    }

    /// The saved response of an idempotency key, or `error` without one. A check before [`Self::once`] may fail for a
    /// repetition although it succeeded for the first request.
    pub(crate) async fn answered_or(
        &self,
        key: impl Into<Option<IdempotencyKey>>,
        error: Error,
    ) -> Result<Reply, Error> {
        match key.into() {
            Some(key) => self.answered(key).await?.ok_or(error),
            None => Err(error),
        }
    }

    /// Returns a conflict if the retailer is out of service, because no plugin can answer.
    pub(crate) fn check_in_service(&self, retailer: &str) -> Result<(), Error> {
        match self.plugins.is_out_of_service(retailer) {
            false => Ok(()),
            true => Err(out_of_service(retailer)),
        }
    }

    /// A store by its id.
    pub(crate) async fn store(&self, id: &str) -> Result<Store, Error> {
        let id = id.to_owned();
        self.records
            .read_one(in_tx!(|tx, id| store_of(tx, &id).await))
            .await
    }

    /// All stores of a retailer.
    pub(crate) async fn stores_of(&self, retailer: &str) -> Result<Vec<Store>, Error> {
        let mut stores: Vec<Store> = Vec::new();
        loop {
            let after = stores.last().map(|store| store.id.clone());
            let (retailer, after) = (retailer.to_owned(), after.unwrap_or_default());
            let page = self
                .records
                .read(in_tx!(|tx, retailer, after| {
                    tx.store_list(Some(&retailer), &after, 1000).await
                }))
                .await?;
            if page.is_empty() {
                return Ok(stores);
            }
            stores.extend(page);
        }
    }

    /// Returns `NotFound` unless the retailer is configured, or has a plugin, a store or a product.
    pub async fn check_retailer(&self, retailer: &str) -> Result<(), Error> {
        if self.plugins.retailers().contains(retailer) {
            return Ok(());
        }
        let name = retailer.to_owned();
        let known = self.records.read(in_tx!(|tx, name| {
            if !tx.store_list(Some(&name), "", 1).await?.is_empty() {
                return Ok(true);
            }
            let products = tx.catalogue_list(&name, None, Timestamp::MAX, "", 1);
            Ok(!products.await?.listed.is_empty())
        }));
        match known.await? {
            true => Ok(()),
            false => Err(Error::NotFound {
                what: "retailer",
                id: retailer.to_owned(),
            }),
        }
    }
}

/// The error for a request that needs a retailer that is out of service.
pub(crate) fn out_of_service(retailer: &str) -> Error {
    Error::Conflict {
        code: "retailer_out_of_service",
        message: format!(
            "retailer {retailer} is out of service: `galleria status` shows what to correct; then run \
             `galleria retailer reload {retailer}`"
        ),
    }
}

/// The store, or `NotFound`.
pub(crate) async fn store_of(tx: &mut dyn Tx, id: &str) -> Result<Store, Error> {
    tx.store_get(id).await?.ok_or_else(|| Error::NotFound {
        what: "store",
        id: id.to_owned(),
    })
}

/// The saved response, if it belongs to the same request.
pub(crate) fn repeated(before: SavedResponse, key: &IdempotencyKey) -> Result<Reply, Error> {
    let digests = [Some(&key.request), key.as_sent.as_ref()];
    let same = |digest: &Digest| digest.as_str() == before.request;
    if !digests.into_iter().flatten().any(same) {
        return Err(Error::Conflict {
            code: "idempotency_key_reused",
            message: "another request was sent under this Idempotency-Key: use a new key for a new request"
                .into(),
        });
    }
    Ok(Reply {
        status: before.status,
        body: before.body,
        repeated: true,
    })
}
