//! Delivers the settlement statement of each retailer as its provider would, and checks the results of
//! matching.

use super::retailer::Retailer;
use crate::client::Client;
use anyhow::{Context, Result, bail};
use galleria_domain::MatchOutcome;
use galleria_simulator::day;
use galleria_simulator::statement::{self, SampleStatement};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The host looks for new files only now and then.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// A statement after matching.
pub struct MatchedStatement {
    /// The id that the host assigned.
    pub id: String,
    /// `YYYY-MM-DD`.
    pub paid_on: String,
    /// In minor units of the currency of the payout.
    pub net: i64,
    pub lines: u64,
    pub outcomes: BTreeMap<String, u64>,
    /// How the host received it: `uploaded` or `picked up`.
    pub delivery: &'static str,
}

/// Delivers the statement and checks the result.
pub async fn deliver(
    client: &Client,
    retailer: &Retailer,
    directories: &Value,
) -> Result<MatchedStatement> {
    let day = &retailer.assortment.day;
    let terms = retailer.assortment.statement.as_ref();
    let terms = terms
        .with_context(|| format!("{}: assortment.toml: [statement] is missing", retailer.name))?;
    let sample = day::generate(&retailer.folder, day.seed, day.events)?;
    let expected = statement::generate(terms, &sample.settled, day.seed)?;
    let text = retailer.sample("statements", &expected.name)?;
    if text != expected.text {
        bail!(
            "{}: {} is out of date; `cargo xtask day` writes it again",
            retailer.name,
            expected.name
        );
    }
    let slot = retailer.slots.get(&terms.plugin);
    let slot =
        slot.with_context(|| format!("{}: no plugin slot {}", retailer.name, terms.plugin))?;
    let mut rejection = None;
    let delivery = match &slot.pickup {
        Some(pickup) => {
            let folder = directories[&pickup.directory]
                .as_str()
                .context("directory")?;
            let folder = crate::root::root().join(folder).join(&retailer.name);
            write_into(&folder, &expected)?;
            rejection = Some(
                folder
                    .join("refused")
                    .join(format!("{}.txt", expected.name)),
            );
            "picked up"
        }
        None => {
            let path = format!(
                "/v1/retailers/{}/statements?plugin={}&file={}",
                retailer.name, terms.plugin, expected.name
            );
            // The same file twice is still one statement.
            for round in ["first", "second"] {
                let key = format!("statement:{}:{round}", retailer.name);
                client
                    .upload(&path, &key, "application/octet-stream", text.clone())
                    .await?;
            }
            "uploaded"
        }
    };
    let response = matched(client, retailer, rejection.as_deref()).await?;
    let statement = MatchedStatement {
        id: response["id"].as_str().context("statement id")?.to_owned(),
        paid_on: terms.paid_on.clone(),
        net: response["net"].as_i64().context("net of the statement")?,
        lines: response["lines"]
            .as_u64()
            .context("lines of the statement")?,
        outcomes: outcomes(&response)?,
        delivery,
    };
    check(&response, &statement, &expected)
        .with_context(|| format!("statement of {}", retailer.name))?;
    Ok(statement)
}

/// Writes the file, then the marker that says it is complete, as a transfer of the provider does.
fn write_into(folder: &Path, statement: &SampleStatement) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join(&statement.name), &statement.text)?;
    fs::write(folder.join(format!("{}.complete", statement.name)), "")?;
    Ok(())
}

/// Waits until the statement is matched. `rejection` is the file in which the host reports a rejection.
async fn matched(client: &Client, retailer: &Retailer, rejection: Option<&Path>) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let list = client
            .get(&format!("/v1/statements?retailer={}", retailer.name))
            .await?;
        let all = list["statements"]
            .as_array()
            .context("list of statements")?;
        if let [one] = all.as_slice()
            && one["state"] != "matching"
        {
            let id = one["id"].as_str().context("statement id")?;
            return client.get(&format!("/v1/statements/{id}")).await;
        }
        if let Some(reason) = rejection.and_then(|file| fs::read_to_string(file).ok()) {
            bail!(
                "the host rejected the statement of {}:\n{reason}",
                retailer.name
            );
        }
        if begun.elapsed() > READ_WITHIN {
            bail!(
                "{}: no matched statement within {READ_WITHIN:?}: {list}",
                retailer.name
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn outcomes(statement: &Value) -> Result<BTreeMap<String, u64>> {
    let outcomes = statement["outcomes"].as_array().context("outcomes")?;
    let pairs = outcomes.iter().map(|one| {
        let name = one["outcome"].as_str().context("outcome")?;
        let lines = one["lines"].as_u64().context("lines of an outcome")?;
        Ok((name.to_owned(), lines))
    });
    pairs.filter(|pair| !matches!(pair, Ok((_, 0)))).collect()
}

fn check(response: &Value, statement: &MatchedStatement, expected: &SampleStatement) -> Result<()> {
    let total = expected.total;
    if statement.net != total {
        bail!("net: got {}, expected {total}", statement.net);
    }
    let outcomes = response["outcomes"].as_array().context("outcomes")?;
    let sum: i64 = outcomes.iter().filter_map(|one| one["net"].as_i64()).sum();
    if sum != total {
        bail!("net of all outcomes: got {sum}, expected {total}");
    }
    for outcome in MatchOutcome::ALL {
        let lines = expected.outcomes.get(&outcome).copied().unwrap_or_default() as u64;
        let name = outcome.word();
        let actual = statement.outcomes.get(name).copied().unwrap_or_default();
        if actual != lines {
            bail!("lines with the outcome {name}: got {actual}, expected {lines}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> SampleStatement {
        SampleStatement {
            name: "a.csv".into(),
            text: String::new(),
            total: 900,
            outcomes: [(MatchOutcome::Matched, 2), (MatchOutcome::Unmatched, 1)].into(),
        }
    }

    fn check_with(matched: u64, net: i64, unmatched_net: i64) -> Result<()> {
        let response = json!({ "outcomes": [
            { "outcome": "matched", "lines": matched, "net": 1000 },
            { "outcome": "unmatched", "lines": 1, "net": unmatched_net },
            { "outcome": "duplicate", "lines": 0, "net": 0 },
        ] });
        let statement = MatchedStatement {
            id: "s".into(),
            paid_on: "2026-11-23".into(),
            net,
            lines: matched + 1,
            outcomes: outcomes(&response)?,
            delivery: "uploaded",
        };
        check(&response, &statement, &expected())
    }

    #[test]
    fn a_different_line_count_or_amount_is_an_error() {
        assert!(check_with(2, 900, -100).is_ok());
        let error = |result: Result<()>| result.expect_err("a difference").to_string();
        assert_eq!(
            error(check_with(3, 900, -100)),
            "lines with the outcome matched: got 3, expected 2"
        );
        assert_eq!(
            error(check_with(2, 899, -100)),
            "net: got 899, expected 900"
        );
        assert_eq!(
            error(check_with(2, 900, -101)),
            "net of all outcomes: got 899, expected 900"
        );
    }
}
