//! Access to every route: unknown callers, every scope, resources in and out of reach. The list of routes comes
//! from the OpenAPI document.

use crate::document::operations;
use crate::host::{order, test_config};
use crate::log::log_lines;
use crate::rows::add_dead_letter;
use crate::stage::Stage;
use crate::walk::walked;
use galleria_api::{AccessConfig, HttpConfig, serve};
use galleria_app::access::ApiKeyRequest;
use galleria_ports::access::{Reach, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

on_both!(
    every_route_rejects_lower_scopes_and_unknown_callers,
    requests_without_authentication_get_401_except_on_public_routes,
    resources_out_of_reach_are_not_found,
    unreachable_and_unknown_ids_get_the_same_response,
    the_list_of_stores_contains_only_those_in_reach,
    a_key_works_within_its_scope_and_reach_until_it_is_revoked,
    the_audit_log_names_the_caller,
    anonymous_callers_may_call_only_the_configured_routes,
    a_host_with_an_invalid_anonymous_route_does_not_start,
);

async fn every_route_rejects_lower_scopes_and_unknown_callers(stage: &Stage) {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    let mut public = BTreeSet::new();
    for operation in operations(&document) {
        let Some(required) = operation.scope else {
            public.insert(operation.path);
            continue;
        };
        for invalid in [
            "unknown",
            "gk_1",
            &format!("gk_{}_{}", "0".repeat(16), "0".repeat(64)),
        ] {
            let answer = operation.send(&host, invalid).await;
            assert_eq!(answer.code(), "unauthorized", "{operation}");
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"galleria\"")
            );
        }
        for scope in Scope::ALL {
            let answer = operation.send(&host, scope.name()).await;
            match scope < required {
                true => {
                    assert_eq!(answer.code(), "forbidden", "{operation} as {scope:?}");
                    assert!(answer.text.contains(required.name()), "{}", answer.text);
                }
                false => assert!(
                    ![401, 403].contains(&answer.status),
                    "{operation} as {scope:?}: {}",
                    answer.text
                ),
            }
        }
    }
    // A new public route must be listed here.
    assert_eq!(public, ["/healthz", "/readyz", "/openapi.json"].into());
    host.stop().await;
}

async fn requests_without_authentication_get_401_except_on_public_routes(stage: &Stage) {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    // Without the header that the client of `Host` adds.
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for operation in operations(&document) {
        let url = format!("http://{}{}", host.address, operation.path);
        let answer = client.request(operation.method.clone(), &url).send().await;
        let status = answer.expect("an answer").status().as_u16();
        assert_eq!(
            status == 401,
            operation.scope.is_some(),
            "{operation}: {status}"
        );
        let head = client.head(&url).send().await.expect("an answer");
        if operation.method == Method::GET {
            assert_eq!(head.status().as_u16(), status, "HEAD {}", operation.path);
        }
    }
    for (path, status) in [("/docs/", 200), ("/wp-admin", 404), ("/v1/stores/", 404)] {
        let url = format!("http://{}{path}", host.address);
        let answer = client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    host.stop().await;
}

/// A caller bound to another retailer calls every route of a host that has only one retailer's data.
async fn resources_out_of_reach_are_not_found(stage: &Stage) {
    let walk = walked(stage).await;
    let (host, document) = (&walk.host, &walk.document);
    let mut other = document["paths"]["/v1/stores/{id}"]["put"]["requestBody"]["content"]
        ["application/json"]["example"]
        .clone();
    other["retailer"] = json!("other");
    host.write(Method::PUT, "/v1/stores/other-1", "other", &other)
        .await
        .expect(200);
    add_dead_letter(host).await;
    for bound in ["stores=other-1", "retailers=other", "stores=unknown"] {
        let bearer = format!("admin;{bound}");
        for operation in operations(document) {
            if operation.scope.is_none() || operation.lists_what_is_in_reach() {
                continue;
            }
            let answer = operation.send(host, &bearer).await;
            let expected = match operation.resource {
                "host" => "forbidden",
                _ => "not_found",
            };
            assert_eq!(answer.code(), expected, "{operation} with {bound}");
        }
    }
    // Nothing took effect: the dead letter still exists.
    let letters = host.get("/v1/dead-letters").await.expect(200);
    assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(1));
    // A caller bound to the retailer reaches everything except the host as a whole.
    for operation in operations(document) {
        if operation.scope.is_none() {
            continue;
        }
        // A replay or discard has removed it.
        let letters = host.get("/v1/dead-letters").await.expect(200);
        if letters["dead_letters"] == json!([]) {
            add_dead_letter(host).await;
        }
        let answer = operation.send(host, "admin;retailers=example").await;
        if operation.resource == "host" {
            assert_eq!(answer.code(), "forbidden", "{operation}");
        } else {
            let rejected = [401, 403, 404].contains(&answer.status);
            assert!(!rejected, "{operation}: {}", answer.text);
        }
    }
    walk.host.stop().await;
}

/// A caller cannot tell whether an id belongs to another retailer or does not exist.
async fn unreachable_and_unknown_ids_get_the_same_response(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    host.post("/v1/orders", "o1", &order("o1"))
        .await
        .expect(201);
    let get = async |path: &str| {
        let request = host.request(Method::GET, path);
        let answer = host
            .send(request.header("authorization", "Bearer till;stores=s9"))
            .await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        let mut body = answer.json();
        body["request_id"] = json!("");
        body.to_string()
    };
    let (existing, unknown) = (get("/v1/orders/o1").await, get("/v1/orders/o2").await);
    assert_eq!(existing.replace("o1", "o2"), unknown);
    let (existing, unknown) = (get("/v1/stores/s1").await, get("/v1/stores/s2").await);
    assert_eq!(existing.replace("s1", "s2"), unknown);
    // An order for a store that is out of reach.
    let foreign = host.request(Method::POST, "/v1/orders").json(&order("o3"));
    let foreign = foreign.header("Idempotency-Key", "o3");
    let rejected = host
        .send(foreign.header("authorization", "Bearer till;stores=s9"))
        .await;
    assert_eq!(rejected.code(), "not_found");
    assert_eq!(host.get("/v1/orders/o3").await.status, 404);
    host.stop().await;
}

async fn the_list_of_stores_contains_only_those_in_reach(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let store = host.get("/v1/stores/s1").await.expect(200);
    for (id, retailer) in [
        ("s2", "example"),
        ("t1", "other"),
        ("t2", "other"),
        ("u1", "third"),
    ] {
        let mut body = store.clone();
        body.as_object_mut().expect("a store").remove("id");
        body["retailer"] = json!(retailer);
        let path = format!("/v1/stores/{id}");
        host.write(Method::PUT, &path, id, &body).await.expect(200);
    }
    let listed = async |bound: &str, limit: u32| {
        let (mut ids, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/stores?limit={limit}&after={after}");
            let request = host.request(Method::GET, &path);
            let bearer = format!("Bearer till;{bound}");
            let page = host
                .send(request.header("authorization", bearer))
                .await
                .expect(200);
            let stores = page["stores"].as_array().expect("stores");
            ids.extend(
                stores
                    .iter()
                    .map(|one| one["id"].as_str().expect("id").to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return ids.join(" "),
            }
        }
    };
    for limit in [1, 2, 100] {
        assert_eq!(listed("stores=s1", limit).await, "s1");
        assert_eq!(listed("retailers=other", limit).await, "t1 t2");
        assert_eq!(
            listed("retailers=other;stores=s2,t1,x", limit).await,
            "s2 t1 t2"
        );
        assert_eq!(listed("retailers=other,third", limit).await, "t1 t2 u1");
        assert_eq!(listed("stores=x", limit).await, "");
    }
    host.stop().await;
}

fn key(name: &str, scope: Scope, reach: Reach) -> ApiKeyRequest {
    ApiKeyRequest {
        name: name.into(),
        scope,
        reach,
        actor: "ana".into(),
        reason: "a new till".into(),
    }
}

fn stores(ids: &[&str]) -> Reach {
    Reach::Some {
        retailers: BTreeSet::new(),
        stores: ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn a_key_works_within_its_scope_and_reach_until_it_is_revoked(stage: &Stage) {
    let host = stage.host().await;
    host.add_store_and_shift().await;
    let till = key("till-7", Scope::Till, stores(&["s1"]));
    let made = host
        .app
        .access
        .create_key(till.clone())
        .await
        .expect("a key");
    let twice = host.app.access.create_key(till.clone()).await;
    assert!(twice.is_err_and(|error| error.to_string() == "key till-7 already exists"));
    let nowhere = key("till-8", Scope::Till, stores(&["s9"]));
    assert!(
        host.app.access.create_key(nowhere).await.is_err(),
        "no such store"
    );
    assert!(
        host.app
            .access
            .create_key(key("t", Scope::Till, stores(&[])))
            .await
            .is_err()
    );

    let get = async |bearer: &str, path: &str, id: &str| {
        let request = host
            .request(Method::GET, path)
            .header("x-request-id", stage.id(id));
        host.send(request.header("authorization", format!("Bearer {bearer}")))
            .await
    };
    get(&made.text, "/v1/stores/s1", "access-1")
        .await
        .expect(200);
    assert_eq!(
        get(&made.text, "/v1/status", "access-2").await.code(),
        "forbidden"
    );
    let (front, secret) = made.text.rsplit_once('_').expect("a secret");
    let digit = if secret.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{front}_{}{digit}", &secret[..63]);
    let unknown = get(&wrong, "/v1/stores/s1", "access-3").await;

    let revoked = host
        .app
        .access
        .revoke_key("till-7", "ana", "it was stolen")
        .await;
    assert!(revoked.expect("revoked").revoked_at.is_some());
    let after = get(&made.text, "/v1/stores/s1", "access-4").await;
    // The response does not reveal the reason.
    for rejected in [&unknown, &after] {
        assert_eq!(rejected.code(), "unauthorized");
    }
    assert_eq!(unknown.json()["detail"], after.json()["detail"]);
    assert!(
        host.app
            .access
            .revoke_key("till-7", "ana", "again")
            .await
            .is_err()
    );
    let again = host
        .app
        .access
        .create_key(till)
        .await
        .expect("the name is free");
    assert_ne!(*again.text, *made.text);

    // The audit log has actor and reason, and nothing contains the secret.
    let log = host.get("/v1/operations").await.expect(200);
    let actions: Vec<_> = log["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let of = |at: usize, field: &str| actions[at][field].as_str().expect("text").to_owned();
    let three = [2, 1, 0].map(|at| (of(at, "action"), of(at, "actor"), of(at, "reason")));
    let wanted = [
        ("key_create", "ana", "a new till"),
        ("key_revoke", "ana", "it was stolen"),
        ("key_create", "ana", "a new till"),
    ];
    assert_eq!(
        three,
        wanted.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
    );
    assert_eq!(actions[2]["after"]["stores"], json!(["s1"]));
    let keys = host.app.access.keys(true).await.expect("a list");
    assert_eq!(keys.len(), 2);
    let everything = format!("{log} {keys:?} {}", log_lines().text());
    assert!(!everything.contains(secret), "the secret is visible");
    for (id, caller) in [("access-1", Some("till-7")), ("access-3", None)] {
        let lines = log_lines().of(&stage.id(id));
        let last = lines.last().expect("a line");
        assert_eq!(last["span"]["caller"].as_str(), caller, "{last}");
    }
    let why = &log_lines().of(&stage.id("access-4"))[0]["fields"]["why"];
    assert_eq!(why, "the key is revoked");
    host.stop().await;
}

/// The log always names the caller, also if it acts for a person.
async fn the_audit_log_names_the_caller(stage: &Stage) {
    let host = stage.host().await;
    let discard = async |body: Value| {
        add_dead_letter(&host).await;
        let path = "/v1/dead-letters/discard";
        let key = body
            .to_string()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        host.post(path, &key, &body).await.expect(200);
    };
    discard(json!({ "code": "misconfigured", "reason": "corrected" })).await;
    discard(json!({ "code": "misconfigured", "actor": "ana", "reason": "corrected" })).await;
    let log = host.get("/v1/operations").await.expect(200);
    let actor = |at: usize| log["operations"][at]["actor"].as_str().expect("text");
    assert_eq!((actor(1), actor(0)), ("test-admin", "ana by test-admin"));
    host.stop().await;
}

async fn anonymous_callers_may_call_only_the_configured_routes(stage: &Stage) {
    let config = HttpConfig {
        access: AccessConfig {
            anonymous: vec!["GET /v1/stores/{id}".into()],
            tokens: None,
            identity: None,
        },
        ..test_config()
    };
    let host = stage.host_with(config).await;
    host.add_store_and_shift().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let get = async |path: &str, bearer: &str| {
        let mut request = client.get(format!("http://{}{path}", host.address));
        if !bearer.is_empty() {
            request = request.bearer_auth(bearer);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(get("/v1/stores/s1", "").await, 200);
    assert_eq!(get("/v1/stores", "").await, 401);
    // Invalid credentials are rejected even here, and a bound caller stays bound.
    assert_eq!(get("/v1/stores/s1", "nobody").await, 401);
    assert_eq!(get("/v1/stores/s1", "till;stores=s2").await, 404);
    host.stop().await;
}

async fn a_host_with_an_invalid_anonymous_route_does_not_start(stage: &Stage) {
    let host = stage.host().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let config = HttpConfig {
        access: AccessConfig {
            anonymous: vec!["PUT /v1/stores/{id}".into()],
            tokens: None,
            identity: None,
        },
        ..test_config()
    };
    let (app, stop) = (host.app.clone(), CancellationToken::new());
    let served = serve(listener.expect("a port"), app, config, stop).await;
    let error = served.expect_err("refused").to_string();
    assert!(
        error.starts_with("access.anonymous: `PUT /v1/stores/{id}`"),
        "{error}"
    );
    host.stop().await;
}
