//! The relay: publishes the log to a broker, topic by topic, in the order of the log.
//!
//! Owns: when a topic is tried again. A topic that cannot be written delays neither the other topics nor
//! the callers whose requests append to the log. Never writes a topic whose lease another host holds.

use crate::config::BrokerConfig;
use crate::error::BrokerError;
use crate::topic_writer::TopicWriter;
use futures_util::future::join_all;
use galleria_app::App;
use galleria_app::events::Group;
use galleria_app::events::Relayed;
use galleria_domain::Backoff;
use galleria_ports::Error;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Events in one transaction of the broker.
const PAGE: u32 = 500;

/// How often the log is checked without a notification.
const POLL: Duration = Duration::from_millis(500);

/// Failures in a row after which an operator should look. Their waits take at least half a minute.
const ALERT_AFTER: u32 = 6;

/// Relays topics to a broker.
#[derive(Clone)]
pub struct Relay {
    app: App,
    config: Arc<BrokerConfig>,
    errors: RelayErrors,
}

/// The current error of each topic that waits, for the probes. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct RelayErrors(Arc<Mutex<BTreeMap<String, WaitingTopic>>>);

/// Why a topic waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingTopic {
    /// The error.
    pub error: String,
    /// Whether the broker rejects an event of the topic, or the topic. Otherwise the broker is unavailable.
    pub rejected: bool,
}

impl RelayErrors {
    /// The error of every topic that waits, by the name of its relay.
    pub fn all(&self) -> BTreeMap<String, WaitingTopic> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, relay: &str, error: Option<WaitingTopic>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error) => all.insert(relay.to_owned(), error),
            None => all.remove(relay),
        };
    }
}

/// Why a topic could not be relayed.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("reading the log failed: {}", .0.chain())]
    Log(#[from] Error),
}

impl Relay {
    /// Relays the log of `app`.
    pub fn new(app: App, config: BrokerConfig) -> Self {
        Self {
            app,
            config: Arc::new(config),
            errors: RelayErrors::default(),
        }
    }

    /// A view of the current errors that stays up to date.
    pub fn errors(&self) -> RelayErrors {
        self.errors.clone()
    }

    /// Relays these topics until `stop`; a transaction in flight finishes first.
    pub async fn run(self, relays: Vec<Group>, stop: CancellationToken) {
        join_all(relays.iter().map(|relay| self.retry(relay, &stop))).await;
    }

    /// Relays one topic and starts again after each failure.
    async fn retry(&self, relay: &Group, stop: &CancellationToken) {
        let mut pace = Pace::default();
        while !stop.is_cancelled() {
            if let Err(error) = self.relay(relay, stop, &mut pace).await {
                pace.record_failure(&relay.name, &error);
                let waiting = self.waiting(relay, &error, &mut pace).await;
                self.errors.set(&relay.name, Some(waiting));
                tokio::select! {
                    () = self.app.core.clock().sleep(pace.wait(&relay.name)) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        self.errors.set(&relay.name, None);
    }

    /// Describes a failure, and records the event that the broker rejects.
    async fn waiting(&self, relay: &Group, error: &RelayError, pace: &mut Pace) -> WaitingTopic {
        let mut waiting = WaitingTopic {
            error: error.to_string(),
            rejected: false,
        };
        let RelayError::Broker(error) = error else {
            return waiting;
        };
        match self.record_rejection(relay, error, pace.failures).await {
            Ok(None) => {}
            Ok(Some(message)) => {
                pace.recorded = true;
                waiting.rejected = true;
                waiting.error = message;
            }
            Err(error) => {
                tracing::warn!(
                    relay = relay.name,
                    error = error.chain(),
                    "recording a rejected event failed"
                );
            }
        }
        waiting
    }

    /// Records the next event as rejected, if the broker rejects it or its topic. Returns the message for people.
    async fn record_rejection(
        &self,
        relay: &Group,
        error: &BrokerError,
        attempts: u32,
    ) -> Result<Option<String>, Error> {
        let (rejected, reason) = match error {
            BrokerError::Message { event, reason, .. } => (Some(event), reason.clone()),
            BrokerError::Topic { .. } => (None, error.to_string()),
            _ => return Ok(None),
        };
        let events = &self.app.events;
        let after = events.relay_position(relay, None).await?;
        let next = events.events_after(relay, after, 1).await?;
        // The broker may report the first event of a batch that has a later one that it rejects. The next page
        // has one event.
        let next = next
            .first()
            .filter(|next| rejected.is_none_or(|event| *event == next.id));
        let Some(event) = next else {
            return Ok(None);
        };
        events
            .record_rejection(relay, event, &reason, attempts)
            .await?;
        Ok(Some(match rejected {
            Some(_) => error.to_string(),
            None => format!("event {} waits: {error}", event.id),
        }))
    }

    /// Relays one topic until `stop` or the first failure.
    async fn relay(
        &self,
        relay: &Group,
        stop: &CancellationToken,
        pace: &mut Pace,
    ) -> Result<(), RelayError> {
        let topic = relay.topics().remove(0);
        let (config, name) = (Arc::clone(&self.config), relay.name.clone());
        let opened = off_runtime(move || TopicWriter::open(&config, &name, &topic));
        let (writer, relayed) = opened.await?;
        let writer = Arc::new(writer);
        let ended = self.write(relay, &writer, relayed, stop, pace).await;
        // Closing the connections to the broker can block.
        off_runtime(move || {
            drop(writer);
            Ok(())
        })
        .await?;
        ended
    }

    async fn write(
        &self,
        relay: &Group,
        writer: &Arc<TopicWriter>,
        relayed: Option<Relayed>,
        stop: &CancellationToken,
        pace: &mut Pace,
    ) -> Result<(), RelayError> {
        let mut grew = self.app.core.log_grew();
        let mut after = self.app.events.relay_position(relay, relayed).await?;
        self.app.events.store_position(&relay.name, after).await?;
        while !stop.is_cancelled() {
            let events = self
                .app
                .events
                .events_after(relay, after, pace.page)
                .await?;
            let writing = Arc::clone(writer);
            let written = match events.is_empty() {
                true => None,
                false => off_runtime(move || writing.write(&events)).await?,
            };
            if pace.record_success() {
                tracing::info!(relay = relay.name, "relay recovered");
            }
            self.errors.set(&relay.name, None);
            if pace.recorded {
                self.app.events.clear_rejection(relay).await?;
                pace.recorded = false;
            }
            if let Some(last) = written {
                after = last;
                self.app.events.store_position(&relay.name, after).await?;
                continue;
            }
            tokio::select! {
                () = grew.notified() => {}
                () = self.app.core.clock().sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }
}

/// The failures of a topic, and the size of its next page.
struct Pace {
    page: u32,
    /// Failures in a row.
    failures: u32,
    /// Whether a rejected event may be recorded, also by an earlier process.
    recorded: bool,
    /// The kind of the last failure.
    kind: Option<&'static str>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: PAGE,
            failures: 0,
            recorded: true,
            kind: None,
        }
    }
}

impl RelayError {
    /// The kind of an error: a repetition is not logged again.
    fn kind(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Broker(BrokerError::Topic { .. }) => "topic",
            Self::Broker(BrokerError::Message { .. }) => "message",
            Self::Broker(BrokerError::Kafka { doing, .. }) => doing,
            #[cfg(not(feature = "kafka"))]
            Self::Broker(BrokerError::Unsupported) => "unsupported",
        }
    }
}

impl Pace {
    /// Counts a failure. Logs the first one, one of another kind, and one that lasts, but not every try.
    ///
    /// The next page is a single event: so events are relayed up to the one that the broker rejects.
    fn record_failure(&mut self, relay: &str, error: &RelayError) {
        let kind = error.kind();
        self.failures += 1;
        self.page = 1;
        if self.failures == ALERT_AFTER {
            tracing::error!(relay, %error, failures = self.failures, "relay still failing");
        } else if self.kind.replace(kind) != Some(kind) {
            tracing::warn!(relay, %error, "relay failed, trying again");
        }
    }

    fn wait(&self, relay: &str) -> Duration {
        Backoff::RELAY.wait(self.failures, relay)
    }

    /// Ends a series of failures; returns whether there was one.
    fn record_success(&mut self) -> bool {
        let recovered = self.failures > 0;
        (self.failures, self.kind) = (0, None);
        self.page = (self.page * 4).min(PAGE);
        recovered
    }
}

/// Runs blocking work on a thread for blocking work.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, RelayError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::Internal(format!("relay: {error}")))??)
}
