//! Sending a day: lanes at the same time, the requests of a lane one after the other.

use super::client::Client;
use crate::show::Progress;
use anyhow::{Result, bail};
use galleria_simulator::request::{Answered, MemberIs, Request};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// Tills that send at the same time.
const CLIENTS: usize = 4;

/// Every so manieth request is sent twice, as a network does that loses an answer.
const TWICE: usize = 20;

/// Sends the day; answers in the order of the day.
pub async fn send(client: &Client, day: Vec<Request>) -> Result<Vec<Answered>> {
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
            let mut answers = Vec::new();
            while let Some(lane) = next(&lanes) {
                // By the key of the request that asked.
                let mut members: BTreeMap<String, Value> = BTreeMap::new();
                for (at, request) in lane {
                    let answered = one(&client, at, request, &members).await?;
                    if let Some(MemberIs::Known(_)) = answered.request.member {
                        let member = answered.answer["member"].clone();
                        members.insert(answered.request.key.clone(), member);
                    }
                    answers.push((at, answered));
                    progress.add(1);
                }
            }
            Ok::<_, anyhow::Error>(answers)
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(ended) = clients.join_next().await {
        answers.extend(ended??);
    }
    if let Some(progress) = Arc::into_inner(progress) {
        progress.done();
    }
    Ok(answers.into_values().collect())
}

fn next<T>(lanes: &Mutex<VecDeque<T>>) -> Option<T> {
    // Nothing panics while it is held; if it did, the rest of the day would be sent all the same.
    lanes
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .pop_front()
}

async fn one(
    client: &Client,
    at: usize,
    mut request: Request,
    members: &BTreeMap<String, Value>,
) -> Result<Answered> {
    match &request.member {
        Some(MemberIs::Known(_) | MemberIs::Nobody) => return identify(client, request).await,
        Some(MemberIs::AnswerTo(key)) => {
            // Nobody, where the code was refused: the customer shops without a card.
            let member = members.get(key).cloned();
            request.body["member"] = member.unwrap_or_default();
        }
        None => {}
    }
    let Request {
        path, key, body, ..
    } = &request;
    let answer = client.write(Method::POST, path, key, body).await?;
    if at.is_multiple_of(TWICE) {
        let again = client.write(Method::POST, path, key, body).await?;
        if again != answer {
            bail!("{path} answered the same request under the same key differently");
        }
    }
    Ok(Answered { request, answer })
}

/// Asks who it is: the answer, or the refusal's text. Neither code nor number is told.
async fn identify(client: &Client, request: Request) -> Result<Answered> {
    let asked = client.ask(&request.path, &request.body).await?;
    let key = &request.key;
    let answer = match (&request.member, asked) {
        (Some(MemberIs::Known(number)), Ok(answer)) => {
            if answer["member"]["id"] != number.as_str() {
                bail!("{key} was answered with another member");
            }
            answer
        }
        (Some(MemberIs::Known(_)), Err(refusal)) => {
            bail!("{key} is a member's code, and was refused: {refusal}")
        }
        (_, Ok(_)) => bail!("{key} is nobody's code, and was answered with a member"),
        (_, Err(refusal)) => Value::String(refusal),
    };
    Ok(Answered { request, answer })
}
