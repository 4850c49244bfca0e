//! Events and topics that the broker rejects.

use super::stage::{Stage, TIMEOUT, error_of};
use galleria_app::core::IdempotencyKey;
use galleria_app::events::{Acting, BROKER_REJECTED, DeadLetterView, Verdict};
use galleria_app::operations::RejectedEvent;
use galleria_domain::Digest;
use galleria_ports::records::DeadLetterFilter;
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(kafka_installed), ignore = "Kafka is not installed")]
async fn a_topic_that_cannot_be_written_delays_no_other() {
    let mut stage = Stage::new("apart", &["a", "missing", "narrow"]).await;
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
