//! The application: the ports it stands on, and doing a request once.

use crate::members::{MemberPolicy, Turns};
use crate::sensitive::DigestKey;
use galleria_domain::{Backoff, Digest};
use galleria_ports::Error;
use galleria_ports::clock::Clock;
use galleria_ports::notify::{Notifier, Subscription};
use galleria_ports::plugins::Plugins;
use galleria_ports::records::{InTx, Records, SavedResponse, Tx};
use galleria_ports::trace;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

/// How events are consumed and tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Group of the payment topic.
    pub payment_group: String,
    /// Group of the common topic.
    pub common_group: String,
    /// Group of the host's own topics.
    pub events_group: String,
    /// How often an event of a topic is tried; 5 where none is named.
    pub tries: BTreeMap<String, u32>,
    /// The waits between tries of an event or a run.
    pub backoff: Backoff,
    /// How long an event waits for its cause before it becomes a dead letter.
    pub cause_within: Duration,
    /// How long a fiscal mark that came before its record is kept to be applied.
    pub early_marks: Duration,
    /// Where documents go, by name; shown to operators.
    pub directories: BTreeMap<String, std::path::PathBuf>,
    /// How members are identified.
    pub members: MemberPolicy,
    /// How statements are matched, by retailer; as usual where none is named.
    pub matching: BTreeMap<String, galleria_domain::MatchingRules>,
    /// What goes to a broker, where there is one.
    pub relay: Option<crate::relay::RelayPolicy>,
}

impl Default for Policy {
    fn default() -> Self {
        use galleria_domain::event::topic;
        Self {
            payment_group: "PAYMENT_GROUP".into(),
            common_group: "COMMON_GROUP".into(),
            events_group: "GALLERIA_GROUP".into(),
            tries: [
                (topic::POST_PAYMENT_SUCCESS.to_owned(), 3),
                (topic::COMMON.to_owned(), 5),
                (topic::POST_TRANSACTION_SUCCESS.to_owned(), 5),
            ]
            .into(),
            backoff: Backoff {
                first: Duration::from_secs(2),
                factor: 2,
                longest: Duration::from_secs(600),
            },
            cause_within: Duration::from_secs(24 * 3600),
            early_marks: Duration::from_secs(72 * 3600),
            directories: BTreeMap::new(),
            members: MemberPolicy::with(DigestKey::random()),
            matching: BTreeMap::new(),
            relay: None,
        }
    }
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) records: Arc<dyn Records>,
    pub(crate) plugins: Arc<dyn Plugins>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<Policy>,
    /// Where statements are spooled and kept, in a process that takes them in.
    pub(crate) vault: Option<Arc<dyn galleria_ports::vault::Vault>>,
    /// Where delivered documents stand, in a process that reaches them.
    pub(crate) document_reader: Option<Arc<dyn galleria_ports::files::DocumentReader>>,
    /// Who may ask a plugin a question now.
    pub(crate) turns: Arc<Turns>,
    /// Told whenever the log has grown, so that consumers need not poll fast.
    pub(crate) log_grew: Notifier,
    /// Told whenever parked events may go on.
    pub(crate) parked_woke: Notifier,
    /// Told whenever a document was decided.
    pub(crate) document_decided: Notifier,
    /// Told whenever a run was asked for.
    pub(crate) run_wanted: Notifier,
}

/// A caller's `Idempotency-Key` and what it was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As sent, behind the reach of a caller that is bound.
    pub key: String,
    /// Of method, path and body.
    pub request: Digest,
}

/// An answer to a caller, the same for every repetition of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON text.
    pub body: String,
    /// Whether it was answered before.
    pub repeated: bool,
}

impl App {
    /// An application on these ports.
    pub fn new(
        records: Arc<dyn Records>,
        plugins: Arc<dyn Plugins>,
        clock: Arc<dyn Clock>,
        policy: Policy,
    ) -> Self {
        let turns = Turns::new(policy.members.calls, policy.members.calls_per_store);
        Self {
            records,
            plugins,
            clock,
            vault: None,
            document_reader: None,
            turns: Arc::new(turns),
            policy: Arc::new(policy),
            log_grew: Notifier::default(),
            parked_woke: Notifier::default(),
            document_decided: Notifier::default(),
            run_wanted: Notifier::default(),
        }
    }

    /// The same application, with a place for statements.
    #[must_use]
    pub fn with_vault(self, vault: Arc<dyn galleria_ports::vault::Vault>) -> Self {
        Self {
            vault: Some(vault),
            ..self
        }
    }

    /// The same application, with the directories that documents are delivered to.
    #[must_use]
    pub fn with_document_reader(
        self,
        document_reader: Arc<dyn galleria_ports::files::DocumentReader>,
    ) -> Self {
        Self {
            document_reader: Some(document_reader),
            ..self
        }
    }

    /// The database.
    pub fn records(&self) -> &dyn Records {
        &*self.records
    }

    /// The plugins of the active configuration.
    pub fn plugins(&self) -> &dyn Plugins {
        &*self.plugins
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Told whenever the log has grown in this process.
    pub fn log_grew(&self) -> Subscription {
        self.log_grew.subscribe()
    }

    /// Told whenever parked events may go on, as far as this process knows.
    pub fn parked_woke(&self) -> Subscription {
        self.parked_woke.subscribe()
    }

    /// Told whenever a document was decided in this process.
    pub fn document_decided(&self) -> Subscription {
        self.document_decided.subscribe()
    }

    /// Told whenever a run was asked for in this process.
    pub fn run_wanted(&self) -> Subscription {
        self.run_wanted.subscribe()
    }

    /// Does `work` and keeps its answer under the caller's key in the same transaction: the same
    /// request again is answered as before, another request under the same key is refused.
    pub(crate) async fn once<F>(
        &self,
        key: IdempotencyKey,
        status: u16,
        work: F,
    ) -> Result<Reply, Error>
    where
        F: for<'t> Fn(&'t mut dyn Tx) -> InTx<'t, Value> + Send + Sync + 'static,
    {
        let now = self.clock.now();
        let work = Arc::new(work);
        let asked = key.clone();
        let told = tracing::info_span!(target: trace::TARGET, "accept");
        let done = self
            .records
            .write(move |tx| {
                let (key, work) = (key.clone(), Arc::clone(&work));
                Box::pin(async move {
                    if let Some(before) = tx.saved_response_get(&key.key).await? {
                        return repeated(before, &key);
                    }
                    let body = work(tx).await?.to_string();
                    tx.saved_response_insert(&SavedResponse {
                        key: key.key.clone(),
                        request: key.request.to_string(),
                        status,
                        body: body.clone(),
                        at: now,
                    })
                    .await?;
                    Ok(Reply {
                        status,
                        body,
                        repeated: false,
                    })
                })
            })
            .instrument(told)
            .await;
        let reply = match done {
            // Two of the same at once: the second found no answer yet, and then the first one's rows.
            Err(error @ (Error::Exists { .. } | Error::Conflict { .. })) => {
                self.answered(asked).await?.ok_or(error)?
            }
            done => done?,
        };
        self.log_grew.notify();
        Ok(reply)
    }

    /// The answer that was kept under a key.
    pub(crate) async fn answered(&self, key: IdempotencyKey) -> Result<Option<Reply>, Error> {
        self.records
            .read(move |tx| {
                let key = key.clone();
                Box::pin(async move {
                    let before = tx.saved_response_get(&key.key).await?;
                    before.map(|before| repeated(before, &key)).transpose()
                })
            })
            .await
    }
}

/// The answer that was kept, where it is the same request's.
pub(crate) fn repeated(before: SavedResponse, key: &IdempotencyKey) -> Result<Reply, Error> {
    if before.request != key.request.as_str() {
        return Err(Error::Conflict {
            code: "idempotency_key_reused",
            message: "another request was sent under this Idempotency-Key: take a new key for a new request"
                .into(),
        });
    }
    Ok(Reply {
        status: before.status,
        body: before.body,
        repeated: true,
    })
}
