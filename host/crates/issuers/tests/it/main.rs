//! Tokens of a realm with a real server, whose keys change in the middle.

mod realm;

use galleria_app::access::{Caller, Reach, TokenFault, Tokens as _};
use galleria_domain::access::Scope;
use galleria_issuers::{IssuerConfig, Issuers};
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
async fn a_token_of_each_good_kind_says_who_asks() {
    let pairs = [Pair::rsa("r"), Pair::ec("e"), Pair::ed("d")];
    let realm = Realm::with(&[&pairs[0], &pairs[1], &pairs[2]]).await;
    let issuers = issuers(realm.config());
    for pair in &pairs {
        let found = caller(&issuers, &pair.sign(&realm.claims()), 0).await;
        let wanted = Caller {
            name: "shops:ana".into(),
            told: "shops".into(),
            scope: Scope::Till,
            reach: Reach::Some {
                retailers: [].into(),
                stores: ["s1".to_owned(), "s2".to_owned()].into(),
            },
        };
        assert_eq!(found, Ok(wanted), "{:?}", pair.algorithm);
    }
    assert_eq!(realm.served().asked, 1, "all keys came at once");
}

/// Claims with one of them changed, or taken away where it is null.
fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn a_token_that_is_not_for_us_or_not_now_is_refused() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let ask = async |name: &str, value: Value, second: i64| {
        let token = pair.sign(&with(&claims, name, value));
        caller(&issuers, &token, second).await
    };
    let refused = async |name: &str, value: Value, second: i64| match ask(name, value, second).await
    {
        Err(TokenFault::Refused(why)) => why,
        other => panic!("{name} at {second}: {other:?}"),
    };
    assert_eq!(
        refused("aud", json!("account"), 0).await,
        "the token is for another audience"
    );
    assert_eq!(
        refused("aud", json!(null), 0).await,
        "the token lacks exp, iss or aud"
    );
    assert_eq!(
        refused("exp", json!(null), 0).await,
        "the token's claims cannot be read"
    );
    assert_eq!(
        refused("iss", json!("http://a"), 0).await,
        "the token's issuer is not trusted"
    );
    assert_eq!(
        refused("typ", json!("ID"), 0).await,
        "the token is none that gives access"
    );
    assert_eq!(
        refused("typ", json!("Refresh"), 0).await,
        "the token is none that gives access"
    );
    // A minute of skew at both ends, and not a second more.
    assert!(ask("typ", json!("Bearer"), 359).await.is_ok());
    assert_eq!(
        refused("typ", json!("Bearer"), 360).await,
        "the token has ended"
    );
    assert!(ask("nbf", json!(NOON + 60), 0).await.is_ok());
    assert_eq!(
        refused("nbf", json!(NOON + 61), 0).await,
        "the token has not begun"
    );
    for odd in [json!(3), json!([1]), json!({ "a": 1 })] {
        let why = refused("stores", odd, 0).await;
        assert_eq!(why, "the token's lists are no lists of texts");
    }
    assert_eq!(
        refused("preferred_username", json!("a\nb"), 0).await,
        "the token names nobody"
    );
    for text in ["", "a", "a.b.c", "..", &"x".repeat(9_000)] {
        let found = caller(&issuers, text, 0).await;
        assert!(matches!(found, Err(TokenFault::Refused(_))), "{text:?}");
    }
}

#[tokio::test]
async fn roles_scopes_and_lists_say_what_a_bearer_may_do() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let ask = async |changes: &[(&str, Value)]| {
        let mut all = claims.clone();
        for (name, value) in changes {
            all = with(&all, name, value.clone());
        }
        caller(&issuers, &pair.sign(&all), 0).await
    };
    let scope = async |changes: &[(&str, Value)]| ask(changes).await.expect("a caller").scope;
    assert_eq!(scope(&[]).await, Scope::Till);
    let both = json!({ "roles": ["manager", "cashier"] });
    assert_eq!(scope(&[("realm_access", both)]).await, Scope::BackOffice);
    let words = json!("openid galleria:operate");
    assert_eq!(scope(&[("scope", words)]).await, Scope::Operator);
    for powerless in [
        ask(&[("realm_access", json!({ "roles": ["admin"] }))]).await,
        ask(&[("realm_access", json!(null)), ("scope", json!("till"))]).await,
        ask(&[("stores", json!(null))]).await,
        ask(&[("stores", json!([])), ("retailers", json!([]))]).await,
    ] {
        assert!(
            matches!(powerless, Err(TokenFault::Powerless(_))),
            "{powerless:?}"
        );
    }
    let reach = async |value: Value| ask(&[("retailers", value)]).await.expect("one").reach;
    assert_eq!(reach(json!("*")).await, Reach::Everything);
    assert_eq!(reach(json!(["a", "*"])).await, Reach::Everything);
    let stores = ["s1".to_owned(), "s2".to_owned()];
    let wanted = Reach::Some {
        retailers: ["example".to_owned()].into(),
        stores: stores.into(),
    };
    assert_eq!(reach(json!("example")).await, wanted);
    // A star among stores is no star.
    let stars = ask(&[("stores", json!("*"))]).await.expect("one").reach;
    assert_ne!(stars, Reach::Everything);
    let nameless = ask(&[("preferred_username", json!(null))])
        .await
        .expect("one");
    assert_eq!(nameless.name, "shops:5f0c1d2e");
}

#[tokio::test]
async fn a_signature_is_checked_with_the_kind_of_its_key() {
    let (rsa, ec) = (Pair::rsa("r"), Pair::ec("e"));
    let realm = Realm::with(&[&rsa, &ec]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let refused = async |token: &str| match caller(&issuers, token, 0).await {
        Err(TokenFault::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    // What everybody can read as the secret of an HMAC.
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
            let never = "the token is signed in a way that is never good";
            assert_eq!(refused(&token).await, never);
        }
    }
    // `none`, in any spelling, with the claims of a good token.
    let good = ec.sign(&claims);
    let body = good.split('.').nth(1).expect("claims");
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwia2lkIjoiZSJ9"] {
        assert_eq!(
            refused(&format!("{header}.{body}.")).await,
            "the token is no JWT"
        );
    }
    // A key's id with another's signature, and of another kind.
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
        "the token's algorithm is not its key's"
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
    assert_eq!(refused(&anonymous).await, "the token names no key");
}

#[tokio::test]
async fn keys_change_in_the_middle_and_the_issuer_is_asked_no_more_than_said() {
    let (old, new) = (Pair::ec("old"), Pair::rsa("new"));
    let realm = Realm::with(&[&old]).await;
    let issuers = issuers(realm.config());
    let claims = realm.claims();
    let (by_old, by_new) = (old.sign(&claims), new.sign(&claims));
    let asked = || realm.served().asked;
    assert!(caller(&issuers, &by_old, 0).await.is_ok());
    realm.publish(&[&old, &new]);
    // Too soon: whoever sends unknown keys makes nobody ask.
    for _ in 0..50 {
        let refused = caller(&issuers, &by_new, 29).await;
        assert_eq!(
            refused,
            Err(TokenFault::Refused("the token's key is unknown"))
        );
    }
    assert_eq!(asked(), 1);
    // Many at once: one asks, and all have what it brings.
    let many = (0..50).map(|_| caller(&issuers, &by_new, 30));
    for found in futures_util::future::join_all(many).await {
        assert!(found.is_ok(), "{found:?}");
    }
    assert_eq!(asked(), 2);
    assert!(caller(&issuers, &by_old, 31).await.is_ok(), "both are good");

    // The issuer is away: what is known stays good.
    realm.served().down = true;
    let gone = Pair::ec("gone").sign(&claims);
    let refused = caller(&issuers, &gone, 90).await;
    assert_eq!(
        refused,
        Err(TokenFault::Refused("the token's key is unknown"))
    );
    assert_eq!(asked(), 3);
    assert!(caller(&issuers, &by_old, 91).await.is_ok());
    assert!(caller(&issuers, &by_new, 91).await.is_ok());

    // It is back without the old key: the next look takes that away.
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
async fn a_withdrawn_key_is_good_for_ten_minutes_at_most() {
    let (old, new) = (Pair::ec("old"), Pair::ec("new"));
    let realm = Realm::with(&[&old]).await;
    let issuers = issuers(realm.config());
    let token = old.sign(&with(&realm.claims(), "exp", json!(NOON + 9_000)));
    assert!(caller(&issuers, &token, 0).await.is_ok());
    realm.publish(&[&new]);
    assert!(caller(&issuers, &token, 600).await.is_ok());
    assert_eq!(realm.served().asked, 1);
    // This one finds the keys too old, and does not wait for newer ones.
    assert!(caller(&issuers, &token, 601).await.is_ok());
    for _ in 0..200 {
        if caller(&issuers, &token, 602).await.is_err() {
            assert_eq!(realm.served().asked, 2);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the withdrawn key stays good");
}

#[tokio::test]
async fn without_any_key_nothing_can_be_said() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    realm.served().down = true;
    let issuers = issuers(realm.config());
    let token = pair.sign(&realm.claims());
    for second in [0, 1] {
        let away = caller(&issuers, &token, second).await;
        assert!(matches!(away, Err(TokenFault::Unavailable(_))), "{away:?}");
    }
    assert_eq!(realm.served().asked, 1);
    realm.served().down = false;
    assert!(caller(&issuers, &token, 30).await.is_ok());
}

#[tokio::test]
async fn keys_are_taken_from_the_issuer_and_nobody_else() {
    let pair = Pair::ec("e");
    let realm = Realm::with(&[&pair]).await;
    realm.served().issuer = "https://elsewhere.example.com".into();
    let found = issuers(realm.config());
    let token = pair.sign(&realm.claims());
    let Err(TokenFault::Unavailable(why)) = caller(&found, &token, 0).await else {
        panic!("another issuer's document was believed");
    };
    assert!(
        why.ends_with("it is about the issuer https://elsewhere.example.com"),
        "{why}"
    );
    // Where the address of the keys is configured, nobody is asked where they are.
    let direct = issuers(IssuerConfig {
        jwks_url: Some(format!("{}/certs", realm.url)),
        ..realm.config()
    });
    assert!(caller(&direct, &token, 0).await.is_ok());
    // A key for encryption is none for signatures.
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
