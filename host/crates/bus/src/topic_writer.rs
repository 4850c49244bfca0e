//! A broker of Kafka's kind, and one topic's messages on it.
//!
//! Owns: that messages and how far the topic has come are one transaction there: both, or neither. So who
//! reads what is committed (`read_committed`) sees every event once, after whatever crash. Never knows where
//! events come from. Everything here blocks: it is called off the runtime's threads.

use crate::config::{BrokerConfig, Login};
use crate::error::BrokerError;
use galleria_app::relay::Relayed;
use galleria_domain::event::header;
use galleria_domain::{Event, Position};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a broker may take for an answer. It is asked again afterwards: short enough that a drain does
/// not wait long for one that is away.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// How long the end of a transaction that failed is waited for.
const ABORTED_WITHIN: Duration = Duration::from_secs(2);

/// Bodies in one transaction: far less than the client keeps, and sent well within the time of an answer.
const TRANSACTION_BYTES: usize = 4 << 20;

/// The settings every client of the broker has.
fn client(config: &BrokerConfig) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.bootstrap)
        .set("client.id", "galleria")
        // What goes wrong is told by whoever waits for it.
        .set_log_level(RDKafkaLogLevel::Emerg);
    let protocol = match (&config.login, &config.ca_file) {
        (Some(_), _) => "sasl_ssl",
        (None, Some(_)) => "ssl",
        (None, None) => "plaintext",
    };
    client.set("security.protocol", protocol);
    if protocol != "plaintext" {
        // Its TLS is built along and knows no machine: where certificates usually are is looked through.
        let file = config
            .ca_file
            .as_ref()
            .map(|file| file.display().to_string());
        client.set("ssl.ca.location", file.as_deref().unwrap_or("probe"));
    }
    if let Some(Login { key, secret }) = &config.login {
        client
            .set("sasl.mechanisms", "PLAIN")
            .set("sasl.username", key)
            .set("sasl.password", secret);
    }
    client
}

/// What is heard from the client beside what it answers.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    /// The last trouble of its connections: a broker that cannot be reached, a login that is refused.
    trouble: Option<String>,
    /// The first message that was not taken.
    refused: Option<(String, RDKafkaErrorCode)>,
}

impl Heard {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of the client, with what else was heard: alone it says little more than `timed out`.
    fn failed(&self, doing: &'static str) -> impl FnOnce(KafkaError) -> BrokerError {
        move |error| {
            let trouble = self.told().trouble.clone();
            let mut why = match error {
                // It would show the value of a setting.
                KafkaError::ClientConfig(_, what, setting, _) => format!("{setting}: {what}"),
                other => other.to_string(),
            };
            if let Some(trouble) = trouble {
                why = format!("{why} ({trouble})");
            }
            BrokerError::Kafka { doing, why }
        }
    }
}

impl ClientContext for Heard {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let mut told = self.told();
        // That all are away is said last, and why before.
        let known = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if !known || told.trouble.is_none() {
            told.trouble = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Heard {}

impl ProducerContext for Heard {
    type DeliveryOpaque = Box<String>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, event: Box<String>) {
        if let Err((error, _)) = delivered
            && let Some(why) = error.rdkafka_error_code()
        {
            self.told().refused.get_or_insert((*event, why));
        }
    }
}

/// Who writes one topic. Whoever opens it after this one shuts this one out.
pub struct TopicWriter {
    producer: ThreadedProducer<Heard>,
    heard: Heard,
    topic: String,
    group: ConsumerGroupMetadata,
}

impl TopicWriter {
    /// Connects under a name: the transactions of whoever had it before are over, and how far those that
    /// were committed have come is told.
    pub fn open(
        config: &BrokerConfig,
        name: &str,
        topic: &str,
    ) -> Result<(Self, Option<Relayed>), BrokerError> {
        let heard = Heard::default();
        let producer: ThreadedProducer<Heard> = client(config)
            .set("transactional.id", name)
            // What is not committed by then is given up by the broker, too.
            .set("transaction.timeout.ms", "60000")
            .set("message.timeout.ms", "15000")
            // One page goes at once, and nobody waits for the next.
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            // A key's partition is found as by the platform before, whose client is this one, too.
            .set("partitioner", "consistent_random")
            // What a topic takes is the broker's to say.
            .set("message.max.bytes", "16777216")
            .create_with_context(heard.clone())
            .map_err(heard.failed("setting up the client"))?;
        there_is(&producer, &heard, topic)?;
        producer
            .init_transactions(ANSWERS_WITHIN)
            .map_err(heard.failed("beginning to write"))?;
        // It reads nothing: how far a topic has come is kept as a group's offset.
        let positions: BaseConsumer<Heard> = client(config)
            .set("group.id", name)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create_with_context(heard.clone())
            .map_err(heard.failed("setting up the client"))?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, POSITION_AT);
        let found = positions
            .committed_offsets(asked, ANSWERS_WITHIN)
            .map_err(heard.failed("asking how far the topic has come"))?;
        let relayed = found.elements().first().and_then(|one| match one.offset() {
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
            doing: "setting up the client",
            why: "it has no group".into(),
        })?;
        let writer = Self {
            producer,
            heard,
            topic: topic.to_owned(),
            group,
        };
        Ok((writer, relayed))
    }

    /// Writes these, in their order and as many as go into one transaction, and how far the topic has come
    /// with them: all, or nothing. Answers with the last one's position. After an error it is not known
    /// which, and a writer that is opened anew finds out.
    pub fn write(&self, events: &[Event]) -> Result<Option<Position>, BrokerError> {
        let written = self.transaction(events);
        if written.is_err() {
            // Otherwise readers would wait for its end until it is too old. Whether that was heard does not
            // matter: whoever writes next ends it, too.
            let _ = self.producer.abort_transaction(ABORTED_WITHIN);
        }
        written
    }

    fn transaction(&self, events: &[Event]) -> Result<Option<Position>, BrokerError> {
        if events.is_empty() {
            return Ok(None);
        }
        *self.heard.told() = Told::default();
        self.producer
            .begin_transaction()
            .map_err(self.heard.failed("beginning a transaction"))?;
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
            .add_partition(&self.topic, POSITION_AT)
            .set_offset(Offset::Offset(last.position))
            .map_err(self.heard.failed("noting how far the topic has come"))?;
        if let Some(mut at) = positions.find_partition(&self.topic, POSITION_AT) {
            at.set_metadata(format!("{} {}", last.server_timestamp, last.id));
        }
        let done = self
            .producer
            .flush(ANSWERS_WITHIN)
            .and_then(|()| {
                self.producer
                    .send_offsets_to_transaction(&positions, &self.group, ANSWERS_WITHIN)
            })
            .and_then(|()| self.producer.commit_transaction(ANSWERS_WITHIN));
        done.map_err(|error| {
            let refused = self.heard.told().refused.take();
            match refused {
                Some((event, why)) => BrokerError::Message {
                    event,
                    why: why.to_string(),
                },
                None => self.heard.failed("writing")(error),
            }
        })?;
        Ok(Some(last.position))
    }

    /// Answers with the bytes of the body.
    fn send(&self, event: &Event) -> Result<usize, BrokerError> {
        let failed = |why: String| BrokerError::Kafka {
            doing: "writing an event",
            why: format!("{}: {why}", event.id),
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
                Some(why @ RDKafkaErrorCode::MessageSizeTooLarge) => BrokerError::Message {
                    event: event.id.clone(),
                    why: why.to_string(),
                },
                _ => failed(error.to_string()),
            })?;
        Ok(body.len())
    }
}

/// The partition that a topic's offset is kept at: every topic has it.
const POSITION_AT: i32 = 0;

/// What a message says of itself beside its body.
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

/// Whether the broker has the topic and lets us see it: to write to one that it has not is not an error
/// before half a minute has passed.
fn there_is(
    producer: &ThreadedProducer<Heard>,
    heard: &Heard,
    topic: &str,
) -> Result<(), BrokerError> {
    let found = producer
        .client()
        .fetch_metadata(Some(topic), ANSWERS_WITHIN)
        .map_err(heard.failed("asking for the topic"))?;
    let found = found.topics().iter().find(|one| one.name() == topic);
    match found.and_then(|one| one.error()) {
        Some(error) => Err(BrokerError::Topic {
            topic: topic.to_owned(),
            why: RDKafkaErrorCode::from(error).to_string(),
        }),
        None => Ok(()),
    }
}
