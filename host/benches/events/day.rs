//! The sample day of a retailer with POSLOGs, and any number of paid orders in its manner.

use crate::serving::{Host, root};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use galleria_simulator::request::{self, Request};
use serde_json::Value;
use std::collections::HashMap;

/// Requests at once before the measurement.
const AT_ONCE: usize = 8;

pub struct PaidOrder {
    pub id: String,
    pub order: Request,
    pub payment: Request,
}

pub struct Day {
    /// The sample stores and their copies.
    stores: Vec<Value>,
    /// How many there are of each sample store.
    copies: usize,
    /// Openings of shifts.
    shifts: Vec<Request>,
    /// Orders with their payments.
    paid: Vec<(Request, Request)>,
}

/// A copy of an id; the first one is the id itself.
fn copy_of(id: &Value, copy: usize) -> Value {
    match (copy, id.as_str()) {
        (0, _) | (_, None) => id.clone(),
        (copy, Some(id)) => format!("{id}-c{copy}").into(),
    }
}

impl Day {
    /// Reads the sample day, to be sold by at least this many stores.
    pub fn read(stores: usize) -> Result<Self> {
        let mut folders = std::fs::read_dir(root().join("retailers"))?;
        let folder = folders.find_map(|folder| {
            let folder = folder.ok()?.path();
            let text = std::fs::read_to_string(folder.join("retailer.toml")).ok()?;
            text.contains("[plugins.poslog]").then_some(folder)
        });
        let folder = folder.context("a sample retailer with POSLOGs")?;
        let mut days = std::fs::read_dir(folder.join("days"))?;
        let day = days.next().context("a sample day")??.path();
        let requests = request::read(&std::fs::read_to_string(day)?)?;
        let samples: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(folder.join("stores.json"))?)?;
        ensure!(!samples.is_empty(), "the retailer has no sample stores");
        let copies = stores.div_ceil(samples.len());
        let stores = samples.iter().flat_map(|sample| {
            (0..copies).map(move |copy| {
                let mut store = sample.clone();
                store["id"] = copy_of(&sample["id"], copy);
                store["external_id"] = copy_of(&sample["external_id"], copy);
                store
            })
        });
        let (mut shifts, mut orders, mut paid) = (Vec::new(), HashMap::new(), Vec::new());
        for request in requests {
            if request.path == "/v1/shifts" {
                shifts.push(request);
            } else if request.path == "/v1/orders" && request.member.is_none() {
                let id = request.body["id"].as_str().context("an order's id")?;
                orders.insert(format!("/v1/orders/{id}/payments"), request);
            } else if let Some(order) = orders.get(&request.path) {
                paid.push((order.clone(), request));
            }
        }
        ensure!(!paid.is_empty(), "the sample day has no paid orders");
        Ok(Self {
            stores: stores.collect(),
            copies,
            shifts,
            paid,
        })
    }

    /// Creates the stores and opens their shifts, of several copies at once.
    pub async fn open(&self, host: &Host) -> Result<()> {
        let stores = self.stores.iter().map(|store| self.put_store(host, store));
        let stores = futures_util::stream::iter(stores).buffer_unordered(AT_ONCE);
        stores.try_collect::<()>().await?;
        let copies = (0..self.copies).map(|copy| self.open_shifts(host, copy));
        let copies = futures_util::stream::iter(copies).buffer_unordered(AT_ONCE);
        copies.try_collect::<()>().await
    }

    async fn put_store(&self, host: &Host, store: &Value) -> Result<()> {
        let mut body = store.clone();
        let id = body["id"].take();
        let id = id.as_str().context("a store's id")?;
        body.as_object_mut().context("a store")?.remove("id");
        let request = host.client.put(format!("{}/v1/stores/{id}", host.url));
        let request = request.header("idempotency-key", format!("store-{id}"));
        request.json(&body).send().await?.error_for_status()?;
        Ok(())
    }

    async fn open_shifts(&self, host: &Host, copy: usize) -> Result<()> {
        for shift in &self.shifts {
            let mut shift = shift.clone();
            shift.key = format!("{}-{copy}", shift.key);
            shift.body["id"] = copy_of(&shift.body["id"], copy);
            shift.body["store_id"] = copy_of(&shift.body["store_id"], copy);
            self.post(host, &shift).await?;
        }
        Ok(())
    }

    /// Paid orders with new ids, spread over the stores.
    pub fn orders(&self, count: usize) -> Vec<PaidOrder> {
        let each = self.paid.iter().cycle().take(count).enumerate();
        let each = each.map(|(number, (order, payment))| {
            let (mut order, mut payment) = (order.clone(), payment.clone());
            // Neighbours of the day are of the same store, so consecutive orders use different copies.
            let copy = number % self.copies;
            let id = format!("{}-{number}", order.body["id"].as_str().unwrap_or_default());
            order.body["id"] = id.clone().into();
            order.body["store_id"] = copy_of(&order.body["store_id"], copy);
            if let Some(body) = order.body.as_object_mut() {
                body.remove("external_id");
            }
            order.key = format!("{}-{number}", order.key);
            payment.path = format!("/v1/orders/{id}/payments");
            payment.key = format!("{}-{number}", payment.key);
            let payment_id = payment.body["id"].as_str().unwrap_or_default();
            payment.body["id"] = format!("{payment_id}-{number}").into();
            if payment.body["shift_id"].is_string() {
                payment.body["shift_id"] = copy_of(&payment.body["shift_id"], copy);
            }
            PaidOrder { id, order, payment }
        });
        each.collect()
    }

    pub async fn post(&self, host: &Host, request: &Request) -> Result<()> {
        let post = host.client.post(format!("{}{}", host.url, request.path));
        let post = post.header("idempotency-key", &request.key);
        let response = post.json(&request.body).send().await?;
        let status = response.status();
        if !status.is_success() {
            anyhow::bail!("{}: {status}: {}", request.path, response.text().await?);
        }
        Ok(())
    }
}
