//! Sends the requests of a day: lanes in parallel, the requests of a lane in sequence.

use crate::client::{Client, QueryResponse};
use crate::show::Progress;
use anyhow::{Result, bail};
use galleria_simulator::request::{Exchange, MemberExpectation, Request};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// Number of lanes that send at the same time.
const CLIENTS: usize = 4;

/// Every twentieth request is sent twice, as after a lost response.
const REPEAT_EVERY: usize = 20;

/// Sends the day. Returns the exchanges in the order of the day.
pub async fn send(client: &Client, day: Vec<Request>) -> Result<Vec<Exchange>> {
    let progress = Arc::new(Progress::new("requests", day.len() as u64));
    let mut lanes: BTreeMap<String, Vec<(usize, Request)>> = BTreeMap::new();
    for (at, request) in day.into_iter().enumerate() {
        lanes
            .entry(request.lane.clone())
            .or_default()
            .push((at, request));
    }
    let lanes: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(lanes.into_values().collect()));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, lanes, progress) = (client.clone(), lanes.clone(), progress.clone());
        clients.spawn(async move {
            let mut exchanges = Vec::new();
            while let Some(lane) = next(&lanes) {
                // By the idempotency key of the identification request.
                let mut members: BTreeMap<String, Value> = BTreeMap::new();
                for (at, request) in lane {
                    let exchange = send_one(&client, at, request, &members).await?;
                    if let Some(MemberExpectation::Known(_)) = exchange.request.member {
                        let member = exchange.response["member"].clone();
                        members.insert(exchange.request.key.clone(), member);
                    }
                    exchanges.push((at, exchange));
                    progress.add(1);
                }
            }
            Ok::<_, anyhow::Error>(exchanges)
        });
    }
    let mut exchanges = BTreeMap::new();
    while let Some(result) = clients.join_next().await {
        exchanges.extend(result??);
    }
    if let Some(progress) = Arc::into_inner(progress) {
        progress.done();
    }
    Ok(exchanges.into_values().collect())
}

fn next<T>(lanes: &Mutex<VecDeque<T>>) -> Option<T> {
    lanes
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .pop_front()
}

async fn send_one(
    client: &Client,
    at: usize,
    mut request: Request,
    members: &BTreeMap<String, Value>,
) -> Result<Exchange> {
    match &request.member {
        Some(MemberExpectation::Known(_) | MemberExpectation::Nobody) => {
            return identify(client, request).await;
        }
        Some(MemberExpectation::AnswerTo(key)) => {
            // If the host rejected the code, the customer shops without a member.
            let member = members.get(key).cloned();
            request.body["member"] = member.unwrap_or_default();
        }
        None => {}
    }
    let Request {
        path, key, body, ..
    } = &request;
    let response = client.write(Method::POST, path, key, body).await?;
    if at.is_multiple_of(REPEAT_EVERY) {
        let repeated = client.write(Method::POST, path, key, body).await?;
        if repeated != response {
            bail!("{path}: the same request with the same idempotency key had another response");
        }
    }
    Ok(Exchange { request, response })
}

/// Identifies a member. Errors contain neither the code nor the member number.
async fn identify(client: &Client, request: Request) -> Result<Exchange> {
    let result = client.query(&request.path, &request.body).await?;
    let key = &request.key;
    let response = match (&request.member, result) {
        (Some(MemberExpectation::Known(number)), QueryResponse::Accepted(response)) => {
            if response["member"]["id"] != number.as_str() {
                bail!("{key}: the host returned another member");
            }
            response
        }
        (Some(MemberExpectation::Known(_)), QueryResponse::Rejected(rejection)) => {
            bail!("{key}: the host rejected a valid code: {rejection}")
        }
        (_, QueryResponse::Accepted(_)) => {
            bail!("{key}: the host returned a member for an invalid code")
        }
        (_, QueryResponse::Rejected(rejection)) => Value::String(rejection),
    };
    Ok(Exchange { request, response })
}
