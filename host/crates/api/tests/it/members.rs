//! Identification of members: one rejection for every invalid code, a minimum time, limited attempts.

use crate::host::{Answer, Host};
use crate::stage::Stage;
use galleria_app::Policy;
use galleria_app::members::{Allowance, MemberPolicy};
use galleria_app::sensitive::DigestKey;
use galleria_ports::clock::DrivenClock;
use galleria_test_database::{TestDatabase, integer};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    every_invalid_code_gets_the_same_bytes,
    invalid_bodies_are_not_quoted,
    attempts_are_limited_per_store,
    attempts_are_limited_per_client,
    limits_survive_a_restart,
    no_response_is_faster_than_the_floor,
    the_journal_contains_neither_code_nor_answer,
);

const PATH: &str = "/v1/stores/s1/members/identify";

const FLOOR: Duration = Duration::from_millis(250);

fn policy(per_store: u32, per_client: u32, floor: Duration) -> MemberPolicy {
    let allowance = |burst| Allowance {
        burst,
        every: Duration::from_secs(10),
    };
    MemberPolicy {
        per_store: allowance(per_store),
        per_client: allowance(per_client),
        floor,
        ..MemberPolicy::with(DigestKey::new([7; 32]))
    }
}

async fn host(stage: &Stage, members: MemberPolicy) -> (Host, Arc<DrivenClock>) {
    let policy = Policy {
        members,
        ..Policy::default()
    };
    let (host, clock) = stage.driven(policy).await;
    host.add_store_and_shift().await;
    (host, clock)
}

async fn identify(host: &Host, body: &Value) -> Answer {
    host.send(host.request(Method::POST, PATH).json(body)).await
}

async fn identify_code(host: &Host, code: &str) -> Answer {
    identify(host, &json!({ "code": code })).await
}

/// The response without request id and time.
fn comparable(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    headers.remove("date");
    headers.remove("x-request-id");
    format!("{} {headers:?} {}", answer.status, answer.text)
}

async fn every_invalid_code_gets_the_same_bytes(stage: &Stage) {
    let (host, _) = host(stage, policy(100, 100, Duration::ZERO)).await;
    let known = identify_code(&host, "M-739104").await.expect(200);
    assert_eq!(known["member"]["id"], "739104");
    assert_eq!(known["member"]["programme"], "club");

    let codes = [
        "",
        "M-739105",
        "crash",
        "fail",
        "denied",
        "\u{0}",
        "é",
        &"x".repeat(50_000),
    ];
    let mut seen = BTreeSet::new();
    for code in codes {
        let answer = identify_code(&host, code).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert_eq!(answer.json()["code"], "member_unknown");
        seen.insert(comparable(&answer));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    host.stop().await;
}

async fn invalid_bodies_are_not_quoted(stage: &Stage) {
    let (host, _) = host(stage, policy(100, 100, Duration::ZERO)).await;
    for body in [
        json!({ "code": 4242_4242 }),
        json!({ "code": ["42424242"] }),
        json!({ "code": "42424242", "42424242": 1 }),
        json!({ "42424242": "code" }),
        json!("42424242"),
    ] {
        let answer = identify(&host, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_json"));
        assert!(!answer.text.contains("4242"), "{}", answer.text);
    }
    let no_store = host.request(Method::POST, "/v1/stores/s9/members/identify");
    let no_store = host.send(no_store.json(&json!({ "code": "c" }))).await;
    assert_eq!(
        (no_store.status, no_store.code().as_str()),
        (404, "not_found")
    );
    let other = json!({
        "external_id": "1", "retailer": "other", "store_type": "kiosk", "country": "ES",
        "currency": "EUR", "minor_digits": 2, "zone": "Europe/Madrid",
    });
    host.write(Method::PUT, "/v1/stores/s2", "s2", &other)
        .await
        .expect(200);
    let unserved = host.request(Method::POST, "/v1/stores/s2/members/identify");
    let unserved = host.send(unserved.json(&json!({ "code": "c" }))).await;
    assert_eq!(
        (unserved.status, unserved.code().as_str()),
        (404, "not_served")
    );
    host.stop().await;
}

async fn attempts_are_limited_per_store(stage: &Stage) {
    limited_to_three(stage, policy(3, 100, Duration::ZERO)).await;
}

async fn attempts_are_limited_per_client(stage: &Stage) {
    limited_to_three(stage, policy(100, 3, Duration::ZERO)).await;
}

async fn limited_to_three(stage: &Stage, members: MemberPolicy) {
    let (host, clock) = host(stage, members).await;
    // Valid codes count too.
    for code in ["M-739104", "x", "M-739104"] {
        let status = identify_code(&host, code).await.status;
        assert_ne!(status, 429);
    }
    let mut seen = BTreeSet::new();
    for code in ["M-739104", "x", "crash"] {
        let answer = identify_code(&host, code).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (429, "too_many_attempts")
        );
        assert_eq!(answer.header("retry-after"), Some("10"));
        let id = answer.header("x-request-id").expect("an id");
        seen.insert(comparable(&answer).replace(id, ""));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");

    clock.advance(Duration::from_millis(9_001));
    let answer = identify_code(&host, "M-739104").await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("1"))
    );
    clock.advance(Duration::from_millis(999));
    identify_code(&host, "M-739104").await.expect(200);
    assert_eq!(identify_code(&host, "M-739104").await.status, 429);

    clock.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        identify_code(&host, "M-739104").await.expect(200);
    }
    assert_eq!(identify_code(&host, "M-739104").await.status, 429);
    host.stop().await;
}

async fn limits_survive_a_restart(stage: &Stage) {
    for started in 0..2 {
        let (host, _) = host(stage, policy(2, 100, Duration::ZERO)).await;
        for _ in 0..2 {
            let status = identify_code(&host, "M-739104").await.status;
            assert_eq!(status, if started == 0 { 200 } else { 429 });
        }
        host.stop().await;
    }
}

async fn no_response_is_faster_than_the_floor(stage: &Stage) {
    let (host, clock) = host(stage, policy(5, 5, FLOOR)).await;
    let host = Arc::new(host);
    // A member, an invalid code, a crash, and one attempt above the limit.
    for (code, status) in [
        ("M-739104", 200),
        ("x", 404),
        ("crash", 404),
        ("x", 404),
        ("M-739104", 200),
        ("M-739104", 429),
    ] {
        let response = {
            let host = Arc::clone(&host);
            tokio::spawn(async move { identify_code(&host, code).await })
        };
        while clock.sleepers() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        clock.advance(FLOOR - Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!response.is_finished(), "{code}: response before the floor");
        clock.advance(Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(30)).await;
        // Slower work is answered at the next multiple of the floor.
        while !response.is_finished() {
            clock.advance(FLOOR);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        assert_eq!(response.await.expect("no panic").status, status, "{code}");
    }
    Arc::into_inner(host).expect("the only owner").stop().await;
}

/// A row of the journal: event id, outcome, detail, argument, decision, CPU time.
type Row = (String, String, Option<String>, String, Option<String>, i64);

async fn the_journal_contains_neither_code_nor_answer(stage: &Stage) {
    // An open connection keeps SQLite's write-ahead log.
    let mut database = stage.connect().await;
    let (host, _) = host(stage, policy(100, 100, Duration::ZERO)).await;
    for code in ["M-739104", "not-a-member", "crash", "fail"] {
        identify_code(&host, code).await;
    }
    assert_no_texts(&host, &journal(&mut database).await).await;
    host.stop().await;
    let key = DigestKey::new([7; 32]);
    let rows = journal(&mut database).await;
    let outcomes = ["identified", "refused", "trapped", "failed"];
    let codes = ["M-739104", "not-a-member", "crash", "fail"];
    assert_eq!(rows.len(), 4);
    let no_member = Some(key.digest("answer", "null"));
    for (n, (event_id, outcome, detail, argument, decision, cpu_us)) in rows.iter().enumerate() {
        assert!(event_id.starts_with("identify-member:"), "{event_id}");
        assert_eq!((outcome.as_str(), detail), (outcomes[n], &None));
        assert_eq!(*argument, key.digest("code", codes[n]));
        assert_eq!(*decision == no_member, n > 0, "{outcome}");
        assert_eq!(*cpu_us, 1_000, "in whole milliseconds");
    }
    let secrets: [&[u8]; 4] = [
        b"739104",
        b"not-a-member",
        b"about the number",
        b"127.0.0.1",
    ];
    let bytes = stage.bytes().await;
    let stored = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    for secret in secrets {
        assert!(!stored(secret), "{}", String::from_utf8_lossy(secret));
    }
    assert!(
        stored(rows[0].0.as_bytes()),
        "the database was not searched"
    );
}

/// Operators see the attempts without any text.
async fn assert_no_texts(host: &Host, rows: &[Row]) {
    for (event_id, _, _, argument, decision, _) in rows {
        let path = format!("/v1/events/{event_id}/journal");
        let journal = host.get(&path).await;
        assert_eq!(journal.expect(200).as_array().map(Vec::len), Some(1));
        assert!(!journal.text.contains("739104"), "{}", journal.text);
        let decision = decision.as_deref().expect("a digest of the answer");
        for digest in [argument.as_str(), decision] {
            let none = host.get(&format!("{path}/{digest}")).await;
            assert_eq!(none.code(), "not_found", "{digest}");
        }
    }
}

/// Every attempt, oldest first. The port lists only attempts about orders, so read the table.
async fn journal(database: &mut TestDatabase) -> Vec<Row> {
    let all =
        "SELECT event_id, outcome, detail, argument, decision, cpu_us FROM journal ORDER BY serial";
    let rows = database.rows(all).await.into_iter().map(|row| {
        let columns = <[_; 6]>::try_from(row).expect("six columns");
        let [event_id, outcome, detail, argument, decision, cpu_us] = columns;
        let text = |cell: Option<String>| cell.expect("a text");
        (
            text(event_id),
            text(outcome),
            detail,
            text(argument),
            decision,
            integer(cpu_us),
        )
    });
    rows.collect()
}
