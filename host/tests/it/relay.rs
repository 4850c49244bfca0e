//! Publications reach a real Kafka with their cause in the headers, and once, even if host and broker are
//! killed repeatedly.

use crate::configuration::{ASKS, retailer};
use crate::corner_shop;
use crate::host::{Database, Host, KAFKA_SECRET};
use galleria_db::Db;
use galleria_domain::event::{header, topic};
use galleria_ports::in_tx;
use galleria_ports::records::Records;
use galleria_test_kafka::{Broker, Installation, TlsLogin, installed};
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both!(
    #[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
    a_message_names_the_request_that_caused_it,
    #[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
    kills_of_host_and_broker_lose_and_duplicate_nothing,
);

const LONG: Duration = Duration::from_secs(120);

const PARTITIONS: i32 = 3;

/// The topic of the host's payments, and the topic of the plugin's publications.
const TOPICS: [&str; 2] = [topic::POST_PAYMENT_SUCCESS, "sales"];

/// A broker with the topics, and a host that relays to it over TLS.
struct Stage {
    broker: Broker,
    host: Host,
    _certificate: tempfile::NamedTempFile,
}

impl Stage {
    async fn new(host: Host, database: Database, parts: &Installation) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a certificate");
        let certificate = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(certificate.path(), made.cert.pem()).expect("written");
        let by_tls = TlsLogin {
            pem: made.signing_key.serialize_pem() + &made.cert.pem(),
            user: "shops".into(),
            password: KAFKA_SECRET.into(),
        };
        let mut broker = Broker::start_with_tls(parts, &by_tls).expect("started");
        broker.wait().expect("an answer");
        let mut host = host.on(database);
        host.set(&format!("kafka.bootstrap=127.0.0.1:{}", broker.tls_port));
        host.set(&format!("kafka.ca_file={}", certificate.path().display()));
        host.set(&format!("kafka.topics={TOPICS:?}"));
        let stage = Self {
            broker,
            host,
            _certificate: certificate,
        };
        let admin: AdminClient<DefaultClientContext> = stage.client().create().expect("a client");
        let new = TOPICS.map(|topic| NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1)));
        let options = AdminOptions::new().operation_timeout(Some(LONG));
        for made in admin.create_topics(&new, &options).await.expect("asked") {
            made.expect("made");
        }
        stage
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.broker.address());
        client
    }

    /// Sets the size of the largest message that the broker accepts on the topic of payments.
    async fn limit_payments(&self, bytes: &str) {
        let topic = ResourceSpecifier::Topic(topic::POST_PAYMENT_SUCCESS);
        let limit = AlterConfig::new(topic).set("max.message.bytes", bytes);
        let admin: AdminClient<DefaultClientContext> = self.client().create().expect("a client");
        let altered = admin.alter_configs([&limit], &AdminOptions::new()).await;
        altered.expect("an answer").remove(0).expect("altered");
    }

    /// Waits until everything is applied and published.
    async fn settled(&self) {
        let begun = Instant::now();
        loop {
            let status = self.host.get("/v1/status").await;
            if status.is_ok_and(|status| status["settled"] == true) {
                return;
            }
            assert!(begun.elapsed() < LONG, "not settled:\n{}", self.host.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
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
        all.add_partition_range(topic, 0, PARTITIONS - 1);
        all.set_all_offsets(Offset::Beginning).expect("offsets");
        consumer.assign(&all).expect("assigned");
        let (mut read, mut ended, begun) = (Vec::new(), 0, Instant::now());
        while ended < PARTITIONS {
            match consumer.poll(LONG).expect("an answer") {
                Ok(message) => read.push(message.detach()),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                // The client recovers from the outage of a broker.
                Err(error) => assert!(begun.elapsed() < LONG, "{error}"),
            }
        }
        read
    }

    /// Checks that Kafka has the content of the log: this many payments and publications, each once.
    async fn check_published_once(&self, payments: usize) {
        for topic in TOPICS {
            let result = self.read(topic);
            // The plugin's publication has the id of the till's request, too.
            let causes = result
                .iter()
                .filter(|message| !header_of(message, header::REQUEST_ID).is_empty());
            assert_eq!(causes.count(), result.len(), "{topic}");
            let id = |message| header_of(message, header::EVENT_ID);
            let mut published: Vec<String> = result.iter().map(id).collect();
            published.sort();
            let logged = self.logged(topic).await;
            assert_eq!(logged.len(), payments, "{topic}");
            assert_eq!(published, logged, "{topic}");
        }
    }

    /// The sorted ids of a topic's events in the database.
    async fn logged(&self, topic: &str) -> Vec<String> {
        let db = Db::open(&self.host.database()).await.expect("the database");
        let records: &dyn Records = &db;
        let topics = vec![topic.to_owned()];
        let logged = records.read(in_tx!(|tx, topics| tx.event_list(&topics, 0, 1_000).await));
        let logged = logged.await.expect("the log").into_iter();
        let mut logged: Vec<String> = logged.map(|event| event.id).collect();
        db.close().await.expect("closed");
        logged.sort();
        logged
    }
}

fn header_of(message: &OwnedMessage, name: &str) -> String {
    let headers = message.headers().expect("headers");
    let found = headers.iter().find(|header| header.key == name);
    let value = found.expect(name).value.expect("a value");
    String::from_utf8(value.to_vec()).expect("text")
}

async fn a_message_names_the_request_that_caused_it(database: Database) {
    let parts = installed();
    let folder = tempfile::tempdir().expect("a folder");
    // An event at which a plugin fails is published nevertheless.
    let slot =
        format!("[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Crash\"\n");
    let host = retailer(folder.path(), ASKS, &slot);
    let mut stage = Stage::new(host, database, &parts).await;
    stage.host.start().await;
    corner_shop::open(&stage.host).await;
    corner_shop::place(&stage.host, "o1").await;
    let tender =
        json!({"number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0});
    let paid = json!({"id": "p1", "at": "2026-11-24T10:00:00Z", "tenders": [tender]});
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = stage
        .host
        .client
        .post(stage.host.url("/v1/orders/o1/payments"))
        .header("Idempotency-Key", "p1")
        .header("x-request-id", "till-7/0001")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&paid);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
    let begun = Instant::now();
    let read = loop {
        let read = stage.read(topic::POST_PAYMENT_SUCCESS);
        if !read.is_empty() {
            break read;
        }
        assert!(
            begun.elapsed() < LONG,
            "not published:\n{}",
            stage.host.log()
        );
    };
    assert_eq!(read.len(), 1);
    assert_eq!(header_of(&read[0], header::EVENT_ID), "payment:p1");
    assert_eq!(header_of(&read[0], header::REQUEST_ID), "till-7/0001");
    let result = header_of(&read[0], header::TRACE);
    assert!(result.starts_with(&format!("00-{trace}-")), "{result}");
    assert_eq!(read[0].key(), Some(&b"o1"[..]));
    let body: Value = serde_json::from_slice(read[0].payload().expect("a body")).expect("JSON");
    assert_eq!(body["data"]["payment_id"], "p1");
    // The log lines about the event at which the plugin failed have the id, too.
    stage.host.until(|status| status["dead_letters"] == 1).await;
    let log = stage.host.log();
    let of_event = log.lines().filter(|line| line.contains("payment:p1"));
    let of_event: Vec<&str> = of_event.collect();
    assert!(!of_event.is_empty(), "{log}");
    for line in of_event {
        assert!(line.contains("till-7/0001"), "{line}");
    }
    // The status shows the relay with the other workers.
    let ready = stage.host.get("/readyz").await.expect("ready");
    let parts = ready["parts"].as_array().expect("parts");
    let relay = parts.iter().find(|part| part["part"] == "relay");
    let relay = relay.expect("the relay");
    assert_eq!(
        (&relay["role"], &relay["state"]),
        (&json!("relay"), &json!("running"))
    );
    stage.host.stop();
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn an_event_that_the_broker_rejects_is_shown_until_it_is_accepted() {
    let parts = installed();
    let folder = tempfile::tempdir().expect("a folder");
    let host = corner_shop::host(folder.path());
    let mut stage = Stage::new(host, Database::Sqlite, &parts).await;
    // The markers of transactions must fit.
    stage.limit_payments("120").await;
    stage.host.start().await;
    corner_shop::open(&stage.host).await;
    corner_shop::sell(&stage.host, "o1").await;
    let of_payments = |status: &Value| {
        let rejected = status["rejected_events"].as_array().expect("events");
        rejected.iter().any(|one| {
            one["event_id"] == "payment:p-o1"
                && one["topic"] == topic::POST_PAYMENT_SUCCESS
                && one["reason"]
                    .as_str()
                    .is_some_and(|why| why.contains("too large"))
        })
    };
    stage.host.until(of_payments).await;
    let wanted = ["payment:p-o1", topic::POST_PAYMENT_SUCCESS, "too large"];
    // Other processes read the database.
    for command in [&["status"][..], &["dead-letters", "list"]] {
        let output = String::from_utf8(stage.host.run(command).stdout).expect("text");
        for text in wanted {
            assert!(output.contains(text), "{command:?}: {text} in\n{output}");
        }
    }
    let ready = stage.host.get("/readyz").await.expect("ready").to_string();
    let letters = stage
        .host
        .get("/v1/dead-letters?code=broker_rejected")
        .await;
    let letters = letters.expect("dead letters").to_string();
    for text in wanted {
        assert!(ready.contains(text), "{text} in {ready}");
        assert!(letters.contains(text), "{text} in {letters}");
    }
    stage.limit_payments("1000000").await;
    stage.settled().await;
    let status = stage.host.get("/v1/status").await.expect("a status");
    assert_eq!(status["rejected_events"], json!([]));
    assert_eq!(status["dead_letters"], 0);
    assert_eq!(stage.read(topic::POST_PAYMENT_SUCCESS).len(), 1);
    stage.host.stop();
}

async fn kills_of_host_and_broker_lose_and_duplicate_nothing(database: Database) {
    let parts = installed();
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(corner_shop::host(folder.path()), database, &parts).await;
    // Another host waits for the lease of a killed one.
    stage.host.set("groups.lease=1s");
    stage.host.start().await;
    corner_shop::open(&stage.host).await;
    for round in 0..8 {
        for number in 0..12 {
            corner_shop::sell(&stage.host, &format!("o{round}-{number}")).await;
        }
        // At any point of the relay's work.
        match round % 4 {
            0 | 2 => {
                stage.host.kill();
                stage.host.start().await;
            }
            1 => {
                stage.broker.kill().expect("killed");
                stage.broker.restart().expect("started");
            }
            _ => {
                stage.host.outage().await;
                stage.host.kill();
                stage.broker.kill().expect("killed");
                stage.host.start().await;
                // Payments do not wait for the broker.
                corner_shop::sell(&stage.host, &format!("o{round}-away")).await;
                stage.broker.restart().expect("started");
            }
        }
    }
    stage.settled().await;
    stage.check_published_once(8 * 12 + 2).await;
    stage.host.stop();
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
#[cfg_attr(not(postgres_installed), ignore = "PostgreSQL is not installed")]
async fn a_topic_moves_from_host_to_host() {
    let parts = installed();
    let database = Database::Postgres;
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(corner_shop::host(folder.path()), database, &parts).await;
    stage.host.start().await;
    corner_shop::open(&stage.host).await;
    let mut paid = 0;
    for _ in 0..3 {
        // The next host stands by, and continues where the previous one stops.
        stage.host.start_beside().await;
        for _ in 0..15 {
            corner_shop::sell(&stage.host, &format!("o{paid}")).await;
            paid += 1;
        }
        tokio::task::block_in_place(|| stage.host.stop_before());
    }
    stage.settled().await;
    stage.check_published_once(paid).await;
    stage.host.stop();
}
