//! Damaged reports: the plugin either rejects one, or reads the same amounts as a second reader.

use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::strict::{column, decode, minor, minor_digits, rows};
use galleria_sdk::testkit::{Amounts, ValidFile, compare_mutated};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

const BATCH: &str = include_str!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");
const CORRECTIONS: &str = include_str!(
    "../../fixtures/chargebacks-and-corrections/settlement_detail_report_batch_215.csv"
);

#[test]
fn a_damaged_report_is_rejected_or_has_the_amounts_in_its_cells() {
    // Without a payout, no total detects a wrong amount.
    let unpaid = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("MerchantPayout"));
        lines.map(|line| [line, "\n"].concat()).collect::<String>()
    };
    let file = |text: &str, settings| ValidFile {
        bytes: text.into(),
        settings,
    };
    let files = [
        file(BATCH, json!({})),
        file(CORRECTIONS, json!({})),
        file(&unpaid(BATCH), json!({ "payout": "optional" })),
        file(&unpaid(CORRECTIONS), json!({ "payout": "optional" })),
    ];
    let seeded = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |below| rng.random_range(0..below)
    };
    let accepted = compare_mutated::<AdyenSettlement, _>(&files, 700, seeded, &amounts);
    assert!(accepted > 300, "only {accepted} were accepted");
}

fn amounts(bytes: &[u8], settings: &Value) -> Option<Amounts> {
    let rows = rows(&decode(bytes, false)?, ',')?;
    let (header, body) = rows.split_first()?;
    let mut found = Amounts::default();
    for row in body {
        let cell = |name: &str| Some(row.get(column(header, name)?)?.as_str());
        let paid = cell("Net Currency")?;
        let amount = |name: &str, currency: &str| match cell(name)? {
            "" => Some(None),
            text => Some(Some(minor(text, '.', None, minor_digits(currency))?)),
        };
        let sided = |name: &str, currency: &str| {
            let (debit, credit) = name.split_once('|')?;
            Some(
                match (amount(debit, currency)?, amount(credit, currency)?) {
                    (None, None) => None,
                    (debit, credit) => Some(credit.unwrap_or(0) - debit.unwrap_or(0)),
                },
            )
        };
        let stated_net = sided("Net Debit (NC)|Net Credit (NC)", paid)?;
        let net = stated_net.unwrap_or(0);
        let word = cell("Type")?.to_lowercase();
        if word == "merchantpayout" {
            found.total = Some(-net);
            continue;
        }
        let parts = [
            "Commission (NC)",
            "Markup (NC)",
            "Scheme Fees (NC)",
            "Interchange (NC)",
        ];
        let parts = parts.map(|name| amount(name, paid));
        let stated: Vec<i64> = parts
            .into_iter()
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        let fee: i64 = stated.iter().sum();
        let foreign = cell("Gross Currency")?;
        let gross = sided(
            "Gross Debit (GC)|Gross Credit (GC)",
            if foreign.is_empty() { paid } else { foreign },
        )?;
        // Gross and fee define a net that is left out; without a gross, the fee does.
        let in_paid = gross.is_none() || foreign.is_empty() || foreign.eq_ignore_ascii_case(paid);
        let net = match stated_net {
            None if in_paid && !stated.is_empty() => gross.unwrap_or(0) - fee,
            _ => net,
        };
        let costs = [
            "fee",
            "paymentcost",
            "settlecost",
            "misccosts",
            "authorisationschemefee",
            "invoicededuction",
        ];
        let sale = word.starts_with("settled") && word != "settledreversed"
            || word.starts_with("refunded") && word != "refundedreversed";
        found.lines.push(match gross {
            _ if costs.contains(&&*word) => [0, 0, -net, net],
            None => [net + fee, net + fee, fee, net],
            Some(0) if !sale && !word.contains("chargeback") => [net + fee, net + fee, fee, net],
            Some(gross) if foreign.is_empty() || foreign.eq_ignore_ascii_case(paid) => {
                let fee = if stated.is_empty() && !sale {
                    gross - net
                } else {
                    fee
                };
                [gross, gross, fee, net]
            }
            Some(gross) => {
                let rate: Decimal = cell("Exchange Rate")?.parse().ok()?;
                let units = Decimal::new(gross, minor_digits(foreign)) * rate;
                let exact = units * Decimal::from(10_i64.pow(minor_digits(paid)));
                let slack = Decimal::ONE
                    + Decimal::new(gross.abs(), minor_digits(foreign))
                        * Decimal::new(1, rate.scale())
                        * Decimal::from(10_i64.pow(minor_digits(paid)));
                let near = (Decimal::from(net + fee) - exact).abs() <= slack;
                if near || sale || !stated.is_empty() {
                    assert!(near, "the rate of `{row:?}` does not give the amount");
                    [gross, net + fee, fee, net]
                } else {
                    let rounded =
                        exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
                    let converted: i64 = rounded.try_into().ok()?;
                    [gross, converted, converted - net, net]
                }
            }
        });
    }
    let optional = settings["payout"] == "optional";
    (optional || found.total.is_some()).then_some(found)
}
