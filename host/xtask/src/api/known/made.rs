//! What a host makes of its day: documents, a matched statement, runs, a dead letter and what waits for it.

use super::{Here, RETAILER};
use crate::root::root;
use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// The slot that reads statements, and one that writes a report.
const READER: &str = "adyen";
const REPORTER: &str = "daily-sales";
/// Each takes less than a second on an idle machine.
const MADE_WITHIN: Duration = Duration::from_secs(60);
/// Major units, more than the standard's amounts can have: no POSLOG can be made of it.
const TOO_MUCH: i64 = 200_000_000;

impl Here<'_> {
    /// Waits for everything that the host makes, and answers with the ids.
    pub(super) async fn made(&self) -> Result<Vec<(&'static str, Vec<String>)>> {
        self.gave_up().await?;
        let statement = self.statement().await?;
        let runs = self.runs().await?;
        let documents = self.listed("/v1/documents", "documents", |_| true).await?;
        let lines = format!("/v1/statements/{statement}/lines");
        let lines = self.listed(&lines, "lines", |_| true).await?;
        let dead = self
            .listed("/v1/dead-letters", "dead_letters", |_| true)
            .await?;
        let parked = self.listed("/v1/parked", "parked", |_| true).await?;
        Ok(vec![
            ("/v1/documents/{id} id", texts(&documents, "id")?),
            ("/v1/statements/{id} id", vec![statement]),
            ("/v1/statement-lines/{id} id", texts(&lines, "id")?),
            ("/v1/runs/{id} id", runs),
            ("/v1/dead-letters/{event}/ event", texts(&dead, "event_id")?),
            (
                "/v1/dead-letters/{event}/ subscriber",
                texts(&dead, "subscriber")?,
            ),
            ("/v1/parked/{event}/ event", texts(&parked, "event_id")?),
            (
                "/v1/parked/{event}/ subscriber",
                texts(&parked, "subscriber")?,
            ),
            ("/v1/plugins/{retailer}/{slot} slot", vec![READER.into()]),
            (
                "/v1/plugins/{retailer}/{slot} retailer",
                vec![RETAILER.into()],
            ),
        ])
    }

    /// Pays an order of which no POSLOG can be made, and verifies it: one is given up, the other waits.
    async fn gave_up(&self) -> Result<()> {
        let order = "order-too-much";
        let minor = TOO_MUCH * 100;
        let mut body = self.example("/v1/orders")?;
        let (id, store) = (json!(order), json!(self.store));
        (body["id"], body["store_id"]) = (id, store);
        let price = json!(TOO_MUCH.to_string());
        body["lines"] = json!([{
            "number": 1, "sku": "1", "description": "A ship", "unit": "EA", "amount": minor,
            "quantity": "1",
            "regular_price": price, "unit_price": price,
        }]);
        let client = self.client;
        client
            .write(Method::POST, "/v1/orders", order, &body)
            .await?;
        let mut body = self.example("/v1/orders/{id}/payments")?;
        body["id"] = json!("payment-too-much");
        body["tenders"] = json!([
            { "number": 1, "kind": "card", "amount": minor, "tendered": minor, "change": 0 },
        ]);
        let path = format!("/v1/orders/{order}/payments");
        client.write(Method::POST, &path, "much", &body).await?;
        let mut body = self.example("/v1/orders/{id}/verifications")?;
        body["id"] = json!("verification-too-much");
        let path = format!("/v1/orders/{order}/verifications");
        client.write(Method::POST, &path, "verified", &body).await?;
        Ok(())
    }

    async fn statement(&self) -> Result<String> {
        let folder = root().join("retailers").join(RETAILER).join("statements");
        let mut files = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let file = files.next().context("a statement")??.path();
        let path = format!("/v1/retailers/{RETAILER}/statements?plugin={READER}&file=known.csv");
        let text = fs::read_to_string(&file)?;
        self.client
            .upload(&path, "statement", "text/csv", text)
            .await?;
        let matched = |one: &Value| one["state"] == "matched";
        let found = self.listed("/v1/statements", "statements", matched).await?;
        let ids = texts(&found, "id")?;
        ids.into_iter().next().context("a statement")
    }

    async fn runs(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for day in 20..30 {
            let day = format!("2025-10-{day}");
            let body =
                json!({ "retailer": RETAILER, "plugin": REPORTER, "first": day, "last": day });
            let asked = self.client.write(Method::POST, "/v1/runs", &day, &body);
            let run = asked.await?;
            ids.push(run["id"].as_str().context("a run's id")?.to_owned());
        }
        let done = |one: &Value| one["state"] == "ended";
        self.listed("/v1/runs", "runs", done).await?;
        Ok(ids)
    }

    /// What is listed there and is as wanted, as soon as there is something.
    async fn listed(
        &self,
        path: &str,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>> {
        let begun = Instant::now();
        loop {
            let page = self.client.get(path).await?;
            let all = page[name].as_array().context("a list")?;
            let found: Vec<Value> = all.iter().filter(|one| wanted(one)).cloned().collect();
            if !found.is_empty() {
                return Ok(found);
            }
            if begun.elapsed() > MADE_WITHIN {
                bail!("{path} never had what was waited for: {page}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn texts(found: &[Value], key: &str) -> Result<Vec<String>> {
    let each = found
        .iter()
        .map(|one| one[key].as_str().map(ToOwned::to_owned));
    let all: Option<Vec<String>> = each.collect();
    all.with_context(|| format!("a list whose rows have {key}"))
}
