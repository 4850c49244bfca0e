//! Accepts verifications: staff checked a basket.
//!
//! Usually staff check at the door after payment; then the verification contains the sale. If staff
//! check before payment, it contains the basket at that time, and must not wait for a payment that
//! may never come. A verification takes no number of the workstation and counts in no drawer,
//! because it sells nothing.

use super::{answer, check_id, note_activity, order_of, refuse, store_of};
use crate::core::{IdempotencyKey, Reply};
use crate::orders::Orders;
use galleria_domain::event::{identifier, topic};
use galleria_domain::selling::{Sums, sum_lines};
use galleria_domain::{Entry, JsonText, NewEvent, Problem, Sale, Store, Verification};
use galleria_ports::Error;
use galleria_ports::in_tx;
use galleria_ports::records::{ActivityKind, OrderRow, OrderStatus, Tx, VerificationRow};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// The length of a readable word, which a plugin may print in a column.
const WORD: std::ops::RangeInclusive<usize> = 1..=64;

/// A verification to record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewVerification {
    /// The caller's id, unique in the platform; derived from order and time if it is absent.
    pub id: Option<String>,
    /// Time at which it happened, RFC 3339.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// The cashier who checked.
    pub cashier: String,
    /// `passed`, `corrected`, `refused`, or another value.
    pub outcome: String,
    /// Numbers of the lines that were not correct; empty if it passed.
    #[serde(default)]
    pub refused_lines: Vec<u32>,
}

/// An accepted verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationView {
    /// Its id.
    pub id: String,
    /// The id of its event.
    pub event_id: String,
    /// The business date, `YYYY-MM-DD`.
    pub business_date: String,
    /// Whether it contains the sale; otherwise it contains the basket before payment.
    pub paid: bool,
}

impl Orders {
    /// Accepts a verification.
    pub async fn accept_verification(
        &self,
        key: IdempotencyKey,
        order_id: &str,
        new: NewVerification,
    ) -> Result<Reply, Error> {
        if let Some(id) = &new.id {
            check_id("id", id)?;
        }
        refuse(wrong_words(&new))?;
        let (now, order_id) = (self.core.clock.now(), order_id.to_owned());
        self.core
            .append_once(
                key,
                201,
                in_tx!(|tx, new, order_id| accept(tx, &order_id, new, now).await),
            )
            .await
    }
}

fn wrong_words(new: &NewVerification) -> Vec<Problem> {
    let words = [("cashier", &new.cashier), ("outcome", &new.outcome)];
    let wrong = words
        .into_iter()
        .filter(|(_, word)| !WORD.contains(&word.len()));
    let mut problems: Vec<Problem> = wrong
        .map(|(field, _)| Problem::new(field, "1 to 64 bytes"))
        .collect();
    if new.outcome == "passed" && !new.refused_lines.is_empty() {
        let message = "none where the basket passed";
        problems.push(Problem::new("refused_lines", message));
    }
    problems
}

async fn accept(
    tx: &mut dyn Tx,
    order_id: &str,
    new: NewVerification,
    now: Timestamp,
) -> Result<serde_json::Value, Error> {
    let order = order_of(tx, order_id).await?;
    let store = store_of(tx, &order.store_id).await?;
    if order.status == OrderStatus::Voided {
        return Err(Error::Conflict {
            code: "order_voided",
            message: format!("order {order_id} is voided and cannot be verified"),
        });
    }
    refuse(unknown_lines(&order, &new.refused_lines))?;
    let paid = tx.payment_get_by_order(order_id).await?;
    let (paid, sale) = match paid {
        Some(payment) => (true, payment.sale),
        None => (false, as_it_stands(&store, order, new.at)?),
    };
    let at = free_moment(tx, order_id, now).await?;
    let moment = at.as_millisecond();
    let id = new.id.unwrap_or_else(|| format!("{order_id}:{moment}"));
    let row = VerificationRow {
        id: id.clone(),
        order_id: order_id.to_owned(),
        store_id: store.id.clone(),
        verification: Verification {
            sale,
            business_date: store.business_date(new.at).to_string(),
            cashier: new.cashier,
            outcome: new.outcome,
            refused_lines: new.refused_lines,
            at: store.local_text(new.at),
        },
        occurred_at: new.at,
        accepted_at: now,
    };
    let Verification {
        sale,
        business_date,
        ..
    } = &row.verification;
    tx.verification_insert(&row).await?;
    if !sale.entry.training {
        let kind = ActivityKind::Verification;
        note_activity(tx, &store, kind, &id, business_date, new.at, now).await?;
    }
    let event_id = event_id(order_id, at);
    let event = NewEvent {
        id: event_id.clone(),
        topic: topic::COMMON.into(),
        key: Some(order_id.to_owned()),
        store: Some(store.id),
        data: JsonText::of(&json!({
            "order_id": order_id,
            "consumer_identifier_key": identifier::POST_DASHBOARD_VERIFICATION_SUCCESS,
            "verification_id": id,
        }))?,
    };
    tx.event_append(&event, at).await?;
    answer(&VerificationView {
        id,
        event_id,
        business_date: business_date.clone(),
        paid,
    })
}

fn unknown_lines(order: &OrderRow, refused: &[u32]) -> Vec<Problem> {
    let known: BTreeSet<u32> = order.lines.iter().map(|line| line.number).collect();
    let mut seen = BTreeSet::new();
    let wrong = refused
        .iter()
        .enumerate()
        .filter(|(_, number)| !known.contains(number) || !seen.insert(**number));
    wrong
        .map(|(at, _)| {
            let message = "the number of a line of the order, once";
            Problem::new(format!("refused_lines.{at}"), message)
        })
        .collect()
}

fn event_id(order_id: &str, at: Timestamp) -> String {
    format!("verification:{order_id}:{}", at.as_millisecond())
}

/// The event's id contains the order and the millisecond. The order is locked, so that the second
/// of two verifications in one millisecond takes the next.
async fn free_moment(tx: &mut dyn Tx, order_id: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let mut at = now;
    while tx.event_get(&event_id(order_id, at)).await?.is_some() {
        at += SignedDuration::from_millis(1);
    }
    Ok(at)
}

/// The basket before payment: it has the id of the order, and no number of its own.
fn as_it_stands(store: &Store, order: OrderRow, at: Timestamp) -> Result<Sale, Error> {
    let Sums { taxes, gross, net } =
        sum_lines(&order.lines, store.minor_digits).map_err(Error::Invalid)?;
    Ok(Sale {
        entry: Entry {
            id: String::new(),
            order_id: order.id,
            external_id: order.external_id,
            workstation: order.workstation,
            sequence: 0,
            receipt: String::new(),
            cashier: order.cashier,
            business_date: store.business_date(at).to_string(),
            begun_at: store.local_text(order.begun_at),
            ended_at: store.local_text(at),
            currency: store.currency.clone(),
            training: order.training,
        },
        member: order.member,
        lines: order.lines,
        tenders: Vec::new(),
        taxes,
        rounding: 0,
        net,
        gross,
        consents: order.consents,
        attributes: order.attributes,
    })
}
