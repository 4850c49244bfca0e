//! The broker that the tests share, and a log with a relay.

use crate::script::Script;
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::events::{EventPolicy, RelayPolicy};
use galleria_bus::{BrokerConfig, Relay, RelayErrors, TopicWriter};
use galleria_db::{Db, DbConfig};
use galleria_domain::event::header;
use galleria_domain::{Event, JsonText, NewEvent};
use galleria_ports::clock::SystemClock;
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use galleria_test_kafka::{Broker, TlsLogin, installed};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Limit on waits for a client on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The broker of all tests here; each test has its own topics. It stops with the process.
pub struct SharedBroker {
    pub broker: Broker,
    address: String,
    pub by_tls: TlsLogin,
    /// The broker's certificate, which only the tests trust.
    pub certificate: String,
}

fn broker() -> &'static SharedBroker {
    static BROKER: OnceLock<SharedBroker> = OnceLock::new();
    BROKER.get_or_init(|| {
        let parts = installed();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        let certificate = made.cert.pem();
        let by_tls = TlsLogin {
            pem: format!("{}{certificate}", made.signing_key.serialize_pem()),
            user: "shops".into(),
            password: "canary-5Tn8kR1wZq6j".into(),
        };
        let mut broker = Broker::start_with_tls(&parts, &by_tls).expect("started");
        broker.wait().expect("an answer");
        SharedBroker {
            address: broker.address(),
            broker,
            by_tls,
            certificate,
        }
    })
}

/// A log, and a relay for some of its topics.
pub struct Stage {
    pub shared: &'static SharedBroker,
    pub name: &'static str,
    pub app: App,
    db: Db,
    pub stop: CancellationToken,
    relay: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `name` is the prefix of every topic and the name of the relay.
    pub async fn new(name: &'static str, topics: &[&str]) -> Self {
        let shared = broker();
        let folder = tempfile::tempdir().expect("a folder");
        let config = DbConfig::new(format!("sqlite://{}/records.db", folder.path().display()));
        Db::migrate(&config).await.expect("migrated");
        let db = Db::open(&config).await.expect("a database");
        let events = EventPolicy {
            relay: RelayPolicy {
                name: name.into(),
                topics: topics
                    .iter()
                    .map(|topic| format!("{name}.{topic}"))
                    .collect(),
            },
            ..EventPolicy::default()
        };
        let policy = Policy {
            events,
            ..Policy::default()
        };
        let (records, plugins) = (Arc::new(db.clone()), Script::new(Vec::new()));
        let app = App::new(records, plugins, Arc::new(SystemClock), policy);
        Self {
            shared,
            name,
            app,
            db,
            stop: CancellationToken::new(),
            relay: None,
            _folder: folder,
        }
    }

    pub fn topic(&self, topic: &str) -> String {
        format!("{}.{topic}", self.name)
    }

    pub fn config(&self) -> BrokerConfig {
        BrokerConfig {
            bootstrap: self.shared.address.clone(),
            login: None,
            ca_file: None,
        }
    }

    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.shared.address);
        client
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("a client")
    }

    pub async fn create_topic(&self, topic: &str, settings: &[(&str, &str)]) {
        let name = self.topic(topic);
        let mut new = NewTopic::new(&name, 3, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let created = self.admin().create_topics([&new], &options).await;
        created.expect("requested").remove(0).expect("created");
    }

    pub async fn publish(&self, topic: &str, id: &str, key: Option<&str>, data: Value) {
        let event = NewEvent {
            id: id.into(),
            topic: self.topic(topic),
            key: key.map(str::to_owned),
            store: None,
            data: JsonText::of(&data).expect("JSON"),
        };
        let at = "2026-11-24T09:00:00Z".parse().expect("an instant");
        let records: &dyn Records = &self.db;
        records
            .write(in_tx!(|tx, event| tx.event_append(&event, at).await))
            .await
            .expect("published");
    }

    /// Starts the relay.
    pub async fn relay(&mut self) -> RelayErrors {
        self.relay_with(self.config()).await
    }

    pub async fn relay_with(&mut self, config: BrokerConfig) -> RelayErrors {
        let relay = Relay::new(self.app.clone(), config);
        let errors = relay.errors();
        let relays = self.app.events.relays();
        self.relay = Some(tokio::spawn(relay.run(relays, self.stop.clone())));
        errors
    }

    pub async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(relay) = self.relay.take() {
            relay.await.expect("an end");
        }
    }

    /// Waits until the relay has stored that everything is relayed.
    pub async fn wait_until_relayed(&self) {
        let begun = Instant::now();
        while !self
            .app
            .operations
            .status()
            .await
            .expect("a status")
            .settled
        {
            assert!(begun.elapsed() < TIMEOUT, "not everything was relayed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All committed messages of a topic.
    pub fn read(&self, topic: &str) -> Vec<OwnedMessage> {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "tests")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .create()
            .expect("a client");
        let mut all = TopicPartitionList::new();
        all.add_partition_range(&self.topic(topic), 0, 2);
        all.set_all_offsets(Offset::Beginning).expect("offsets");
        consumer.assign(&all).expect("assigned");
        let (mut read, mut ended, begun) = (Vec::new(), 0, Instant::now());
        while ended < 3 {
            match consumer.poll(TIMEOUT).expect("an answer") {
                Ok(message) => read.push(message.detach()),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                // The client recovers when a broker returns.
                Err(error) => assert!(begun.elapsed() < TIMEOUT, "{error}"),
            }
        }
        read
    }

    /// The ids of the events on a topic, sorted.
    pub fn ids(&self, topic: &str) -> Vec<String> {
        let read = self.read(topic);
        let id = |message| header_of(message, header::EVENT_ID).expect("an id");
        let mut ids: Vec<String> = read.iter().map(id).collect();
        ids.sort();
        ids
    }

    /// The events of a topic in the log.
    pub async fn log(&self, topic: &str) -> Vec<Event> {
        let relays = self.app.events.relays();
        let of_topic = relays
            .iter()
            .find(|one| one.topics() == [self.topic(topic)]);
        let read = self
            .app
            .events
            .events_after(of_topic.expect("a relay"), 0, 100);
        read.await.expect("events")
    }

    /// Writes to a topic like the relay but does not store the position, as if it were killed afterwards.
    pub async fn write_without_position(&self, topic: &str, events: Vec<Event>) {
        let (config, topic) = (self.config(), self.topic(topic));
        let name = format!("{}.{topic}", self.name);
        let work = move || {
            let begun = Instant::now();
            // A broker that has just started may not be ready; the relay tries again too.
            let (writer, _) = loop {
                match TopicWriter::open(&config, &name, &topic) {
                    Ok(opened) => break opened,
                    Err(error) => assert!(begun.elapsed() < TIMEOUT, "{error}"),
                }
                std::thread::sleep(Duration::from_millis(200));
            };
            writer.write(&events).expect("written");
        };
        tokio::task::spawn_blocking(work).await.expect("done");
    }
}

pub fn header_of(message: &OwnedMessage, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8(found.value?.to_vec()).expect("text"))
}

pub async fn error_of(errors: &RelayErrors, relay: &str) -> String {
    let begun = Instant::now();
    loop {
        if let Some(waiting) = errors.all().remove(relay) {
            return waiting.error;
        }
        assert!(begun.elapsed() < TIMEOUT, "no error of {relay}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_missing_kafka_is_an_error_if_strict() {
    galleria_test_kafka::require_if_strict();
}
