//! Damaged reports: the plugin either rejects one, or reads the same amounts as a second reader.

use galleria_sdk::testkit::strict::{column, decode, minor, minor_digits, rows};
use galleria_sdk::testkit::{Amounts, ValidFile, compare_mutated};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use stripe_payout::StripePayout;

const PAYOUT: &str = include_str!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");
const WITHOUT: &str =
    include_str!("../../fixtures/without-the-charge/payout_reconciliation-itemized-5.csv");

#[test]
fn a_damaged_report_is_rejected_or_has_the_amounts_in_its_cells() {
    // Without a payout, no total detects a wrong amount.
    let unpaid = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains(",payout,"));
        lines.map(|line| [line, "\n"].concat()).collect::<String>()
    };
    let file = |text: &str, settings| ValidFile {
        bytes: text.into(),
        settings,
    };
    let files = [
        file(PAYOUT, json!({})),
        file(WITHOUT, json!({})),
        file(&unpaid(PAYOUT), json!({ "payout": "optional" })),
        file(&unpaid(WITHOUT), json!({ "payout": "optional" })),
    ];
    let seeded = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        move |below| rng.random_range(0..below)
    };
    let accepted = compare_mutated::<StripePayout, _>(&files, 600, seeded, &amounts);
    assert!(accepted > 300, "only {accepted} were accepted");
}

fn amounts(bytes: &[u8], settings: &Value) -> Option<Amounts> {
    let rows = rows(&decode(bytes, false)?, ',')?;
    let (header, body) = rows.split_first()?;
    let mut found = Amounts::default();
    for row in body {
        let cell = |name: &str| Some(row.get(column(header, name)?)?.as_str());
        let currency = cell("currency")?;
        let amount = |name: &str| minor(cell(name)?, '.', None, minor_digits(currency));
        let (gross, fee) = (amount("gross")?, amount("fee")?);
        // Gross and fee define a net that is left out.
        let net = match cell("net")? {
            "" => gross - fee,
            _ => amount("net")?,
        };
        assert_eq!(net, gross - fee, "`{row:?}`");
        let seen = cell("customer_facing_currency")
            .filter(|seen| !seen.is_empty() && !seen.eq_ignore_ascii_case(currency));
        found.lines.push(match cell("reporting_category")? {
            "payout" => {
                found.total = Some(-net);
                continue;
            }
            "fee" | "network_cost" | "tax" | "stripe_fee" => [0, 0, -net, net],
            "charge" | "refund" | "dispute" | "dispute_reversal" if seen.is_some() => {
                let text = cell("customer_facing_amount")?;
                let size = minor(text, '.', None, minor_digits(seen?))?.abs();
                [size * gross.signum(), gross, fee, net]
            }
            _ => [gross, gross, fee, net],
        });
    }
    let optional = settings["payout"] == "optional";
    (optional || found.total.is_some()).then_some(found)
}
