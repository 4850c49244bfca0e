//! The sample days of the retailers.

use crate::host::{Host, root};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A request of a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub key: String,
    pub body: Value,
    /// The kind of event that it causes, if any.
    pub counts: Option<String>,
    /// The member that it identifies or belongs to.
    member: Option<ExpectedMember>,
    /// The expected response, if it is known in advance.
    #[serde(skip)]
    answer: Option<(u16, Value)>,
}

/// The relation of a request to members.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExpectedMember {
    /// It contains the code of the member with this number.
    Known(String),
    /// It contains a code of no member.
    Nobody,
    /// It is the order of the member that the request with this idempotency key identified.
    AnswerTo(String),
}

/// A retailer's day.
pub struct Day {
    pub retailer: String,
    pub date: String,
    pub stores: Vec<Value>,
    pub requests: Vec<Request>,
}

/// The first day of every retailer that has one.
pub fn all() -> Vec<Day> {
    let mut days = Vec::new();
    for entry in std::fs::read_dir(root().join("retailers")).expect("retailers") {
        let folder = entry.expect("an entry").path();
        let Ok(files) = std::fs::read_dir(folder.join("days")) else {
            continue;
        };
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        let Some(first) = files.first() else {
            continue;
        };
        let text = std::fs::read_to_string(first).expect("a day");
        let stores = std::fs::read_to_string(folder.join("stores.json")).expect("stores");
        let requests = text.lines();
        let requests = requests.map(|line| serde_json::from_str(line).expect("a request"));
        days.push(Day {
            retailer: folder.file_name().expect("a name").to_string_lossy().into(),
            date: first.file_stem().expect("a date").to_string_lossy().into(),
            stores: serde_json::from_str(&stores).expect("stores"),
            requests: with_members(requests.collect(), &programme(&folder)),
        });
    }
    assert!(!days.is_empty(), "no retailer has a day");
    days
}

/// The loyalty programme of a retailer's members.
fn programme(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("assortment.toml")).expect("an assortment");
    let assortment: toml::Table = text.parse().expect("TOML");
    let members = assortment.get("members").and_then(toml::Value::as_table);
    let programme = members.and_then(|members| members["programme"].as_str());
    programme.unwrap_or_default().to_owned()
}

/// Adds the expected response of an identification, and sets the member on the order that follows.
fn with_members(mut requests: Vec<Request>, programme: &str) -> Vec<Request> {
    let mut identified = BTreeMap::new();
    for request in &mut requests {
        match &request.member {
            Some(ExpectedMember::Known(number)) => {
                let member = json!({ "id": number, "programme": programme, "attributes": [] });
                identified.insert(request.key.clone(), member.clone());
                request.answer = Some((200, json!({ "member": member })));
            }
            Some(ExpectedMember::Nobody) => request.answer = Some((404, json!("member_unknown"))),
            Some(ExpectedMember::AnswerTo(key)) => {
                if let Some(member) = identified.get(key) {
                    request.body["member"] = member.clone();
                }
            }
            None => {}
        }
    }
    requests
}

impl Day {
    /// The number of events that the day causes.
    pub fn events(&self) -> usize {
        let events = self.requests.iter();
        events.filter(|request| request.counts.is_some()).count()
    }

    pub async fn put_stores(&self, host: &Host) {
        for store in &self.stores {
            let mut body = store.clone();
            let id = body["id"].as_str().expect("an id").to_owned();
            body.as_object_mut().expect("an object").remove("id");
            let path = format!("/v1/stores/{id}");
            let (status, answer) = host
                .send("PUT", &path, &format!("store:{id}"), &body)
                .await
                .expect("an answer");
            assert_eq!(status, 200, "{answer:#}");
        }
    }

    /// Sends all requests in order. Kills the database server half-way.
    pub async fn feed(&self, host: &mut Host) {
        self.put_stores(host).await;
        for (index, request) in self.requests.iter().enumerate() {
            if index == self.requests.len() / 2 {
                host.outage().await;
            }
            request.send(host).await;
        }
    }
}

impl Request {
    /// Sends a request until there is a response, as a till would.
    pub async fn send(&self, host: &Host) {
        for _ in 0..2_000 {
            let sent = host.send(&self.method, &self.path, &self.key, &self.body);
            match (sent.await, &self.answer) {
                (Ok((status @ (200 | 404), output)), Some((wanted, answer))) => {
                    assert_eq!(status, *wanted, "{}: {output:#}", self.key);
                    let output = if status == 404 {
                        &output["code"]
                    } else {
                        &output
                    };
                    assert_eq!(output, answer, "{}", self.key);
                    return;
                }
                // A whole day runs in a minute: the till waits for the rate limit.
                (Ok((429, _)), Some(_)) => tokio::time::sleep(Duration::from_millis(200)).await,
                (Ok((status @ 200..=299, _)), _) => {
                    assert!(status < 300);
                    return;
                }
                (Ok((503 | 500, _)) | Err(_), _) => {
                    tokio::time::sleep(Duration::from_millis(10)).await
                }
                (Ok((status, answer)), _) => {
                    panic!("{} {}: {status} {answer:#}", self.method, self.path)
                }
            }
        }
        panic!("{} {}: never answered", self.method, self.path);
    }
}
