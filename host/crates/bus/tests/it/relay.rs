//! The relay to a real broker.

use crate::Script;
use galleria_app::App;
use galleria_app::Policy;
use galleria_app::core::IdempotencyKey;
use galleria_app::events::{
    Acting, BROKER_REJECTED, DeadLetterView, EventPolicy, RelayPolicy, Verdict,
};
use galleria_app::operations::RejectedEvent;
use galleria_bus::{BrokerConfig, Login, Relay, RelayErrors, TopicWriter};
use galleria_db::{Db, DbConfig};
use galleria_domain::event::header;
use galleria_domain::trace::Origin;
use galleria_domain::{Digest, Event, NewEvent};
use galleria_ports::clock::SystemClock;
use galleria_ports::in_tx;
use galleria_ports::records::{DeadLetterFilter, Records};
use galleria_ports::trace;
use galleria_test_kafka::{Broker, TlsLogin, find_or_skip};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Limit on waits for a client on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The broker of all tests here; each test has its own topics. It stops with the process.
struct SharedBroker {
    broker: Broker,
    address: String,
    by_tls: TlsLogin,
    /// The broker's certificate, which only the tests trust.
    certificate: String,
}

fn broker() -> Option<&'static SharedBroker> {
    static BROKER: OnceLock<Option<SharedBroker>> = OnceLock::new();
    let started = BROKER.get_or_init(|| {
        let parts = find_or_skip()?;
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
        Some(SharedBroker {
            address: broker.address(),
            broker,
            by_tls,
            certificate,
        })
    });
    started.as_ref()
}

/// A log, and a relay for some of its topics.
struct Stage {
    shared: &'static SharedBroker,
    name: &'static str,
    app: App,
    db: Db,
    stop: CancellationToken,
    relay: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `name` is the prefix of every topic and the name of the relay.
    async fn new(name: &'static str, topics: &[&str]) -> Option<Self> {
        let shared = broker()?;
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
        Some(Self {
            shared,
            name,
            app,
            db,
            stop: CancellationToken::new(),
            relay: None,
            _folder: folder,
        })
    }

    fn topic(&self, topic: &str) -> String {
        format!("{}.{topic}", self.name)
    }

    fn config(&self) -> BrokerConfig {
        BrokerConfig {
            bootstrap: self.shared.address.clone(),
            login: None,
            ca_file: None,
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.shared.address);
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("a client")
    }

    async fn create_topic(&self, topic: &str, settings: &[(&str, &str)]) {
        let name = self.topic(topic);
        let mut new = NewTopic::new(&name, 3, TopicReplication::Fixed(1));
        for (key, value) in settings {
            new = new.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let created = self.admin().create_topics([&new], &options).await;
        created.expect("requested").remove(0).expect("created");
    }

    async fn publish(&self, topic: &str, id: &str, key: Option<&str>, data: Value) {
        let event = NewEvent {
            id: id.into(),
            topic: self.topic(topic),
            key: key.map(str::to_owned),
            store: None,
            data,
        };
        let at = "2026-11-24T09:00:00Z".parse().expect("an instant");
        let records: &dyn Records = &self.db;
        records
            .write(in_tx!(|tx, event| tx.event_append(&event, at).await))
            .await
            .expect("published");
    }

    /// Starts the relay.
    async fn relay(&mut self) -> RelayErrors {
        self.relay_with(self.config()).await
    }

    async fn relay_with(&mut self, config: BrokerConfig) -> RelayErrors {
        let relay = Relay::new(self.app.clone(), config);
        let errors = relay.errors();
        let relays = self.app.events.relays();
        self.relay = Some(tokio::spawn(relay.run(relays, self.stop.clone())));
        errors
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        if let Some(relay) = self.relay.take() {
            relay.await.expect("an end");
        }
    }

    /// Waits until the relay has stored that everything is relayed.
    async fn wait_until_relayed(&self) {
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
    fn read(&self, topic: &str) -> Vec<OwnedMessage> {
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
    fn ids(&self, topic: &str) -> Vec<String> {
        let read = self.read(topic);
        let id = |message| header_of(message, header::EVENT_ID).expect("an id");
        let mut ids: Vec<String> = read.iter().map(id).collect();
        ids.sort();
        ids
    }

    /// The events of a topic in the log.
    async fn log(&self, topic: &str) -> Vec<Event> {
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
    async fn write_without_position(&self, topic: &str, events: Vec<Event>) {
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

fn header_of(message: &OwnedMessage, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    Some(String::from_utf8(found.value?.to_vec()).expect("text"))
}

async fn error_of(errors: &RelayErrors, relay: &str) -> String {
    let begun = Instant::now();
    loop {
        if let Some(waiting) = errors.all().remove(relay) {
            return waiting.error;
        }
        assert!(begun.elapsed() < TIMEOUT, "no error of {relay}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_envelope_the_key_and_its_origin() {
    let Some(mut stage) = Stage::new("whole", &["a"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let origin = Origin {
        trace: Some(text.parse().expect("a trace")),
        request: Some("till-7/1".into()),
    };
    let caused = stage.publish(
        "a",
        "payment:1",
        Some("order-1"),
        json!({"payment_id": "1"}),
    );
    trace::within(origin, caused).await;
    stage.publish("a", "alone", None, json!({"é": 1})).await;
    stage.relay().await;
    stage.wait_until_relayed().await;
    stage.stop().await;
    let read = stage.read("a");
    assert_eq!(read.len(), 2);
    let of = |id: &str| {
        let is =
            |message: &&OwnedMessage| header_of(message, header::EVENT_ID).as_deref() == Some(id);
        read.iter().find(is).expect("the event")
    };
    let (paid, alone) = (of("payment:1"), of("alone"));
    assert_eq!(paid.key(), Some(&b"order-1"[..]));
    assert_eq!(header_of(paid, "traceparent").as_deref(), Some(text));
    assert_eq!(header_of(paid, "x-request-id").as_deref(), Some("till-7/1"));
    let at = 1_795_510_800_000_i64;
    assert_eq!(paid.timestamp().to_millis(), Some(at));
    let body: Value = serde_json::from_slice(paid.payload().expect("a body")).expect("JSON");
    let envelope = json!({"data": {"payment_id": "1"}, "server_timestamp": at});
    assert_eq!(body, envelope);
    assert_eq!(alone.key(), None);
    assert_eq!(header_of(alone, "traceparent"), None);
    assert_eq!(header_of(alone, "x-request-id"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_key_keep_their_order() {
    let Some(mut stage) = Stage::new("ordered", &["a"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    stage.relay().await;
    for number in 0..60 {
        let key = format!("order-{}", number % 5);
        let id = format!("{number:02}");
        stage
            .publish("a", &id, Some(&key), json!({"number": number}))
            .await;
    }
    stage.wait_until_relayed().await;
    stage.stop().await;
    let read = stage.read("a");
    assert_eq!(read.len(), 60);
    for key in 0..5 {
        let key = format!("order-{key}");
        let of_key = read.iter().filter(|one| one.key() == Some(key.as_bytes()));
        let ids: Vec<_> = of_key.map(|one| header_of(one, header::EVENT_ID)).collect();
        assert!(ids.len() == 12 && ids.is_sorted(), "{key}: {ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_or_after_the_commit_relays_nothing_twice() {
    let Some(mut stage) = Stage::new("crashed", &["a"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    for id in ["1", "2", "3", "4"] {
        stage.publish("a", id, None, json!({})).await;
    }
    // Two events are committed, and the position is not stored.
    let log = stage.log("a").await;
    stage.write_without_position("a", log[..2].to_vec()).await;
    // The third one is in flight when the process ends.
    let topic = stage.topic("a");
    let name = format!("{}.{topic}", stage.name);
    let producer: BaseProducer = stage
        .client()
        .set("transactional.id", &name)
        .create()
        .expect("a client");
    producer.init_transactions(TIMEOUT).expect("begun");
    producer.begin_transaction().expect("begun");
    let record: BaseRecord<'_, str, str> = BaseRecord::to(&topic).payload("never committed");
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("queued");
    producer.flush(TIMEOUT).expect("sent");
    stage.relay().await;
    stage.wait_until_relayed().await;
    stage.stop().await;
    assert_eq!(stage.ids("a"), ["1", "2", "3", "4"]);
    // The earlier writer is fenced off.
    producer
        .commit_transaction(TIMEOUT)
        .expect_err("another writer has taken over");
    assert_eq!(stage.ids("a").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_log_continues_at_its_own_position() {
    let Some(mut stage) = Stage::new("restored", &["a", "b"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    stage.create_topic("b", &[]).await;
    for id in ["a1", "a2", "a3"] {
        stage.publish("a", id, None, json!({})).await;
    }
    stage.publish("b", "b1", None, json!({})).await;
    // The broker is ahead: on one topic by an event whose position now has another event, on the other topic by
    // an event after the end of the log.
    let mut gone = stage.log("a").await.remove(1);
    gone.id = "gone".into();
    stage.write_without_position("a", vec![gone]).await;
    let mut gone = stage.log("b").await.remove(0);
    (gone.id, gone.position) = ("gone".into(), 1_000);
    stage.write_without_position("b", vec![gone]).await;
    stage.relay().await;
    stage.wait_until_relayed().await;
    stage.stop().await;
    assert_eq!(stage.ids("a"), ["a1", "a2", "a3", "gone"]);
    assert_eq!(stage.ids("b"), ["b1", "gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_cannot_be_written_delays_no_other() {
    let Some(mut stage) = Stage::new("apart", &["a", "missing", "narrow"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    stage
        .create_topic("narrow", &[("max.message.bytes", "1000")])
        .await;
    stage.publish("missing", "m1", None, json!({})).await;
    stage.publish("narrow", "small", None, json!({})).await;
    // It exceeds a kilobyte even when it is compressed.
    let digest = |number: u8| Digest::of(&[number]).to_string();
    let text: String = (0..100).map(digest).collect();
    stage
        .publish("narrow", "large", None, json!({"text": text}))
        .await;
    stage.publish("narrow", "later", None, json!({})).await;
    stage.publish("a", "a1", None, json!({})).await;
    let errors = stage.relay().await;
    let missing = error_of(&errors, "apart.apart.missing").await;
    assert!(
        missing.contains("apart.missing") && missing.contains("kafka.topics"),
        "{missing}"
    );
    let narrow = error_of(&errors, "apart.apart.narrow").await;
    assert!(narrow.contains("large"), "{narrow}");
    let begun = Instant::now();
    while stage.ids("a") != ["a1"] {
        assert!(begun.elapsed() < TIMEOUT, "the other topic waits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The events before the large one are relayed; both topics continue when they can.
    let begun = Instant::now();
    while stage.ids("narrow") != ["small"] {
        assert!(begun.elapsed() < TIMEOUT, "the small event waits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Every process that has the database sees the rejected events.
    let begun = Instant::now();
    let rejected = loop {
        let status = stage.app.operations.status().await.expect("a status");
        let mut rejected = status.rejected_events;
        rejected.sort_by(|one, other| one.event_id.cmp(&other.event_id));
        if rejected.len() == 2 {
            break rejected;
        }
        assert!(begun.elapsed() < TIMEOUT, "{rejected:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let named = |one: &RejectedEvent| (one.event_id.clone(), one.topic.clone());
    let expected = [("large", "apart.narrow"), ("m1", "apart.missing")];
    assert_eq!(
        rejected.iter().map(named).collect::<Vec<_>>(),
        expected.map(|(event, topic)| (event.to_owned(), topic.to_owned()))
    );
    assert!(rejected[0].reason.contains("too large"), "{rejected:?}");
    assert!(rejected[1].reason.contains("kafka.topics"), "{rejected:?}");
    let listed = stage
        .app
        .events
        .dead_letters(DeadLetterFilter::default(), None, 9);
    let letters = listed.await.expect("dead letters").dead_letters;
    let of = |letter: &DeadLetterView| (letter.event_id.clone(), letter.subscriber.clone());
    let mut of_relays: Vec<_> = letters.iter().map(of).collect();
    of_relays.sort();
    assert_eq!(
        of_relays,
        [
            ("large", "apart.apart.narrow"),
            ("m1", "apart.apart.missing")
        ]
        .map(|(event, relay)| (event.to_owned(), relay.to_owned()))
    );
    assert!(letters.iter().all(|letter| letter.code == BROKER_REJECTED));
    // The relay repeats its tries: nobody may discard the events.
    let acting = || Acting {
        actor: "ana".into(),
        reason: "test".into(),
    };
    let key = |key: &str| IdempotencyKey {
        key: key.into(),
        request: Digest::of(key.as_bytes()),
        as_sent: None,
    };
    let events = &stage.app.events;
    let one = events.settle_dead_letter(
        key("one"),
        "large",
        "apart.apart.narrow",
        Verdict::Discard,
        acting(),
    );
    let error = one.await.expect_err("rejected").to_string();
    assert!(error.contains("apart.narrow"), "{error}");
    let filter = DeadLetterFilter {
        topic: Some(stage.topic("narrow")),
        ..DeadLetterFilter::default()
    };
    let many = events.settle_dead_letters(key("many"), filter, Verdict::Discard, acting());
    assert!(many.await.expect("a reply").body.contains("\"settled\":0"));
    stage.create_topic("missing", &[]).await;
    let topic = stage.topic("narrow");
    let wider =
        AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", "1000000");
    let altered = stage
        .admin()
        .alter_configs([&wider], &AdminOptions::new())
        .await;
    altered.expect("requested").remove(0).expect("altered");
    stage.wait_until_relayed().await;
    assert!(errors.all().is_empty(), "{errors:?}");
    stage.stop().await;
    let status = stage.app.operations.status().await.expect("a status");
    assert_eq!((status.rejected_events, status.dead_letters), (vec![], 0));
    assert_eq!(stage.ids("missing"), ["m1"]);
    assert_eq!(stage.ids("narrow"), ["large", "later", "small"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_verifies_the_brokers_certificate_and_the_hosts_login() {
    let Some(mut stage) = Stage::new("secured", &["a"]).await else {
        return;
    };
    stage.create_topic("a", &[]).await;
    stage.publish("a", "a1", None, json!({})).await;
    let SharedBroker {
        broker,
        by_tls,
        certificate,
        ..
    } = stage.shared;
    let folder = tempfile::tempdir().expect("a folder");
    let ca_file = folder.path().join("broker.pem");
    std::fs::write(&ca_file, certificate).expect("written");
    let config = |secret: &str, known: bool| BrokerConfig {
        bootstrap: format!("127.0.0.1:{}", broker.tls_port),
        login: Some(Login {
            username: by_tls.user.clone(),
            password: secret.into(),
        }),
        ca_file: known.then(|| ca_file.clone()),
    };
    let wrong = "canary-0Wr7nG3sEc9r";
    for (config, reason) in [
        (config(&by_tls.password, false), "certificate"),
        (config(wrong, true), "uthentication"),
    ] {
        let errors = stage.relay_with(config.clone()).await;
        let error = error_of(&errors, "secured.secured.a").await;
        assert!(error.contains(reason), "{error}");
        let shown = format!("{error} {config:?}");
        assert!(
            !shown.contains(wrong) && !shown.contains(&by_tls.password),
            "{shown}"
        );
        stage.stop().await;
        stage.stop = CancellationToken::new();
    }
    stage.relay_with(config(&by_tls.password, true)).await;
    stage.wait_until_relayed().await;
    stage.stop().await;
    assert_eq!(stage.ids("a"), ["a1"]);
}
