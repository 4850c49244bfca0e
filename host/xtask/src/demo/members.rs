//! Checks of members: all invalid codes have the same rejection, and each order has the member that was
//! identified for it.

use crate::client::Client;
use anyhow::{Result, bail};
use galleria_simulator::ledger::Ledger;
use galleria_simulator::request::{Exchange, MemberExpectation};
use serde_json::Value;

/// Checks that all invalid codes of a retailer have the same rejection: a difference would reveal why a code
/// is invalid.
pub fn same_rejection(ledger: &Ledger<'_>) -> Result<()> {
    for (retailer, counts) in &ledger.identifications {
        if counts.identified == 0 || counts.rejected.is_empty() {
            bail!("{retailer}: the day must have valid and invalid codes");
        }
        if counts.rejected.len() > 1 {
            let bodies: Vec<&String> = counts.rejected.keys().collect();
            bail!("{retailer}: invalid codes have different rejections: {bodies:?}");
        }
    }
    Ok(())
}

/// Checks that the host stores each order with the member that it identified before.
pub async fn on_orders(client: &Client, day: &[Exchange]) -> Result<()> {
    for exchange in day {
        if !matches!(
            exchange.request.member,
            Some(MemberExpectation::AnswerTo(_))
        ) {
            continue;
        }
        let body = &exchange.request.body;
        let id = body["id"].as_str().unwrap_or_default();
        let order = client.get(&format!("/v1/orders/{id}")).await?;
        if !same(&order["member"], &body["member"]) {
            // Member numbers are personal data, so the error does not contain them.
            bail!("order {id}: the member differs from the identified one");
        }
    }
    Ok(())
}

fn same(actual: &Value, expected: &Value) -> bool {
    ["id", "programme"]
        .iter()
        .all(|name| actual[name] == expected[name])
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_simulator::ledger::Identifications;

    fn ledger(identified: usize, rejected: &[&str]) -> Ledger<'static> {
        let mut ledger = Ledger::new(vec![], &[]).expect("an empty ledger");
        let rejected = rejected
            .iter()
            .map(|body| ((*body).to_owned(), 1))
            .collect();
        let counts = Identifications {
            identified,
            rejected,
        };
        ledger.identifications.insert("example".into(), counts);
        ledger
    }

    #[test]
    fn different_rejections_are_an_error() {
        assert!(same_rejection(&ledger(3, &["no"])).is_ok());
        assert!(same_rejection(&ledger(3, &["no", "no, for its padding"])).is_err());
        assert!(
            same_rejection(&ledger(0, &["no"])).is_err(),
            "no valid code"
        );
        assert!(same_rejection(&ledger(3, &[])).is_err(), "no invalid code");
    }
}
