//! Statements: each retailer's is handed in as its provider would, and what matching made of it is
//! held against what was put into it.

use super::client::Client;
use super::retailer::Retailer;
use anyhow::{Context, Result, bail};
use galleria_domain::MatchOutcome;
use galleria_simulator::day;
use galleria_simulator::statement::{self, Made};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// A file that is picked up has to be seen first.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// What became of a retailer's statement.
pub struct Settled {
    /// The host's of the statement.
    pub id: String,
    /// `YYYY-MM-DD`.
    pub paid_on: String,
    /// Minor units of the payout's currency.
    pub net: i64,
    pub lines: u64,
    pub outcomes: BTreeMap<String, u64>,
    /// How it came in.
    pub by: &'static str,
}

/// Hands the statement in, and checks what came of it.
pub async fn settle(client: &Client, retailer: &Retailer, directories: &Value) -> Result<Settled> {
    let kept = &retailer.assortment.day;
    let terms = retailer.assortment.statement.as_ref();
    let terms = terms.with_context(|| format!("{} has no [statement]", retailer.name))?;
    let drawn = day::generate(&retailer.folder, kept.seed, kept.events)?;
    let made = statement::make(terms, &drawn.settled, kept.seed)?;
    let text = retailer.kept("statements", &made.name)?;
    if text != made.text {
        bail!(
            "{}: the statement that is kept is not the day's",
            retailer.name
        );
    }
    let slot = retailer.slots.get(&terms.plugin);
    let slot = slot.with_context(|| format!("{} has no plugin {}", retailer.name, terms.plugin))?;
    let mut refused = None;
    let by = match &slot.pickup {
        Some(pickup) => {
            let folder = directories[&pickup.directory]
                .as_str()
                .context("a directory")?;
            let folder = crate::root::root().join(folder).join(&retailer.name);
            drop_into(&folder, &made)?;
            refused = Some(folder.join("refused").join(format!("{}.txt", made.name)));
            "picked up"
        }
        None => {
            let path = format!(
                "/v1/retailers/{}/statements?plugin={}&file={}",
                retailer.name, terms.plugin, made.name
            );
            // Twice: the same file is one statement.
            for round in ["first", "second"] {
                let key = format!("statement:{}:{round}", retailer.name);
                client
                    .upload(&path, &key, "application/octet-stream", text.clone())
                    .await?;
            }
            "uploaded"
        }
    };
    let found = matched(client, retailer, refused.as_deref()).await?;
    let settled = Settled {
        id: found["id"].as_str().context("a statement's id")?.to_owned(),
        paid_on: terms.paid_on.clone(),
        net: found["net"].as_i64().context("a statement's net")?,
        lines: found["lines"].as_u64().context("a statement's lines")?,
        outcomes: outcomes(&found)?,
        by,
    };
    check(&found, &settled, &made)
        .with_context(|| format!("the statement of {}", retailer.name))?;
    Ok(settled)
}

/// As a provider's transfer does: the file, and when it is whole, its marker.
fn drop_into(folder: &Path, made: &Made) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join(&made.name), &made.text)?;
    fs::write(folder.join(format!("{}.complete", made.name)), "")?;
    Ok(())
}

/// `refused` is where it would be told that the file was not taken.
async fn matched(client: &Client, retailer: &Retailer, refused: Option<&Path>) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let list = client
            .get(&format!("/v1/statements?retailer={}", retailer.name))
            .await?;
        let all = list["statements"]
            .as_array()
            .context("a list of statements")?;
        if let [one] = all.as_slice()
            && one["state"] == "matched"
        {
            let id = one["id"].as_str().context("a statement's id")?;
            return client.get(&format!("/v1/statements/{id}")).await;
        }
        if let Some(why) = refused.and_then(|file| fs::read_to_string(file).ok()) {
            bail!("the statement of {} was refused:\n{why}", retailer.name);
        }
        if begun.elapsed() > READ_WITHIN {
            bail!("{} has no statement that is matched: {list}", retailer.name);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn outcomes(statement: &Value) -> Result<BTreeMap<String, u64>> {
    let outcomes = statement["outcomes"].as_array().context("outcomes")?;
    let pairs = outcomes.iter().map(|one| {
        let word = one["outcome"].as_str().context("an outcome")?;
        let lines = one["lines"].as_u64().context("its lines")?;
        Ok((word.to_owned(), lines))
    });
    pairs.filter(|pair| !matches!(pair, Ok((_, 0)))).collect()
}

fn check(statement: &Value, settled: &Settled, made: &Made) -> Result<()> {
    if settled.net != made.total {
        bail!(
            "its net is {}, and {} was paid out",
            settled.net,
            made.total
        );
    }
    let sums = statement["outcomes"].as_array().context("outcomes")?;
    let sum: i64 = sums.iter().filter_map(|one| one["net"].as_i64()).sum();
    if sum != made.total {
        bail!(
            "its outcomes come to {sum}, and {} was paid out",
            made.total
        );
    }
    for outcome in MatchOutcome::ALL {
        let wanted = made.outcomes.get(&outcome).copied().unwrap_or_default() as u64;
        let found = settled
            .outcomes
            .get(outcome.word())
            .copied()
            .unwrap_or_default();
        if found != wanted {
            bail!("{found} lines are {}, not {wanted}", outcome.word());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made() -> Made {
        Made {
            name: "a.csv".into(),
            text: String::new(),
            total: 900,
            outcomes: [(MatchOutcome::Matched, 2), (MatchOutcome::Unmatched, 1)].into(),
        }
    }

    fn checked(matched: u64, net: i64, of_unmatched: i64) -> Result<()> {
        let statement = json!({ "outcomes": [
            { "outcome": "matched", "lines": matched, "net": 1000 },
            { "outcome": "unmatched", "lines": 1, "net": of_unmatched },
            { "outcome": "duplicate", "lines": 0, "net": 0 },
        ] });
        let settled = Settled {
            id: "s".into(),
            paid_on: "2026-11-23".into(),
            net,
            lines: matched + 1,
            outcomes: outcomes(&statement)?,
            by: "uploaded",
        };
        check(&statement, &settled, &made())
    }

    #[test]
    fn a_line_or_a_cent_that_is_not_where_it_belongs_is_told() {
        assert!(checked(2, 900, -100).is_ok());
        let wrong = |result: Result<()>| result.expect_err("a difference").to_string();
        assert_eq!(wrong(checked(3, 900, -100)), "3 lines are matched, not 2");
        assert_eq!(
            wrong(checked(2, 899, -100)),
            "its net is 899, and 900 was paid out"
        );
        assert_eq!(
            wrong(checked(2, 900, -101)),
            "its outcomes come to 899, and 900 was paid out"
        );
    }
}
