//! Creates the results of a host: documents, a matched statement, runs, a dead letter and a parked event.

use super::{RETAILER, Setup};
use crate::root::root;
use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// The plugin slot that reads statements.
const READER: &str = "adyen";
/// The plugin slot that writes a report.
const REPORTER: &str = "daily-sales";
/// Each takes less than a second on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// In major units: more than an amount in a POSLOG can have.
const TOO_MUCH: i64 = 200_000_000;

impl Setup<'_> {
    /// Waits for the results and returns their ids.
    pub(super) async fn results(&self) -> Result<Vec<(&'static str, Vec<String>)>> {
        self.create_dead_letter().await?;
        let statement = self.statement().await?;
        let runs = self.runs().await?;
        let documents = self.list("/v1/documents", "documents", |_| true).await?;
        let lines = format!("/v1/statements/{statement}/lines");
        let lines = self.list(&lines, "lines", |_| true).await?;
        let dead = self
            .list("/v1/dead-letters", "dead_letters", |_| true)
            .await?;
        let parked = self.list("/v1/parked", "parked", |_| true).await?;
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

    /// Pays an order whose POSLOG cannot be written, and verifies it: the payment becomes a dead letter, and the
    /// verification is parked behind it.
    async fn create_dead_letter(&self) -> Result<()> {
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
        let file = files.next().context("statement")??.path();
        let path = format!("/v1/retailers/{RETAILER}/statements?plugin={READER}&file=known.csv");
        let text = fs::read_to_string(&file)?;
        self.client
            .upload(&path, "statement", "text/csv", text)
            .await?;
        let matched = |one: &Value| one["state"] != "matching";
        let statements = self.list("/v1/statements", "statements", matched).await?;
        let ids = texts(&statements, "id")?;
        ids.into_iter().next().context("statement")
    }

    async fn runs(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for day in 20..30 {
            let day = format!("2025-10-{day}");
            let body =
                json!({ "retailer": RETAILER, "plugin": REPORTER, "first": day, "last": day });
            let request = self.client.write(Method::POST, "/v1/runs", &day, &body);
            let run = request.await?;
            ids.push(run["id"].as_str().context("run id")?.to_owned());
        }
        let done = |one: &Value| one["state"] == "ended";
        self.list("/v1/runs", "runs", done).await?;
        Ok(ids)
    }

    /// Waits until the list has items that meet the condition, and returns them.
    async fn list(
        &self,
        path: &str,
        name: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Vec<Value>> {
        let begun = Instant::now();
        loop {
            let page = self.client.get(path).await?;
            let all = page[name].as_array().context("list")?;
            let items: Vec<Value> = all.iter().filter(|one| condition(one)).cloned().collect();
            if !items.is_empty() {
                return Ok(items);
            }
            if begun.elapsed() > READY_WITHIN {
                bail!("{path}: no matching item after {READY_WITHIN:?}: {page}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn texts(items: &[Value], field: &str) -> Result<Vec<String>> {
    let each = items
        .iter()
        .map(|one| one[field].as_str().map(ToOwned::to_owned));
    let all: Option<Vec<String>> = each.collect();
    all.with_context(|| format!("a list whose items have {field}"))
}
