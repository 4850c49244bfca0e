//! Who is behind a code: one refusal, no answer before its time, and only so many attempts.

use crate::host::{Answer, Host};
use crate::stage::Stage;
use galleria_app::members::{Allowance, MemberPolicy};
use galleria_app::sensitive::DigestKey;
use galleria_app::{DrivenClock, Policy};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AnyConnection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

on_both!(
    whatever_is_wrong_the_refusal_has_the_same_bytes,
    what_is_no_question_is_told_without_a_word_of_it,
    attempts_are_limited_for_each_store,
    attempts_are_limited_for_each_client,
    limits_outlive_the_host,
    no_answer_comes_before_the_floor,
    the_journal_tells_neither_code_nor_answer,
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
    host.furnish().await;
    (host, clock)
}

async fn identify(host: &Host, body: &Value) -> Answer {
    host.send(host.request(Method::POST, PATH).json(body)).await
}

async fn ask(host: &Host, code: &str) -> Answer {
    identify(host, &json!({ "code": code })).await
}

/// What a caller can compare: everything but the ids and times of the request itself.
fn comparable(answer: &Answer) -> String {
    let mut headers = answer.headers.clone();
    headers.remove("date");
    headers.remove("x-request-id");
    format!("{} {headers:?} {}", answer.status, answer.text)
}

async fn whatever_is_wrong_the_refusal_has_the_same_bytes(stage: &Stage) {
    let (host, _) = host(stage, policy(100, 100, Duration::ZERO)).await;
    let good = ask(&host, "M-739104").await.expect(200);
    assert_eq!(good["member"]["id"], "739104");
    assert_eq!(good["member"]["programme"], "club");

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
        let answer = ask(&host, code).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert_eq!(answer.json()["code"], "member_unknown");
        seen.insert(comparable(&answer));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    host.stop().await;
}

async fn what_is_no_question_is_told_without_a_word_of_it(stage: &Stage) {
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

async fn attempts_are_limited_for_each_store(stage: &Stage) {
    limited_to_three(stage, policy(3, 100, Duration::ZERO)).await;
}

async fn attempts_are_limited_for_each_client(stage: &Stage) {
    limited_to_three(stage, policy(100, 3, Duration::ZERO)).await;
}

async fn limited_to_three(stage: &Stage, members: MemberPolicy) {
    let (host, clock) = host(stage, members).await;
    // Good ones count as well.
    for code in ["M-739104", "x", "M-739104"] {
        let status = ask(&host, code).await.status;
        assert_ne!(status, 429);
    }
    let mut seen = BTreeSet::new();
    for code in ["M-739104", "x", "crash"] {
        let answer = ask(&host, code).await;
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
    let answer = ask(&host, "M-739104").await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("1"))
    );
    clock.advance(Duration::from_millis(999));
    ask(&host, "M-739104").await.expect(200);
    assert_eq!(ask(&host, "M-739104").await.status, 429);

    clock.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        ask(&host, "M-739104").await.expect(200);
    }
    assert_eq!(ask(&host, "M-739104").await.status, 429);
    host.stop().await;
}

async fn limits_outlive_the_host(stage: &Stage) {
    for started in 0..2 {
        let (host, _) = host(stage, policy(2, 100, Duration::ZERO)).await;
        for _ in 0..2 {
            let status = ask(&host, "M-739104").await.status;
            assert_eq!(status, if started == 0 { 200 } else { 429 });
        }
        host.stop().await;
    }
}

async fn no_answer_comes_before_the_floor(stage: &Stage) {
    let (host, clock) = host(stage, policy(5, 5, FLOOR)).await;
    let host = Arc::new(host);
    // A member, a bad code, a crash, and at last one too many.
    for (code, status) in [
        ("M-739104", 200),
        ("x", 404),
        ("crash", 404),
        ("x", 404),
        ("M-739104", 200),
        ("M-739104", 429),
    ] {
        let asked = {
            let host = Arc::clone(&host);
            tokio::spawn(async move { ask(&host, code).await })
        };
        while clock.sleepers() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        clock.advance(FLOOR - Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(!asked.is_finished(), "{code} was answered before the floor");
        clock.advance(Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(30)).await;
        // What was not done by then is told at the next multiple.
        while !asked.is_finished() {
            clock.advance(FLOOR);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        assert_eq!(asked.await.expect("no panic").status, status, "{code}");
    }
    Arc::into_inner(host).expect("nobody else").stop().await;
}

/// A row of the journal: what it is about, how it ended, and what stands for the texts.
type Kept = (String, String, Option<String>, String, Option<String>, i64);

async fn the_journal_tells_neither_code_nor_answer(stage: &Stage) {
    // While somebody looks at it, SQLite keeps its log.
    let mut database = stage.connect().await;
    let (host, _) = host(stage, policy(100, 100, Duration::ZERO)).await;
    for code in ["M-739104", "not-a-member", "crash", "fail"] {
        ask(&host, code).await;
    }
    untold(&host, &journal(&mut database).await).await;
    host.stop().await;
    let key = DigestKey::new([7; 32]);
    let rows = journal(&mut database).await;
    let outcomes = ["identified", "refused", "trapped", "failed"];
    let codes = ["M-739104", "not-a-member", "crash", "fail"];
    assert_eq!(rows.len(), 4);
    let nobody = Some(key.digest("answer", "null"));
    for (n, (event_id, outcome, detail, argument, decision, cpu_us)) in rows.iter().enumerate() {
        assert!(event_id.starts_with("identify-member:"), "{event_id}");
        assert_eq!((outcome.as_str(), detail), (outcomes[n], &None));
        assert_eq!(*argument, key.digest("code", codes[n]));
        assert_eq!(*decision == nobody, n > 0, "{outcome}");
        assert_eq!(*cpu_us, 1_000, "in whole milliseconds");
    }
    let secrets: [&[u8]; 4] = [
        b"739104",
        b"not-a-member",
        b"about the number",
        b"127.0.0.1",
    ];
    let bytes = stage.bytes().await;
    let told = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    for secret in secrets {
        assert!(!told(secret), "{}", String::from_utf8_lossy(secret));
    }
    assert!(told(rows[0].0.as_bytes()), "the database was not read");
}

/// An operator who asks for these attempts sees that they were, and no text of any.
async fn untold(host: &Host, rows: &[Kept]) {
    for (event_id, _, _, argument, decision, _) in rows {
        let path = format!("/v1/events/{event_id}/journal");
        let told = host.get(&path).await;
        assert_eq!(told.expect(200).as_array().map(Vec::len), Some(1));
        assert!(!told.text.contains("739104"), "{}", told.text);
        let decision = decision.as_deref().expect("a digest of the answer");
        for digest in [argument.as_str(), decision] {
            let none = host.get(&format!("{path}/{digest}")).await;
            assert_eq!(none.code(), "not_found", "{digest}");
        }
    }
}

/// Every attempt, oldest first; the port lists those about an order, and these are about none.
async fn journal(database: &mut AnyConnection) -> Vec<Kept> {
    let all =
        "SELECT event_id, outcome, detail, argument, decision, cpu_us FROM journal ORDER BY serial";
    let rows = sqlx::query_as(all).fetch_all(database).await;
    rows.expect("rows")
}
