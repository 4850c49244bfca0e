//! What is published reaches a real Kafka: with what caused it in its headers, and once, however often host
//! and broker are killed on the way.

use crate::configuration::{ASKS, retailer};
use crate::corner;
use crate::house::{Database, House};
use galleria_app::records::Records;
use galleria_db::Db;
use galleria_domain::event::{header, topic};
use galleria_test_kafka::{Broker, Parts, parts_or_skip};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both!(
    a_message_tells_the_request_that_caused_it,
    kills_of_host_and_broker_lose_and_double_nothing,
);

const LONG: Duration = Duration::from_secs(120);

const PARTITIONS: i32 = 3;

/// A broker that has the payments' topic, and a house that tells it of them.
struct Stage {
    broker: Broker,
    house: House,
}

impl Stage {
    async fn new(house: House, database: Database, parts: &Parts) -> Self {
        let mut broker = Broker::start(parts).expect("started");
        broker.wait().expect("an answer");
        let mut house = house.on(database);
        house.set(&format!("kafka.bootstrap={}", broker.address()));
        house.set(&format!(
            "kafka.topics=[\"{}\"]",
            topic::POST_PAYMENT_SUCCESS
        ));
        let stage = Self { broker, house };
        let admin: AdminClient<DefaultClientContext> = stage.client().create().expect("a client");
        let new = NewTopic::new(
            topic::POST_PAYMENT_SUCCESS,
            PARTITIONS,
            TopicReplication::Fixed(1),
        );
        let options = AdminOptions::new().operation_timeout(Some(LONG));
        let made = admin.create_topics([&new], &options).await;
        made.expect("asked").remove(0).expect("made");
        stage
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.broker.address());
        client
    }

    /// Waits until everything has had its effect and is told.
    async fn settled(&self) {
        let begun = Instant::now();
        loop {
            let status = self.house.get("/v1/status").await;
            if status.is_ok_and(|status| status["settled"] == true) {
                return;
            }
            assert!(begun.elapsed() < LONG, "not settled:\n{}", self.house.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every payment that is committed in Kafka.
    fn read(&self) -> Vec<OwnedMessage> {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "tests")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .create()
            .expect("a client");
        let mut all = TopicPartitionList::new();
        all.add_partition_range(topic::POST_PAYMENT_SUCCESS, 0, PARTITIONS - 1);
        all.set_all_offsets(Offset::Beginning).expect("offsets");
        consumer.assign(&all).expect("assigned");
        let (mut read, mut ended) = (Vec::new(), 0);
        while ended < PARTITIONS {
            match consumer.poll(LONG).expect("an answer") {
                Ok(message) => read.push(message.detach()),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        read
    }
}

fn header_of(message: &OwnedMessage, name: &str) -> String {
    let headers = message.headers().expect("headers");
    let found = headers.iter().find(|header| header.key == name);
    let value = found.expect(name).value.expect("a value");
    String::from_utf8(value.to_vec()).expect("text")
}

async fn a_message_tells_the_request_that_caused_it(database: Database) {
    let Some(parts) = parts_or_skip() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    // What a plugin cannot decide about is published nevertheless.
    let slot =
        format!("[plugins.papers.grants]\n{ASKS}\n[plugins.papers.settings]\nbehave = \"Crash\"\n");
    let house = retailer(folder.path(), ASKS, &slot);
    let mut stage = Stage::new(house, database, &parts).await;
    stage.house.start().await;
    corner::open(&stage.house).await;
    corner::place(&stage.house, "o1").await;
    let tender =
        json!({"number": 1, "kind": "card", "amount": 1000, "tendered": 1000, "change": 0});
    let paid = json!({"id": "p1", "at": "2026-11-24T10:00:00Z", "tenders": [tender]});
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let asked = stage
        .house
        .client
        .post(stage.house.url("/v1/orders/o1/payments"))
        .header("Idempotency-Key", "p1")
        .header("x-request-id", "till-7/0001")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&paid);
    assert_eq!(asked.send().await.expect("an answer").status(), 201);
    let begun = Instant::now();
    let read = loop {
        let read = stage.read();
        if !read.is_empty() {
            break read;
        }
        assert!(begun.elapsed() < LONG, "not told:\n{}", stage.house.log());
    };
    assert_eq!(read.len(), 1);
    assert_eq!(header_of(&read[0], header::EVENT_ID), "payment:p1");
    assert_eq!(header_of(&read[0], header::REQUEST_ID), "till-7/0001");
    let told = header_of(&read[0], header::TRACE);
    assert!(told.starts_with(&format!("00-{trace}-")), "{told}");
    assert_eq!(read[0].key(), Some(&b"o1"[..]));
    let body: Value = serde_json::from_slice(read[0].payload().expect("a body")).expect("JSON");
    assert_eq!(body["data"]["payment_id"], "p1");
    // The lines about the event that the plugin failed at have the id, too.
    stage
        .house
        .until(|status| status["dead_letters"] == 1)
        .await;
    let log = stage.house.log();
    let of_event = log.lines().filter(|line| line.contains("payment:p1"));
    let of_event: Vec<&str> = of_event.collect();
    assert!(!of_event.is_empty(), "{log}");
    for line in of_event {
        assert!(line.contains("till-7/0001"), "{line}");
    }
    // What it relays stands with the other parts.
    let ready = stage.house.get("/readyz").await.expect("ready");
    let parts = ready["parts"].as_array().expect("parts");
    let relay = parts.iter().find(|part| part["part"] == "relay");
    let relay = relay.expect("the relay");
    assert_eq!(
        (&relay["role"], &relay["state"]),
        (&json!("relay"), &json!("going"))
    );
    stage.house.stop();
}

async fn kills_of_host_and_broker_lose_and_double_nothing(database: Database) {
    let Some(parts) = parts_or_skip() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(corner::house(folder.path()), database, &parts).await;
    // A host that is killed is waited for, where another takes over.
    stage.house.set("groups.lease=1s");
    stage.house.start().await;
    corner::open(&stage.house).await;
    for round in 0..8 {
        for number in 0..12 {
            corner::sell(&stage.house, &format!("o{round}-{number}")).await;
        }
        // In the middle of whatever the relay is at.
        match round % 4 {
            0 | 2 => {
                stage.house.kill();
                stage.house.start().await;
            }
            1 => {
                stage.broker.kill().expect("killed");
                stage.broker.start_again().expect("started");
            }
            _ => {
                stage.house.outage().await;
                stage.house.kill();
                stage.broker.kill().expect("killed");
                stage.house.start().await;
                // Nobody who pays waits for the broker.
                corner::sell(&stage.house, &format!("o{round}-away")).await;
                stage.broker.start_again().expect("started");
            }
        }
    }
    stage.settled().await;
    let mut told: Vec<String> = stage
        .read()
        .iter()
        .map(|message| header_of(message, header::EVENT_ID))
        .collect();
    told.sort();
    let db = Db::open(&stage.house.database())
        .await
        .expect("the database");
    let records: &dyn Records = &db;
    let logged = records.read(|tx| {
        let topics = vec![topic::POST_PAYMENT_SUCCESS.to_owned()];
        Box::pin(async move { tx.event_page(&topics, 0, 1_000).await })
    });
    let mut logged: Vec<String> = logged
        .await
        .expect("the log")
        .into_iter()
        .map(|event| event.id)
        .collect();
    db.close().await.expect("closed");
    logged.sort();
    assert_eq!(logged.len(), 8 * 12 + 2);
    assert_eq!(told, logged);
    stage.house.stop();
}
