//! A realm: a server that publishes generated keys, and tokens signed with them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use galleria_domain::access::Scope;
use galleria_issuers::IssuerConfig;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A key pair of the realm.
pub struct Pair {
    pub kid: &'static str,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

impl Pair {
    pub fn rsa(kid: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = pair.as_der().expect("PKCS #8");
        // PKCS #8 contains PKCS #1 after the version and the algorithm.
        let key = EncodingKey::from_rsa_der(&der.as_ref()[26..]);
        let algorithm = Algorithm::RS256;
        Self {
            kid,
            algorithm,
            key,
        }
    }

    pub fn ec(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let key = EncodingKey::from_ec_der(pair.expect("a key").as_ref());
        let algorithm = Algorithm::ES256;
        Self {
            kid,
            algorithm,
            key,
        }
    }

    pub fn ed(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        let key = EncodingKey::from_ed_der(pair.expect("a key").as_ref());
        let algorithm = Algorithm::EdDSA;
        Self {
            kid,
            algorithm,
            key,
        }
    }

    /// The public key as the realm publishes it.
    pub fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a JWK");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).expect("a token")
    }
}

/// The server's answers, and the number of requests for keys.
#[derive(Default)]
pub struct Served {
    pub keys: Vec<Value>,
    pub down: bool,
    pub requests: u32,
    /// The issuer in the discovery document; if empty, the real one.
    pub issuer: String,
}

#[derive(Clone)]
pub struct Realm {
    pub url: String,
    pub served: Arc<Mutex<Served>>,
}

impl Realm {
    pub async fn with(keys: &[&Pair]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let realm = Self {
            url: format!("http://{address}/realms/shops"),
            served: Arc::default(),
        };
        realm.publish(keys);
        let routes = Router::new()
            .route("/realms/shops/certs", get(certs))
            .route(
                "/realms/shops/.well-known/openid-configuration",
                get(discovery),
            )
            .with_state(realm.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        realm
    }

    pub fn publish(&self, keys: &[&Pair]) {
        self.served().keys = keys.iter().map(|pair| pair.public()).collect();
    }

    pub fn served(&self) -> std::sync::MutexGuard<'_, Served> {
        self.served.lock().expect("no panic")
    }

    pub fn config(&self) -> IssuerConfig {
        let scopes = [
            ("cashier", Scope::Till),
            ("manager", Scope::BackOffice),
            ("galleria:operate", Scope::Operator),
        ];
        IssuerConfig {
            name: "shops".into(),
            issuer: self.url.clone(),
            audience: "galleria".into(),
            jwks_url: None,
            skew: Duration::from_secs(60),
            refetch: Duration::from_secs(30),
            scopes: scopes.map(|(role, scope)| (role.to_owned(), scope)).into(),
            retailers_claim: "retailers".into(),
            stores_claim: "stores".into(),
        }
    }

    /// Claims as Keycloak writes them, valid at noon for five minutes.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.url, "aud": ["account", "galleria"], "sub": "5f0c1d2e", "typ": "Bearer",
            "iat": crate::NOON, "exp": crate::NOON + 300, "azp": "tills",
            "preferred_username": "ana", "scope": "openid profile",
            "realm_access": { "roles": ["offline_access", "cashier"] },
            "stores": ["s1", "s2"],
        })
    }
}

async fn certs(State(realm): State<Realm>) -> impl IntoResponse {
    let mut served = realm.served();
    served.requests += 1;
    match served.down {
        true => Err(StatusCode::BAD_GATEWAY),
        false => Ok(Json(json!({ "keys": served.keys }))),
    }
}

async fn discovery(State(realm): State<Realm>) -> impl IntoResponse {
    let served = realm.served();
    let issuer = match served.issuer.as_str() {
        "" => realm.url.as_str(),
        other => other,
    };
    Json(json!({ "issuer": issuer, "jwks_uri": format!("{}/certs", realm.url) }))
}
