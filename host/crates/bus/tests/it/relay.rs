//! The relay to a real broker.

mod rejections;
mod stage;

use galleria_bus::{BrokerConfig, Login};
use galleria_domain::event::header;
use galleria_domain::trace::Origin;
use galleria_ports::trace;
use rdkafka::message::{Message as _, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::{Value, json};
use stage::{SharedBroker, Stage, TIMEOUT, error_of, header_of};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn a_message_has_the_envelope_the_key_and_its_origin() {
    let mut stage = Stage::new("whole", &["a"]).await;
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
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn events_of_a_key_keep_their_order() {
    let mut stage = Stage::new("ordered", &["a"]).await;
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
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn a_crash_before_or_after_the_commit_relays_nothing_twice() {
    let mut stage = Stage::new("crashed", &["a"]).await;
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
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn a_restored_log_continues_at_its_own_position() {
    let mut stage = Stage::new("restored", &["a", "b"]).await;
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
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn tls_verifies_the_brokers_certificate_and_the_hosts_login() {
    let mut stage = Stage::new("secured", &["a"]).await;
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
