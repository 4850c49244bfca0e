//! Who is let in, and to what: every route, by every scope, with and without the thing in reach.

use crate::host::{Answer, Host, order, quick};
use crate::log::kept;
use crate::openapi::{given_up, walked};
use crate::stage::Stage;
use galleria_api::{AccessConfig, HttpConfig, serve};
use galleria_app::access::{KeyAsk, Reach, Scope};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

on_both!(
    every_route_refuses_every_scope_below_its_own_and_nobody_above,
    who_says_nothing_is_nobody,
    what_is_not_in_reach_is_not_there,
    anothers_and_nobodys_look_alike,
    a_list_of_stores_is_the_callers_own,
    a_key_opens_what_it_says_until_it_is_revoked,
    the_caller_signs_what_it_does,
    the_anonymous_caller_asks_what_is_named_and_no_more,
    a_host_with_a_wrong_list_does_not_start,
);

/// Every operation of the document: method, path, and the scope it needs.
fn operations(document: &Value) -> Vec<(Method, String, Option<Scope>)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let security = operation["security"].as_array().expect("security");
            let scope = security.first().map(|one| {
                let word = one["bearer"][0].as_str().expect("a scope");
                Scope::by_name(word).expect("a known scope")
            });
            let method = method.to_uppercase().parse().expect("a method");
            all.push((method, path.clone(), scope));
        }
    }
    all
}

/// Sends the example of an operation, under a key of its own.
async fn sent(host: &Host, document: &Value, asked: (&Method, &str), bearer: &str) -> Answer {
    let (method, template) = asked;
    let operation = &document["paths"][template][method.as_str().to_lowercase()];
    let mut path = template.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "path" {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().expect("an example");
            path = path.replace(&format!("{{{name}}}"), example);
        }
    }
    path.push_str(match template {
        "/v1/dead-letters" => "?store=madrid-1",
        "/v1/statements" | "/v1/runs" | "/v1/parked" | "/v1/fiscal-records" | "/v1/plugins" => {
            "?retailer=example"
        }
        "/v1/receipts" | "/v1/requests" => "?store=madrid-1",
        "/v1/orders" | "/v1/shifts" if *method == Method::GET => "?retailer=example",
        "/v1/payments" | "/v1/refunds" | "/v1/voids" => "?retailer=example",
        "/v1/verifications" | "/v1/documents" => "?retailer=example",
        "/v1/statements/uncovered" => "?retailer=example",
        "/v1/retailers/{retailer}/statements" => "?plugin=statements&file=payout-42.csv",
        _ => "",
    });
    let path = match method.as_str() {
        "POST" => path.replace("/v1/runs?retailer=example", "/v1/runs"),
        _ => path,
    };
    let mut request = host
        .request(method.clone(), &path)
        .header("Idempotency-Key", uuid::Uuid::new_v4().to_string());
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let content = &operation["requestBody"]["content"];
    let request = if let Some(json) = content.get("application/json") {
        let mut body = json["example"].clone();
        if template.starts_with("/v1/dead-letters/re") || template.ends_with("letters/discard") {
            body["store"] = json!("madrid-1");
        }
        request.json(&body)
    } else if let Some(csv) = content.get("text/csv") {
        let text = csv["example"].as_str().expect("text").to_owned();
        request.header("content-type", "text/csv").body(text)
    } else {
        request.body(if content.is_object() {
            "a statement"
        } else {
            ""
        })
    };
    host.send(request).await
}

fn bearer_of(scope: Scope) -> &'static str {
    scope.name()
}

/// The list of routes that are not tried is empty by being none: all of the document are.
async fn every_route_refuses_every_scope_below_its_own_and_nobody_above(stage: &Stage) {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    let (mut open, mut closed) = (BTreeSet::new(), 0);
    for (method, path, needs) in operations(&document) {
        let asked = (&method, path.as_str());
        let Some(needs) = needs else {
            open.insert(path);
            continue;
        };
        closed += 1;
        for bad in [
            "nobody",
            "gk_1",
            &format!("gk_{}_{}", "0".repeat(16), "0".repeat(64)),
        ] {
            let answer = sent(&host, &document, asked, bad).await;
            assert_eq!(answer.code(), "unauthorized", "{method} {path}");
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"galleria\"")
            );
        }
        for scope in Scope::ALL {
            let answer = sent(&host, &document, asked, bearer_of(scope)).await;
            match scope < needs {
                true => {
                    assert_eq!(answer.code(), "forbidden", "{method} {path} by {scope:?}");
                    assert!(answer.text.contains(needs.name()), "{}", answer.text);
                }
                false => assert!(
                    ![401, 403].contains(&answer.status),
                    "{method} {path} by {scope:?}: {}",
                    answer.text
                ),
            }
        }
    }
    let public = ["/healthz", "/readyz", "/openapi.json"].map(str::to_owned);
    assert_eq!(open, public.into());
    assert!(closed > 35, "{closed}");
    host.stop().await;
}

async fn who_says_nothing_is_nobody(stage: &Stage) {
    let host = stage.host().await;
    let document = host.get("/openapi.json").await.expect(200);
    // Without the header that this host's client adds.
    let client = reqwest::Client::builder().no_proxy().build().expect("one");
    for (method, path, needs) in operations(&document) {
        let url = format!("http://{}{path}", host.address);
        let answer = client.request(method.clone(), &url).send().await;
        let status = answer.expect("an answer").status().as_u16();
        assert_eq!(status == 401, needs.is_some(), "{method} {path}: {status}");
        let head = client.head(&url).send().await.expect("an answer");
        if method == Method::GET {
            assert_eq!(head.status().as_u16(), status, "HEAD {path}");
        }
    }
    for (path, status) in [("/docs/", 200), ("/wp-admin", 404), ("/v1/stores/", 404)] {
        let url = format!("http://{}{path}", host.address);
        let answer = client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    host.stop().await;
}

/// What a store of another retailer is told of a host that is full of one retailer's things.
async fn what_is_not_in_reach_is_not_there(stage: &Stage) {
    let walk = walked(stage).await;
    let (host, document) = (&walk.host, &walk.document);
    let mut other = document["paths"]["/v1/stores/{id}"]["put"]["requestBody"]["content"]
        ["application/json"]["example"]
        .clone();
    other["retailer"] = json!("other");
    host.write(Method::PUT, "/v1/stores/other-1", "other", &other)
        .await
        .expect(200);
    given_up(host).await;
    let whole = ["/v1/operations", "/v1/status", "/metrics"];
    for bound in ["stores=other-1", "retailers=other", "stores=gone"] {
        let bearer = format!("admin;{bound}");
        for (method, path, needs) in operations(document) {
            if needs.is_none() || path == "/v1/stores" {
                continue;
            }
            let answer = sent(host, document, (&method, &path), &bearer).await;
            if whole.contains(&path.as_str()) {
                assert_eq!(answer.code(), "forbidden", "{method} {path}");
            } else {
                // The retailer is named in the query, so that it is the retailer that is not found.
                assert_eq!(answer.code(), "not_found", "{method} {path} by {bound}");
            }
        }
    }
    // Nothing of it was done: the letter is there, and so is all else.
    let letters = host.get("/v1/dead-letters").await.expect(200);
    assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(1));
    // Whose they are finds everything, but for what is about the host as a whole.
    for (method, path, needs) in operations(document) {
        if needs.is_none() {
            continue;
        }
        let bearer = "admin;retailers=example";
        let answer = sent(host, document, (&method, &path), bearer).await;
        if whole.contains(&path.as_str()) {
            assert_eq!(answer.code(), "forbidden", "{method} {path}");
        } else if !answer.text.contains("there is no dead letter") {
            let refused = [401, 403, 404].contains(&answer.status);
            assert!(!refused, "{method} {path}: {}", answer.text);
        }
    }
    walk.host.stop().await;
}

/// The same words, whether it is another's or nobody's.
async fn anothers_and_nobodys_look_alike(stage: &Stage) {
    let host = stage.host().await;
    host.furnish().await;
    host.post("/v1/orders", "o1", &order("o1"))
        .await
        .expect(201);
    let ask = async |path: &str| {
        let request = host.request(Method::GET, path);
        let answer = host
            .send(request.header("authorization", "Bearer till;stores=s9"))
            .await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        let mut body = answer.json();
        body["request_id"] = json!("");
        body.to_string()
    };
    let (theirs, nobodys) = (ask("/v1/orders/o1").await, ask("/v1/orders/o2").await);
    assert_eq!(theirs.replace("o1", "o2"), nobodys);
    let (theirs, nobodys) = (ask("/v1/stores/s1").await, ask("/v1/stores/s2").await);
    assert_eq!(theirs.replace("s1", "s2"), nobodys);
    // An order of its own, in another's drawer.
    let foreign = host.request(Method::POST, "/v1/orders").json(&order("o3"));
    let foreign = foreign.header("Idempotency-Key", "o3");
    let refused = host
        .send(foreign.header("authorization", "Bearer till;stores=s9"))
        .await;
    assert_eq!(refused.code(), "not_found");
    assert_eq!(host.get("/v1/orders/o3").await.status, 404);
    host.stop().await;
}

async fn a_list_of_stores_is_the_callers_own(stage: &Stage) {
    let host = stage.host().await;
    host.furnish().await;
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
    let seen = async |bound: &str, limit: u32| {
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
        assert_eq!(seen("stores=s1", limit).await, "s1");
        assert_eq!(seen("retailers=other", limit).await, "t1 t2");
        assert_eq!(
            seen("retailers=other;stores=s2,t1,x", limit).await,
            "s2 t1 t2"
        );
        assert_eq!(seen("retailers=other,third", limit).await, "t1 t2 u1");
        assert_eq!(seen("stores=x", limit).await, "");
    }
    host.stop().await;
}

fn key(name: &str, scope: Scope, reach: Reach) -> KeyAsk {
    KeyAsk {
        name: name.into(),
        scope,
        reach,
        by: "ana".into(),
        reason: "a new till".into(),
    }
}

fn stores(ids: &[&str]) -> Reach {
    Reach::Some {
        retailers: BTreeSet::new(),
        stores: ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn a_key_opens_what_it_says_until_it_is_revoked(stage: &Stage) {
    let host = stage.host().await;
    host.furnish().await;
    let till = key("till-7", Scope::Till, stores(&["s1"]));
    let made = host.app.key_create(till.clone()).await.expect("a key");
    let twice = host.app.key_create(till.clone()).await;
    assert!(twice.is_err_and(|error| error.to_string() == "key till-7 is there already"));
    let nowhere = key("till-8", Scope::Till, stores(&["s9"]));
    assert!(host.app.key_create(nowhere).await.is_err(), "no such store");
    assert!(
        host.app
            .key_create(key("t", Scope::Till, stores(&[])))
            .await
            .is_err()
    );

    let ask = async |bearer: &str, path: &str, id: &str| {
        let request = host
            .request(Method::GET, path)
            .header("x-request-id", stage.id(id));
        host.send(request.header("authorization", format!("Bearer {bearer}")))
            .await
    };
    ask(&made.text, "/v1/stores/s1", "access-1")
        .await
        .expect(200);
    assert_eq!(
        ask(&made.text, "/v1/status", "access-2").await.code(),
        "forbidden"
    );
    let (front, secret) = made.text.rsplit_once('_').expect("a secret");
    let digit = if secret.ends_with('0') { "1" } else { "0" };
    let wrong = format!("{front}_{}{digit}", &secret[..63]);
    let unknown = ask(&wrong, "/v1/stores/s1", "access-3").await;

    let revoked = host.app.key_revoke("till-7", "ana", "it was stolen").await;
    assert!(revoked.expect("revoked").revoked_at.is_some());
    let after = ask(&made.text, "/v1/stores/s1", "access-4").await;
    // Whoever tries learns nothing from what it is told.
    for refused in [&unknown, &after] {
        assert_eq!(refused.code(), "unauthorized");
    }
    assert_eq!(unknown.json()["detail"], after.json()["detail"]);
    assert!(host.app.key_revoke("till-7", "ana", "again").await.is_err());
    let again = host.app.key_create(till).await.expect("the name is free");
    assert_ne!(*again.text, *made.text);

    // What was done to keys is told with who and why, and of neither key a secret.
    let told = host.get("/v1/operations").await.expect(200);
    let actions: Vec<_> = told["operations"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    let of = |at: usize, field: &str| actions[at][field].as_str().expect("text").to_owned();
    let three = [2, 1, 0].map(|at| (of(at, "action"), of(at, "operator"), of(at, "reason")));
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
    let listed = host.app.keys(true).await.expect("a list");
    assert_eq!(listed.len(), 2);
    let everything = format!("{told} {listed:?} {}", kept().text());
    assert!(!everything.contains(secret), "a secret was told");
    for (id, caller) in [("access-1", Some("till-7")), ("access-3", None)] {
        let lines = kept().of(&stage.id(id));
        let last = lines.last().expect("a line");
        assert_eq!(last["span"]["caller"].as_str(), caller, "{last}");
    }
    let why = &kept().of(&stage.id("access-4"))[0]["fields"]["why"];
    assert_eq!(why, "the key is revoked");
    host.stop().await;
}

/// Whoever a caller says it acts for, it is the caller that is written down.
async fn the_caller_signs_what_it_does(stage: &Stage) {
    let host = stage.host().await;
    let discard = async |body: Value| {
        given_up(&host).await;
        let path = "/v1/dead-letters/discard";
        let key = body
            .to_string()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        host.post(path, &key, &body).await.expect(200);
    };
    discard(json!({ "code": "misconfigured", "reason": "mended" })).await;
    discard(json!({ "code": "misconfigured", "operator": "ana", "reason": "mended" })).await;
    let told = host.get("/v1/operations").await.expect(200);
    let by = |at: usize| told["operations"][at]["operator"].as_str().expect("text");
    assert_eq!((by(1), by(0)), ("test-admin", "ana by test-admin"));
    host.stop().await;
}

async fn the_anonymous_caller_asks_what_is_named_and_no_more(stage: &Stage) {
    let config = HttpConfig {
        access: AccessConfig {
            anonymous: vec!["GET /v1/stores/{id}".into()],
            tokens: None,
        },
        ..quick()
    };
    let host = stage.host_with(config).await;
    host.furnish().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("one");
    let ask = async |path: &str, bearer: &str| {
        let mut request = client.get(format!("http://{}{path}", host.address));
        if !bearer.is_empty() {
            request = request.bearer_auth(bearer);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ask("/v1/stores/s1", "").await, 200);
    assert_eq!(ask("/v1/stores", "").await, 401);
    // A bad key is not better than none, and a bound caller stays bound.
    assert_eq!(ask("/v1/stores/s1", "nobody").await, 401);
    assert_eq!(ask("/v1/stores/s1", "till;stores=s2").await, 404);
    host.stop().await;
}

async fn a_host_with_a_wrong_list_does_not_start(stage: &Stage) {
    let host = stage.host().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let config = HttpConfig {
        access: AccessConfig {
            anonymous: vec!["PUT /v1/stores/{id}".into()],
            tokens: None,
        },
        ..quick()
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
