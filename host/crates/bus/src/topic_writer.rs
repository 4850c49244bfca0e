//! Writes the messages of one topic to a Kafka broker.
//!
//! Owns: the transaction that commits the messages together with the topic's position, so that
//! `read_committed` consumers see every event once, whatever crashes. Never knows where events come from.
//! Every function here blocks: call it outside the runtime's threads.

use crate::config::{BrokerConfig, Login};
use crate::error::BrokerError;
use galleria_app::events::Relayed;
use galleria_domain::event::header;
use galleria_domain::{Event, Position};
use galleria_files::SETTINGS_BYTES;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Limit on one request to the broker; the relay tries again afterwards. It is short, so that a drain does not
/// wait long for a broker that is away.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Limit on aborting a transaction that failed.
const ABORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Body bytes in one transaction: far less than the client buffers, and sent well within `REQUEST_TIMEOUT`.
const TRANSACTION_BYTES: usize = 4 << 20;

/// The settings common to all clients of the broker.
fn client(config: &BrokerConfig) -> Result<ClientConfig, BrokerError> {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.bootstrap)
        .set("client.id", "galleria")
        // Every error is returned to the caller, so the client need not log it.
        .set_log_level(RDKafkaLogLevel::Emerg);
    let protocol = match (&config.login, &config.ca_file) {
        (Some(_), _) => "sasl_ssl",
        (None, Some(_)) => "ssl",
        (None, None) => "plaintext",
    };
    client.set("security.protocol", protocol);
    if protocol != "plaintext" {
        // The bundled TLS library has no default path: probe the usual ones.
        let location = match &config.ca_file {
            None => "probe".to_owned(),
            Some(file) => {
                galleria_files::check(file, SETTINGS_BYTES).map_err(|error| {
                    BrokerError::Kafka {
                        doing: "reading kafka.ca_file",
                        reason: format!("{} {error}", file.display()),
                    }
                })?;
                file.display().to_string()
            }
        };
        client.set("ssl.ca.location", location);
    }
    if let Some(Login { username, password }) = &config.login {
        client
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", username)
            .set("sasl.password", password);
    }
    Ok(client)
}

/// Collects the errors that the client reports through callbacks.
#[derive(Clone, Default)]
struct Callbacks(Arc<Mutex<CallbackErrors>>);

#[derive(Default)]
struct CallbackErrors {
    /// The last error of a connection: an unreachable broker, a rejected login.
    connection: Option<String>,
    /// The first message that the broker rejected.
    rejected: Option<(String, RDKafkaErrorCode)>,
}

impl Callbacks {
    fn errors(&self) -> MutexGuard<'_, CallbackErrors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the connection's error to the client's, which alone often says only `timed out`.
    fn failed(&self, doing: &'static str) -> impl FnOnce(KafkaError) -> BrokerError {
        move |error| {
            let connection = self.errors().connection.clone();
            let mut reason = match error {
                // Leave out the setting's value: it may be a secret.
                KafkaError::ClientConfig(_, what, setting, _) => format!("{setting}: {what}"),
                other => other.to_string(),
            };
            if let Some(connection) = connection {
                reason = format!("{reason} ({connection})");
            }
            BrokerError::Kafka { doing, reason }
        }
    }
}

impl ClientContext for Callbacks {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let mut errors = self.errors();
        // The client reports `AllBrokersDown` after the reason for it: keep the reason.
        let is_summary = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !is_summary || errors.connection.is_none() {
            errors.connection = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Callbacks {}

impl ProducerContext for Callbacks {
    type DeliveryOpaque = Box<String>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, event: Box<String>) {
        if let Err((error, _)) = delivered
            && let Some(reason) = error.rdkafka_error_code()
            && is_rejection(reason)
        {
            self.errors().rejected.get_or_insert((*event, reason));
        }
    }
}

/// The writer of one topic. Opening another one under the same name fences this one off.
pub struct TopicWriter {
    producer: ThreadedProducer<Callbacks>,
    callbacks: Callbacks,
    topic: String,
    group: ConsumerGroupMetadata,
}

impl TopicWriter {
    /// Connects under a transactional id. This ends the transactions of an earlier writer of the same name.
    /// Returns the last event that was committed.
    pub fn open(
        config: &BrokerConfig,
        name: &str,
        topic: &str,
    ) -> Result<(Self, Option<Relayed>), BrokerError> {
        let callbacks = Callbacks::default();
        let producer: ThreadedProducer<Callbacks> = client(config)?
            .set("transactional.id", name)
            // The broker aborts a transaction after this time.
            .set("transaction.timeout.ms", "60000")
            .set("message.timeout.ms", "15000")
            // A page is sent at once; the next one is not waited for.
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            // The former platform used the same client and partitioner: keys keep their partitions.
            .set("partitioner", "consistent_random")
            // The limit is the broker's: this only keeps the client from rejecting earlier.
            .set("message.max.bytes", "16777216")
            .create_with_context(callbacks.clone())
            .map_err(callbacks.failed("creating the client"))?;
        check_topic(&producer, &callbacks, topic)?;
        producer
            .init_transactions(REQUEST_TIMEOUT)
            .map_err(callbacks.failed("initialising transactions"))?;
        // This consumer reads no messages: the topic's position is stored as a group's offset.
        let positions: BaseConsumer<Callbacks> = client(config)?
            .set("group.id", name)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create_with_context(callbacks.clone())
            .map_err(callbacks.failed("creating the client"))?;
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition(topic, POSITION_PARTITION);
        let offsets = positions
            .committed_offsets(partitions, REQUEST_TIMEOUT)
            .map_err(callbacks.failed("reading the position"))?;
        let relayed = offsets
            .elements()
            .first()
            .and_then(|one| match one.offset() {
                Offset::Offset(position) => {
                    let (at, event) = one.metadata().split_once(' ').unwrap_or_default();
                    Some(Relayed {
                        position,
                        event: event.to_owned(),
                        server_timestamp: at.parse().unwrap_or_default(),
                    })
                }
                _ => None,
            });
        let group = positions.group_metadata().ok_or(BrokerError::Kafka {
            doing: "creating the client",
            reason: "it has no group".into(),
        })?;
        let writer = Self {
            producer,
            callbacks,
            topic: topic.to_owned(),
            group,
        };
        Ok((writer, relayed))
    }

    /// Writes as many of these events as fit one transaction, in their order and together with the new
    /// position. Returns the position of the last one written. After an error the outcome is unknown: open
    /// a new writer to read the committed position.
    pub fn write(&self, events: &[Event]) -> Result<Option<Position>, BrokerError> {
        let written = self.transaction(events);
        if written.is_err() {
            // Otherwise readers wait until the transaction times out. Ignore an error: the next writer ends
            // the transaction too.
            let _ = self.producer.abort_transaction(ABORT_TIMEOUT);
        }
        written
    }

    fn transaction(&self, events: &[Event]) -> Result<Option<Position>, BrokerError> {
        if events.is_empty() {
            return Ok(None);
        }
        *self.callbacks.errors() = CallbackErrors::default();
        self.producer
            .begin_transaction()
            .map_err(self.callbacks.failed("beginning a transaction"))?;
        let (mut bytes, mut last) = (0, &events[0]);
        for event in events {
            bytes += self.send(event)?;
            last = event;
            if bytes >= TRANSACTION_BYTES {
                break;
            }
        }
        let mut positions = TopicPartitionList::new();
        positions
            .add_partition(&self.topic, POSITION_PARTITION)
            .set_offset(Offset::Offset(last.position))
            .map_err(self.callbacks.failed("setting the position"))?;
        if let Some(mut at) = positions.find_partition(&self.topic, POSITION_PARTITION) {
            at.set_metadata(format!("{} {}", last.server_timestamp, last.id));
        }
        let done = self
            .producer
            .flush(REQUEST_TIMEOUT)
            .and_then(|()| {
                self.producer
                    .send_offsets_to_transaction(&positions, &self.group, REQUEST_TIMEOUT)
            })
            .and_then(|()| self.producer.commit_transaction(REQUEST_TIMEOUT));
        done.map_err(|error| {
            let rejected = self.callbacks.errors().rejected.take();
            match rejected {
                Some((event, reason)) => BrokerError::Message {
                    event,
                    topic: self.topic.clone(),
                    reason: reason.to_string(),
                },
                None => self.callbacks.failed("committing a transaction")(error),
            }
        })?;
        Ok(Some(last.position))
    }

    /// Returns the size of the body in bytes.
    fn send(&self, event: &Event) -> Result<usize, BrokerError> {
        let failed = |reason: String| BrokerError::Kafka {
            doing: "writing an event",
            reason: format!("{}: {reason}", event.id),
        };
        let body =
            serde_json::to_vec(&event.envelope()).map_err(|error| failed(error.to_string()))?;
        let mut record: BaseRecord<'_, str, [u8], _> =
            BaseRecord::with_opaque_to(&self.topic, Box::new(event.id.clone()))
                .payload(&*body)
                .timestamp(event.server_timestamp)
                .headers(headers(event));
        if let Some(key) = &event.key {
            record = record.key(key);
        }
        self.producer
            .send(record)
            .map_err(|(error, _)| match error.rdkafka_error_code() {
                Some(reason) if is_rejection(reason) => BrokerError::Message {
                    event: event.id.clone(),
                    topic: self.topic.clone(),
                    reason: reason.to_string(),
                },
                _ => failed(error.to_string()),
            })?;
        Ok(body.len())
    }
}

/// The partition that stores the position: every topic has it.
const POSITION_PARTITION: i32 = 0;

/// Whether an error concerns the message or its topic. All others pass, such as a broker that is away.
fn is_rejection(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::InvalidMessage
            | Code::InvalidMessageSize
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidTopic
            | Code::MessageBatchTooLarge
            | Code::MessageSizeTooLarge
            | Code::PolicyViolation
            | Code::TopicAuthorizationFailed
            | Code::UnknownPartition
            | Code::UnknownTopic
            | Code::UnknownTopicOrPartition
    )
}

/// The headers of a message.
fn headers(event: &Event) -> OwnedHeaders {
    let trace = event.origin.trace.map(|trace| trace.to_string());
    let all = [
        (header::EVENT_ID, Some(&*event.id)),
        (header::TRACE, trace.as_deref()),
        (header::REQUEST_ID, event.origin.request.as_deref()),
    ];
    all.into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        })
}

/// Checks that the topic exists and is accessible. A write to a missing topic would fail only after half a
/// minute.
fn check_topic(
    producer: &ThreadedProducer<Callbacks>,
    callbacks: &Callbacks,
    topic: &str,
) -> Result<(), BrokerError> {
    let metadata = producer
        .client()
        .fetch_metadata(Some(topic), REQUEST_TIMEOUT)
        .map_err(callbacks.failed("reading the topic's metadata"))?;
    let metadata = metadata.topics().iter().find(|one| one.name() == topic);
    match metadata.and_then(|one| one.error()) {
        Some(error) => Err(BrokerError::Topic {
            topic: topic.to_owned(),
            reason: RDKafkaErrorCode::from(error).to_string(),
        }),
        None => Ok(()),
    }
}
