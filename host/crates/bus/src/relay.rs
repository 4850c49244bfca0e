//! The relay: what stands in the log goes to a broker, topic by topic, in the order of the log.
//!
//! Owns: when it is tried again. A topic that cannot be written waits, and no other waits for it; who places
//! orders waits for neither. Never writes a topic of which another host has the lease.

use crate::config::BrokerConfig;
use crate::error::BrokerError;
use crate::topic_writer::TopicWriter;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures_util::future::join_all;
use galleria_app::handling::Group;
use galleria_app::relay::Relayed;
use galleria_app::{App, Error};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Events in one transaction of the broker.
const PAGE: u32 = 500;

/// How often the log is looked at where nobody told that it grew.
const POLL: Duration = Duration::from_millis(500);

/// The waits after a failure: a broker that restarts is back within seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// After so many failures one after the other, half a minute at least with their waits, somebody should look.
const LASTING: u32 = 6;

/// What relays topics to a broker.
#[derive(Clone)]
pub struct Relay {
    app: App,
    config: Arc<BrokerConfig>,
    troubles: Troubles,
}

/// What keeps topics from the broker just now, for people and probes. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<String, String>>>);

impl Troubles {
    /// Every topic that waits, by the name of its relay, and why.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, relay: &str, trouble: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) => all.insert(relay.to_owned(), trouble),
            None => all.remove(relay),
        };
    }
}

/// Why a topic could not be relayed.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("the log could not be read: {}", .0.chain())]
    Log(#[from] Error),
}

impl Relay {
    /// Relays the log of `app`.
    pub fn new(app: App, config: BrokerConfig) -> Self {
        Self {
            app,
            config: Arc::new(config),
            troubles: Troubles::default(),
        }
    }

    /// What keeps topics from the broker, now and later.
    pub fn troubles(&self) -> Troubles {
        self.troubles.clone()
    }

    /// Relays these topics until told to stop; a transaction that is under way is finished first.
    pub async fn run(self, relays: Vec<Group>, stop: CancellationToken) {
        join_all(relays.iter().map(|relay| self.keep(relay, &stop))).await;
    }

    /// One topic, whatever happens.
    async fn keep(&self, relay: &Group, stop: &CancellationToken) {
        let mut pace = Pace::default();
        while !stop.is_cancelled() {
            if let Err(error) = self.relay(relay, stop, &mut pace).await {
                pace.failed(&relay.name, &error);
                self.troubles.set(&relay.name, Some(error.to_string()));
                tokio::select! {
                    () = self.app.clock().sleep(pace.wait()) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        self.troubles.set(&relay.name, None);
    }

    /// One topic, until something goes wrong or it is told to stop.
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
        // Its last words to the broker may take a while.
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
        let mut grew = self.app.log_grew();
        let mut after = self.app.relay_after(relay, relayed).await?;
        self.app.progress(&relay.name, after).await?;
        while !stop.is_cancelled() {
            let events = self.app.events_after(relay, after, pace.page).await?;
            let writing = Arc::clone(writer);
            let written = match events.is_empty() {
                true => None,
                false => off_runtime(move || writing.write(&events)).await?,
            };
            if pace.went_well() {
                tracing::info!(relay = relay.name, "events reach the broker again");
            }
            self.troubles.set(&relay.name, None);
            if let Some(last) = written {
                after = last;
                self.app.progress(&relay.name, after).await?;
                continue;
            }
            tokio::select! {
                () = grew.heard() => {}
                () = self.app.clock().sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }
}

/// How a topic goes: how long is waited after a failure, and how much is tried at once.
struct Pace {
    page: u32,
    failures: u32,
    /// What went wrong last, by its kind.
    why: Option<&'static str>,
    waits: ExponentialBackoff,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page: PAGE,
            failures: 0,
            why: None,
            waits: waits(),
        }
    }
}

/// The waits after failures, one after the other, without an end.
fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .without_max_times()
        .build()
}

impl RelayError {
    /// What another try may not tell again.
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
    /// Told when it begins, when it is something else, and when it lasts; not with every try. Alone,
    /// events go as far as they can: one that is not taken holds up those behind it, and none before.
    fn failed(&mut self, relay: &str, error: &RelayError) {
        let why = error.kind();
        self.failures += 1;
        self.page = 1;
        if self.failures == LASTING {
            tracing::error!(
                relay,
                "events still wait in the log for the broker: {error}"
            );
        } else if self.why.replace(why) != Some(why) {
            tracing::warn!(
                relay,
                "events wait in the log for the broker just now: {error}"
            );
        }
    }

    fn wait(&mut self) -> Duration {
        self.waits.next().unwrap_or(LONGEST_WAIT)
    }

    /// Answers whether something was wrong before.
    fn went_well(&mut self) -> bool {
        let was_wrong = self.failures > 0;
        if was_wrong {
            (self.failures, self.why, self.waits) = (0, None, waits());
        }
        self.page = (self.page * 4).min(PAGE);
        was_wrong
    }
}

/// Does what blocks on a thread that may.
async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, RelayError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Error::Internal(format!("the relay: {error}")))??)
}
