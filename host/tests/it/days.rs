//! The sample days of the retailers, whoever they are.

use crate::house::{House, root};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// A request of a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub key: String,
    pub body: Value,
    /// What kind of event it makes, if any.
    pub counts: Option<String>,
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
        days.push(Day {
            retailer: folder.file_name().expect("a name").to_string_lossy().into(),
            date: first.file_stem().expect("a date").to_string_lossy().into(),
            stores: serde_json::from_str(&stores).expect("stores"),
            requests: text
                .lines()
                .map(|line| serde_json::from_str(line).expect("a request"))
                .collect(),
        });
    }
    assert!(!days.is_empty(), "no retailer has a day");
    days
}

impl Day {
    /// How many events the day makes.
    pub fn events(&self) -> usize {
        let events = self.requests.iter();
        events.filter(|request| request.counts.is_some()).count()
    }

    pub async fn put_stores(&self, house: &House) {
        for store in &self.stores {
            let mut body = store.clone();
            let id = body["id"].as_str().expect("an id").to_owned();
            body.as_object_mut().expect("an object").remove("id");
            let path = format!("/v1/stores/{id}");
            let (status, answer) = house
                .send("PUT", &path, &format!("store:{id}"), &body)
                .await
                .expect("an answer");
            assert_eq!(status, 200, "{answer:#}");
        }
    }

    /// Sends everything, one after the other.
    pub async fn feed(&self, house: &House) {
        self.put_stores(house).await;
        for request in &self.requests {
            request.send(house).await;
        }
    }
}

impl Request {
    /// Sends until there is an answer, as a till would.
    pub async fn send(&self, house: &House) {
        for _ in 0..2_000 {
            let sent = house.send(&self.method, &self.path, &self.key, &self.body);
            match sent.await {
                Ok((status @ 200..=299, _)) => {
                    assert!(status < 300);
                    return;
                }
                Ok((503 | 500, _)) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                Ok((status, answer)) => {
                    panic!("{} {}: {status} {answer:#}", self.method, self.path)
                }
            }
        }
        panic!("{} {}: never answered", self.method, self.path);
    }
}
