//! Tokens of a realm with a real HTTP server, whose keys change during a test.

mod realm;

use galleria_domain::access::Scope;
use galleria_issuers::{IssuerConfig, Issuers};
use galleria_ports::access::{Caller, Reach, TokenFault, Tokens as _};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use realm::{Pair, Realm};
use serde_json::{Value, json};
use std::time::Duration;

/// 2026-11-24T12:00:00Z.
const NOON: i64 = 1_795_521_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOON + second).expect("an instant")
}

fn issuers(config: IssuerConfig) -> Issuers {
    Issuers::new(vec![config]).expect("a client")
}

async fn caller(issuers: &Issuers, token: &str, second: i64) -> Result<Caller, TokenFault> {
    issuers.caller(token, at(second)).await
}

#[tokio::test]
async fn a_token_of_each_accepted_algorithm_identifies_the_caller() {
    let pairs = [Pair::rsa("r"), Pair::ec("e"), Pair::ed("d")];
    let realm = Realm::with(&[&pairs[0], &pairs[1], &pairs[2]]).await;
    let issuers = issuers(realm.config());
    for pair in &pairs {
        let found = caller(&issuers, &pair.sign(&realm.claims()), 0).await;
        let expected = Caller {
            name: "shops:ana".into(),
            log_name: "shops".into(),
            scope: Scope::Till,
            reach: Reach::Some {
                retailers: [].into(),
                stores: ["s1".to_owned(), "s2".to_owned()].into(),
            },
        };
        assert_eq!(found, Ok(expected), "{:?}", pair.algorithm);
    }
    assert_eq!(realm.served().requests, 1, "one request fetches all keys");
}

/// A token that expires five minutes after noon, in all notations of a number.
#[tokio::test]
async fn instants_of_a_token_may_have_a_fraction_or_an_exponent() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    let issuers = issuers(realm.config());
    let (exp, skew) = (NOON + 300, 60);
    let exponent = format!("{}e4", exp as f64 / 1e4);
    let outcome = async |name: &str, value: &str, second: i64| {
        let value: Value = serde_json::from_str(value).expect("a number");
        let mut claims = with(&realm.claims(), "iat", json!(NOON as f64 + 0.25));
        claims[name] = value;
        caller(&issuers, &pair.sign(&claims), second).await
    };
    for value in [format!("{exp}.0"), format!("{exp}.75"), exponent] {
        assert!(
            outcome("exp", &value, 300 + skew - 1).await.is_ok(),
            "{value}"
        );
        assert!(
            outcome("exp", &value, 300 + skew + 1).await.is_err(),
            "{value}"
        );
    }
    // The fraction counts.
    assert!(
        outcome("exp", &format!("{exp}.75"), 300 + skew)
            .await
            .is_ok()
    );
    assert!(
        outcome("exp", &format!("{exp}.0"), 300 + skew)
            .await
            .is_err()
    );
    for value in ["1e300", "18446744073709551615", "9.3e18"] {
        assert!(outcome("exp", value, 359).await.is_ok(), "{value}");
        assert!(outcome("nbf", value, 0).await.is_err(), "{value}");
    }
    for value in ["-1", "-1.5", "-1e300", "0", "0.5"] {
        assert!(outcome("exp", value, 0).await.is_err(), "{value}");
        assert!(outcome("nbf", value, 0).await.is_ok(), "{value}");
    }
    let begin = NOON + 100;
    assert!(
        outcome("nbf", &format!("{begin}.5"), 100 - skew)
            .await
            .is_err()
    );
    assert!(
        outcome("nbf", &format!("{begin}.5"), 101 - skew)
            .await
            .is_ok()
    );
    for value in ["\"1795000000\"", "true", "[]"] {
        assert!(outcome("exp", value, 0).await.is_err(), "{value}");
    }
}

/// Claims with one of them changed, or removed if the value is null.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn a_token_for_another_audience_or_time_is_rejected() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let check = async |name: &str, value: Value, second: i64| {
        let token = pair.sign(&with(&claims, name, value));
        caller(&issuers, &token, second).await
    };
    let refused =
        async |name: &str, value: Value, second: i64| match check(name, value, second).await {
            Err(TokenFault::Refused(why)) => why,
            other => panic!("{name} at {second}: {other:?}"),
        };
    assert_eq!(
        refused("aud", json!("account"), 0).await,
        "the token is for another audience"
    );
    assert_eq!(
        refused("aud", json!(null), 0).await,
        "the token lacks iss or aud"
    );
    assert_eq!(
        refused("exp", json!(null), 0).await,
        "the token's claims cannot be read, or exp is missing"
    );
    assert_eq!(
        refused("iss", json!("http://a"), 0).await,
        "the token's issuer is not trusted"
    );
    assert_eq!(
        refused("typ", json!("ID"), 0).await,
        "the token is not an access token"
    );
    assert_eq!(
        refused("typ", json!("Refresh"), 0).await,
        "the token is not an access token"
    );
    // A minute of skew at both ends, and not a second more.
    assert!(check("typ", json!("Bearer"), 359).await.is_ok());
    assert_eq!(
        refused("typ", json!("Bearer"), 360).await,
        "the token has expired"
    );
    assert!(check("nbf", json!(NOON + 60), 0).await.is_ok());
    assert_eq!(
        refused("nbf", json!(NOON + 61), 0).await,
        "the token is not valid yet"
    );
    for odd in [json!(3), json!([1]), json!({ "a": 1 })] {
        let why = refused("stores", odd, 0).await;
        assert_eq!(why, "the token's retailers or stores are not strings");
    }
    assert_eq!(
        refused("preferred_username", json!("a\nb"), 0).await,
        "the token's user name is missing or invalid"
    );
    for text in ["", "a", "a.b.c", "..", &"x".repeat(9_000)] {
        let found = caller(&issuers, text, 0).await;
        assert!(matches!(found, Err(TokenFault::Refused(_))), "{text:?}");
    }
}

#[tokio::test]
async fn roles_scopes_and_lists_determine_the_access() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let check = async |changes: &[(&str, Value)]| {
        let mut all = claims.clone();
        for (name, value) in changes {
            all = with(&all, name, value.clone());
        }
        caller(&issuers, &pair.sign(&all), 0).await
    };
    let scope = async |changes: &[(&str, Value)]| check(changes).await.expect("a caller").scope;
    assert_eq!(scope(&[]).await, Scope::Till);
    let both = json!({ "roles": ["manager", "cashier"] });
    assert_eq!(scope(&[("realm_access", both)]).await, Scope::BackOffice);
    let words = json!("openid galleria:operate");
    assert_eq!(scope(&[("scope", words)]).await, Scope::Operator);
    for powerless in [
        check(&[("realm_access", json!({ "roles": ["admin"] }))]).await,
        check(&[("realm_access", json!(null)), ("scope", json!("till"))]).await,
        check(&[("stores", json!(null))]).await,
        check(&[("stores", json!([])), ("retailers", json!([]))]).await,
    ] {
        assert!(
            matches!(powerless, Err(TokenFault::Powerless(_))),
            "{powerless:?}"
        );
    }
    let reach = async |value: Value| check(&[("retailers", value)]).await.expect("one").reach;
    assert_eq!(reach(json!("*")).await, Reach::Everything);
    assert_eq!(reach(json!(["a", "*"])).await, Reach::Everything);
    let stores = ["s1".to_owned(), "s2".to_owned()];
    let expected = Reach::Some {
        retailers: ["example".to_owned()].into(),
        stores: stores.into(),
    };
    assert_eq!(reach(json!("example")).await, expected);
    // `*` has no meaning in the list of stores.
    let stars = check(&[("stores", json!("*"))]).await.expect("one").reach;
    assert_ne!(stars, Reach::Everything);
    let nameless = check(&[("preferred_username", json!(null))])
        .await
        .expect("one");
    assert_eq!(nameless.name, "shops:5f0c1d2e");
}

#[tokio::test]
async fn a_signature_is_verified_with_the_algorithm_of_its_key() {
    let (rsa, ec) = (Pair::rsa("r"), Pair::ec("e"));
    let realm = Realm::with(&[&rsa, &ec]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let refused = async |token: &str| match caller(&issuers, token, 0).await {
        Err(TokenFault::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    // The public key as the secret of an HMAC.
    let public = rsa.public();
    let secrets = [
        public["n"].as_str().expect("n").to_owned(),
        public.to_string(),
    ];
    for secret in secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            header.kid = Some("r".into());
            let key = EncodingKey::from_secret(secret.as_bytes());
            let token = jsonwebtoken::encode(&header, &claims, &key).expect("a token");
            let expected = "the token's signature algorithm is not accepted";
            assert_eq!(refused(&token).await, expected);
        }
    }
    // `none`, in any spelling, with the claims of a valid token.
    let good = ec.sign(&claims);
    let body = good.split('.').nth(1).expect("claims");
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwia2lkIjoiZSJ9"] {
        assert_eq!(
            refused(&format!("{header}.{body}.")).await,
            "the token is not a JWT"
        );
    }
    // The id of a key with the signature of another one, of the same and of another algorithm.
    let forged = Pair {
        kid: "e",
        ..Pair::ec("x")
    };
    assert_eq!(
        refused(&forged.sign(&claims)).await,
        "the token's signature is wrong"
    );
    let crossed = Pair {
        kid: "r",
        ..Pair::ec("x")
    };
    assert_eq!(
        refused(&crossed.sign(&claims)).await,
        "the token's algorithm does not match its key"
    );
    // Claims of one token under the signature of another.
    let other = ec.sign(&with(&claims, "stores", json!(["s9"])));
    let (head, _) = other.rsplit_once('.').expect("parts");
    let (_, signature) = good.rsplit_once('.').expect("parts");
    let mixed = format!("{head}.{signature}");
    assert_eq!(refused(&mixed).await, "the token's signature is wrong");
    let mut header = Header::new(Algorithm::ES256);
    header.kid = None;
    let anonymous = jsonwebtoken::encode(&header, &claims, &ec.key).expect("a token");
    assert_eq!(refused(&anonymous).await, "the token has no key id");
}

#[tokio::test]
async fn changed_keys_are_fetched_no_more_often_than_configured() {
    let (old, new) = (Pair::ec("old"), Pair::rsa("new"));
    let realm = Realm::with(&[&old]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let (by_old, by_new) = (old.sign(&claims), new.sign(&claims));
    let requests = || realm.served().requests;
    assert!(caller(&issuers, &by_old, 0).await.is_ok());
    realm.publish(&[&old, &new]);
    // Too early for the next fetch: unknown keys cause no request.
    for _ in 0..50 {
        let refused = caller(&issuers, &by_new, 29).await;
        assert_eq!(
            refused,
            Err(TokenFault::Refused("the token's key is unknown"))
        );
    }
    assert_eq!(requests(), 1);
    // Concurrent tokens share one fetch.
    let many = (0..50).map(|_| caller(&issuers, &by_new, 30));
    for found in futures_util::future::join_all(many).await {
        assert!(found.is_ok(), "{found:?}");
    }
    assert_eq!(requests(), 2);
    assert!(
        caller(&issuers, &by_old, 31).await.is_ok(),
        "both keys are accepted"
    );

    // The issuer is unavailable: the cached keys stay valid.
    realm.served().down = true;
    let gone = Pair::ec("gone").sign(&claims);
    let refused = caller(&issuers, &gone, 90).await;
    assert_eq!(
        refused,
        Err(TokenFault::Refused("the token's key is unknown"))
    );
    assert_eq!(requests(), 3);
    assert!(caller(&issuers, &by_old, 91).await.is_ok());
    assert!(caller(&issuers, &by_new, 91).await.is_ok());

    // It is available again without the old key: the next fetch removes that key.
    realm.served().down = false;
    realm.publish(&[&new]);
    let refused = caller(&issuers, &gone, 120).await;
    assert_eq!(
        refused,
        Err(TokenFault::Refused("the token's key is unknown"))
    );
    let withdrawn = caller(&issuers, &by_old, 121).await;
    assert_eq!(
        withdrawn,
        Err(TokenFault::Refused("the token's key is unknown"))
    );
    assert!(caller(&issuers, &by_new, 122).await.is_ok());
}

#[tokio::test]
async fn a_withdrawn_key_is_accepted_for_at_most_ten_minutes() {
    let (old, new) = (Pair::ec("old"), Pair::ec("new"));
    let realm = Realm::with(&[&old]).await;
    let issuers = issuers(realm.config());
    let token = old.sign(&with(&realm.claims(), "exp", json!(NOON + 9_000)));
    assert!(caller(&issuers, &token, 0).await.is_ok());
    realm.publish(&[&new]);
    assert!(caller(&issuers, &token, 600).await.is_ok());
    assert_eq!(realm.served().requests, 1);
    // This call starts a fetch in the background and does not wait for it.
    assert!(caller(&issuers, &token, 601).await.is_ok());
    for _ in 0..200 {
        if caller(&issuers, &token, 602).await.is_err() {
            assert_eq!(realm.served().requests, 2);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the withdrawn key is still accepted");
}

#[tokio::test]
async fn without_any_key_the_issuer_is_unavailable() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    realm.served().down = true;
    let issuers = issuers(realm.config());
    let token = pair.sign(&realm.claims());
    for second in [0, 1] {
        let away = caller(&issuers, &token, second).await;
        assert!(matches!(away, Err(TokenFault::Unavailable(_))), "{away:?}");
    }
    assert_eq!(realm.served().requests, 1);
    realm.served().down = false;
    assert!(caller(&issuers, &token, 30).await.is_ok());
}

#[tokio::test]
async fn keys_are_accepted_only_from_the_issuer() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    realm.served().issuer = "https://elsewhere.example.com".into();
    let found = issuers(realm.config());
    let token = pair.sign(&realm.claims());
    let Err(TokenFault::Unavailable(why)) = caller(&found, &token, 0).await else {
        panic!("another issuer's document was accepted");
    };
    assert!(
        why.ends_with("describes another issuer, https://elsewhere.example.com"),
        "{why}"
    );
    // With a configured URL of the keys, discovery is not used.
    let direct = issuers(IssuerConfig {
        jwks_url: Some(format!("{}/certs", realm.url)),
        ..realm.config()
    });
    assert!(caller(&direct, &token, 0).await.is_ok());
    // A key for encryption does not verify signatures.
    realm.served().keys[0]["use"] = json!("enc");
    let config = IssuerConfig {
        jwks_url: Some(format!("{}/certs", realm.url)),
        ..realm.config()
    };
    let refused = caller(&issuers(config), &token, 0).await;
    assert_eq!(
        refused,
        Err(TokenFault::Refused("the token's key is unknown"))
    );
}
