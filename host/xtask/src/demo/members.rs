//! Members: every code that is nobody's was refused in the same words, and whoever was identified
//! stands on the order that was placed next.

use super::client::Client;
use anyhow::{Result, bail};
use galleria_simulator::ledger::Books;
use galleria_simulator::request::{Answered, MemberIs};
use serde_json::Value;

/// Every code that is nobody's is refused in the same words.
pub fn one_refusal(books: &Books<'_>) -> Result<()> {
    for (retailer, codes) in &books.codes {
        if codes.identified == 0 || codes.refused.is_empty() {
            bail!("{retailer}: no member was identified, or no code was refused");
        }
        if codes.refused.len() > 1 {
            let bodies: Vec<&String> = codes.refused.keys().collect();
            bail!("{retailer}: codes are refused in different words: {bodies:?}");
        }
    }
    Ok(())
}

/// The host keeps with each order whom it identified before, and nobody else.
pub async fn on_orders(client: &Client, day: &[Answered]) -> Result<()> {
    for one in day {
        if !matches!(one.request.member, Some(MemberIs::AnswerTo(_))) {
            continue;
        }
        let body = &one.request.body;
        let id = body["id"].as_str().unwrap_or_default();
        let order = client.get(&format!("/v1/orders/{id}")).await?;
        if !same(&order["member"], &body["member"]) {
            // Not who: numbers are nobody's to print.
            bail!("order {id} is not the member's who was identified for it");
        }
    }
    Ok(())
}

fn same(kept: &Value, sent: &Value) -> bool {
    ["id", "programme"]
        .iter()
        .all(|name| kept[name] == sent[name])
}

#[cfg(test)]
mod tests {
    use super::*;
    use galleria_simulator::ledger::Codes;

    fn books(identified: usize, refused: &[&str]) -> Books<'static> {
        let mut books = Books::of(vec![], &[]).expect("empty books");
        let refused = refused.iter().map(|body| ((*body).to_owned(), 1)).collect();
        let codes = Codes {
            identified,
            refused,
        };
        books.codes.insert("example".into(), codes);
        books
    }

    #[test]
    fn refusals_that_differ_are_told() {
        assert!(one_refusal(&books(3, &["no"])).is_ok());
        assert!(one_refusal(&books(3, &["no", "no, for its padding"])).is_err());
        assert!(
            one_refusal(&books(0, &["no"])).is_err(),
            "nobody was identified"
        );
        assert!(one_refusal(&books(3, &[])).is_err(), "nothing was refused");
    }
}
