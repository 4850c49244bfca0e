//! Writes one CSV and publishes one event for each sale of a corner shop. `corner-shop-python` and
//! `corner-shop-javascript` decide the same, byte for byte, and use the same fixtures.

mod document;
mod event;
mod settings;

use galleria_sdk::prelude::*;
use galleria_sdk::{AgeOutcome, log};
pub use settings::{Settings, Training};
use std::collections::BTreeMap;

/// The plugin.
pub struct CornerShop;

impl Plugin for CornerShop {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        settings.problems()
    }
}

impl OnPayment for CornerShop {
    fn handle(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
        let (store, settings) = (cx.store()?, cx.settings());
        if sale.entry.training && settings.training == Training::Skip {
            return Ok(Decision::new().note("skipped", "training"));
        }
        refuse_what_cannot_be(store, sale)?;
        wait_for_the_provider(settings, sale)?;
        assert_numbers_differ(sale);
        let counted: Vec<&Line> = sale.lines.iter().filter(|line| !line.voided).collect();
        let name = settings::file_name(
            &settings.file_name,
            &store.external_id,
            &cx.business_date().replace('-', ""),
            &sale.entry.workstation,
            &format!("{:06}", sale.entry.sequence),
        );
        let body = document::write(settings, store, sale, &counted)?;
        let event = event::of(cx, store, sale, &counted)?;
        let mut decision = Decision::new()
            .document("transaction_logs", name, "text/csv", body)
            .publish(&settings.topic, sale.entry.order_id.as_str(), &event)?
            .note("lines", counted.len().to_string());
        for line in &counted {
            let (number, unit) = (line.number, &line.unit);
            let text = format!(
                "{} {unit} at {}, {}",
                line.quantity,
                line.unit_price,
                document::kind_with_content(line)
            );
            decision = decision.note(format!("line {number}"), text);
            if let Some(age) = &line.age {
                decision = decision.note(format!("age of line {number}"), outcome(age.outcome));
            }
        }
        if counted.len() == sale.lines.len() {
            return Ok(decision);
        }
        let left_out = (sale.lines.len() - counted.len()).to_string();
        log::info("voided lines left out", &[("lines", &left_out)]);
        Ok(decision.note("left-out", left_out))
    }
}

galleria_sdk::plugin!(CornerShop: OnPayment);

fn refuse_what_cannot_be(store: &Store, sale: &Sale) -> Result<(), Fault> {
    let mut problems = Vec::new();
    if sale.entry.currency != store.currency {
        let (found, wanted) = (&sale.entry.currency, &store.currency);
        let message = format!("is {found}, but the store's currency is {wanted}");
        problems.push(Problem::new("entry.currency", message));
    }
    if sale.lines.is_empty() {
        problems.push(Problem::new("lines", "a sale has at least one line"));
    }
    for line in sale.lines.iter().filter(|line| line.quantity.unscaled <= 0) {
        let field = format!("lines.{}.quantity", line.number);
        problems.push(Problem::new(field, "must be greater than 0"));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Fault::Invalid(problems)),
    }
}

/// The provider's reference of a card payment may arrive shortly after the payment.
fn wait_for_the_provider(settings: &Settings, sale: &Sale) -> Result<(), Fault> {
    let waits = |tender: &&Tender| {
        matches!(tender.kind.as_str(), "card" | "wallet") && tender.psp_reference.is_none()
    };
    match sale.tenders.iter().find(waits) {
        None => Ok(()),
        Some(tender) => {
            let number = tender.number;
            let reason = format!("tender {number} has no reference of its provider yet");
            Err(Fault::retry_in(settings.provider_wait_s, reason))
        }
    }
}

/// The host accepts no other sale, so this is a crash, not a fault.
fn assert_numbers_differ(sale: &Sale) {
    let mut seen: BTreeMap<u32, &Line> = BTreeMap::new();
    for line in &sale.lines {
        if let Some(other) = seen.insert(line.number, line) {
            let (number, one, two) = (line.number, &other.description, &line.description);
            panic!("two lines have the number {number}: {one}, {two}");
        }
    }
}

/// Returns the outcome as in the contract.
fn outcome(outcome: AgeOutcome) -> &'static str {
    match outcome {
        AgeOutcome::Pending => "pending",
        AgeOutcome::Passed => "passed",
        AgeOutcome::Refused => "refused",
    }
}

/// Returns -1 if the line reduces the total.
fn sign_of(line: &Line) -> i64 {
    match line.returned || matches!(line.kind, LineKind::DepositReturn) {
        true => -1,
        false => 1,
    }
}

fn signed_quantity(line: &Line) -> Decimal {
    Decimal::new(sign_of(line) * line.quantity.unscaled, line.quantity.scale)
}
