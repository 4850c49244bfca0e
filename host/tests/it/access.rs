//! API keys created and revoked by command while a host serves, tokens of a realm, and a wrong list of
//! anonymous routes.

use crate::corner_shop;
use crate::host::{Database, Host};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::path::Path;

async fn status(host: &Host, bearer: &str, path: &str) -> u16 {
    let client = Host::client_with(bearer);
    let answer = client.get(host.url(path)).send().await;
    answer.expect("an answer").status().as_u16()
}

fn run_text(host: &Host, arguments: &[&str]) -> (bool, String) {
    let output = host.run(arguments);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("text");
    (output.status.success(), text)
}

/// Returns whether any file below a folder contains a text.
fn stands(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .any(|path| {
            if path.is_dir() {
                return stands(&path, text);
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
}

on_both!(an_api_key_is_valid_until_it_is_revoked);

async fn an_api_key_is_valid_until_it_is_revoked(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path()).on(database);
    host.settings.push("log.level=trace".into());
    host.start().await;
    corner_shop::open(&host).await;
    let store = corner_shop::STORE;
    let till = ["--name", "till-7", "--scope", "till", "--store", store];
    let key = host.key(&till);
    let path = format!("/v1/stores/{store}");
    assert_eq!(status(&host, &key, &path).await, 200);
    assert_eq!(status(&host, &key, "/v1/stores/another").await, 404);
    assert_eq!(status(&host, &key, "/v1/status").await, 403);

    let create = |arguments: &[&str]| run_text(&host, &[&["key", "create"], arguments].concat());
    let refusals = [
        (create(&till), "key till-7 already exists"),
        (
            create(&["--name", "a", "--scope", "till", "--store", "x"]),
            "there is no store x",
        ),
        (
            create(&["--name", "a", "--scope", "till", "--retailer", "x"]),
            "there is no retailer x",
        ),
        (
            create(&["--name", "a", "--scope", "root", "--everywhere"]),
            "one of till, back_office, operator, admin",
        ),
        (
            create(&["--name", "a", "--scope", "till"]),
            "--store <STORE>",
        ),
    ];
    for ((done, text), wanted) in refusals {
        assert!(!done && text.contains(wanted), "{wanted} in {text}");
    }
    let (listed, list) = run_text(&host, &["key", "list"]);
    assert!(
        listed && list.contains("till-7") && list.contains(store),
        "{list}"
    );

    let revoke = [
        "key",
        "revoke",
        "till-7",
        "--actor",
        "ana",
        "--reason",
        "it was stolen",
    ];
    assert!(run_text(&host, &revoke).0);
    assert_eq!(status(&host, &key, &path).await, 401);
    let (again, text) = run_text(&host, &revoke);
    assert!(!again && text.contains("there is no key till-7"), "{text}");
    let (_, list) = run_text(&host, &["key", "list"]);
    assert!(!list.contains("till-7"), "{list}");
    let result = host.get("/v1/operations").await.expect("a list");
    let last = &result["operations"][0];
    assert_eq!(
        (&last["action"], &last["actor"]),
        (&json!("key_revoke"), &json!("ana"))
    );

    // Neither the files nor the output of the host contain a secret.
    host.stop();
    let (_, secret) = key.rsplit_once('_').expect("a secret");
    assert!(!stands(&host.data(), secret), "a secret was written down");
    assert!(!list.contains(secret));
    assert!(
        stands(&host.data(), "till-7"),
        "the search finds what is there"
    );
}

/// A realm that publishes one key at an address of its own.
async fn realm(jwk: Jwk) -> String {
    let mut key = serde_json::to_value(jwk).expect("JSON");
    key["kid"] = json!("k1");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let found = json!({ "issuer": url, "jwks_uri": format!("{url}/certs") });
    let keys = json!({ "keys": [key] });
    let routes = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|| async { Json(found) }),
        )
        .route("/certs", get(|| async { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_valid_if_its_realm_is_configured() {
    let pair = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).expect("a key");
    let pair = EncodingKey::from_ed_der(pair.as_ref());
    let jwk = Jwk::from_encoding_key(&pair, Algorithm::EdDSA).expect("a JWK");
    let url = realm(jwk).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut host = corner_shop::host(folder.path());
    let issuer = |key: &str, value: &str| format!("access.issuers.shops.{key}={value}");
    host.settings = vec![
        "log.level=trace".into(),
        issuer("issuer", &url),
        issuer("audience", "galleria"),
        issuer("scopes.cashier", "till"),
    ];
    host.start().await;
    corner_shop::open(&host).await;
    let store = corner_shop::STORE;
    let now = u64::try_from(jiff::Timestamp::now().as_second()).expect("after 1970");
    let token = |stores: Value, end: u64| {
        let claims = json!({
            "iss": url, "aud": "galleria", "sub": "4711", "preferred_username": "ana-lopez",
            "exp": end, "realm_access": { "roles": ["cashier"] }, "stores": stores,
        });
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("k1".into());
        jsonwebtoken::encode(&header, &claims, &pair).expect("a token")
    };
    let path = format!("/v1/stores/{store}");
    let good = token(json!([store]), now + 300);
    assert_eq!(status(&host, &good, &path).await, 200, "{}", host.log());
    assert_eq!(status(&host, &good, "/v1/runs").await, 403);
    assert_eq!(
        status(&host, &token(json!(["other"]), now + 300), &path).await,
        404
    );
    assert_eq!(
        status(&host, &token(json!([]), now + 300), &path).await,
        403
    );
    let ended = token(json!([store]), now - 300);
    assert_eq!(status(&host, &ended, &path).await, 401);
    host.stop();
    // The log contains the realm and the reason, but neither tokens nor names of people.
    let log = host.log();
    for token in [&good, &ended] {
        let (_, signature) = token.rsplit_once('.').expect("parts");
        assert!(!stands(&host.data(), signature), "a token was written down");
    }
    assert!(!log.contains("ana-lopez"));
    assert!(
        log.contains("\"caller\":\"shops\"") && log.contains("the token has expired"),
        "{log}"
    );
}

#[test]
fn a_wrong_list_of_anonymous_routes_stops_the_start() {
    for command in ["check", "serve"] {
        for (list, wanted) in [
            (
                r#"access.anonymous=["GET /v1/shops"]"#,
                "`GET /v1/shops` is not a route",
            ),
            (
                r#"access.anonymous=["POST /v1/runs"]"#,
                "it needs more than the scope `till`",
            ),
            (
                "access.issuers.a.issuer=http://id.example.com",
                "begins with https://",
            ),
        ] {
            let mut host = Host::new();
            host.settings.push(list.into());
            let (done, text) = run_text(&host, &[command]);
            assert!(
                !done && text.contains(wanted),
                "{command}: {wanted} in {text}"
            );
        }
    }
}
